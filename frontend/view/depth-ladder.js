/**
 * The order book: asks above, bids below, mid and spread between. As many levels as the panel has room for.
 *
 * Rows are made once and refilled; the best levels stay beside the middle. A click on a level,
 * or Enter on it, picks its price: the price that stood there when the button went down.
 * Layer: view.
 */

import { grouped, shortest } from "../model/decimal.js";
import { NumberText, element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

const LEVELS_MIN = 5;
const LEVELS_MAX = 40;

/** One line of the ladder. */
class LevelRow {
  element = element("tr");
  price = "";
  #button = element("button", "level-price");
  #priceText;
  #quantity;
  #total;
  #orders = element("td", "orders-column");
  #side;

  /** @param {"buy" | "sell"} side of the orders resting here */
  constructor(side) {
    this.#side = side;
    this.#button.type = "button";
    this.#button.tabIndex = -1;
    this.#priceText = element("span");
    this.#button.append(this.#priceText);
    const cells = [element("td"), element("td"), element("td"), this.#orders];
    cells[0].append(this.#button);
    this.#quantity = new NumberText(cells[1]);
    this.#total = new NumberText(cells[2]);
    this.element.setAttribute("role", "row");
    for (const cell of cells) cell.setAttribute("role", "cell");
    this.element.append(...cells);
    this.show(undefined, false);
  }

  /** @param {import("../model/types.js").Level | undefined} level @param {boolean} own whether an order of ours rests here */
  show(level, own) {
    this.price = level?.price ?? "";
    this.element.classList.toggle("vacant", !level);
    this.element.classList.toggle("own", own);
    this.#button.disabled = !level;
    setText(this.#priceText, level ? grouped(level.price) : "");
    if (own) this.#button.setAttribute("aria-description", "Your order rests here");
    else this.#button.removeAttribute("aria-description");
    this.#quantity.show(level?.quantity ?? "");
    this.#total.show(level?.cumulative ?? "");
    setText(this.#orders, level ? String(level.orders) : "");
    this.element.style.setProperty("--share", String(level?.share ?? 0));
  }

  /** @param {Set<string>} ownLevels */
  isOwn(ownLevels, level) {
    return level !== undefined && ownLevels.has(`${this.#side} ${level.price}`);
  }

  /** @param {boolean} reachable by the tab key */
  set tabStop(reachable) {
    this.#button.tabIndex = reachable ? 0 : -1;
  }

  focus() {
    this.#button.focus();
  }
}

export class DepthLadder {
  /** Called with the price of a level that was picked. @type {(price: string) => void} */
  onPick = () => {};
  #desk;
  #root;
  #bodies;
  #mid;
  #spread;
  #empty;
  /** Best first. @type {{asks: LevelRow[], bids: LevelRow[]}} */ #rows = { asks: [], bids: [] };
  #pressedPrice = "";
  #requestDraw = oncePerFrame(() => this.#draw());

  /** @param {HTMLElement} root @param {import("../desk.js").Desk} desk */
  constructor(root, desk) {
    this.#desk = desk;
    this.#root = root;
    this.#bodies = { asks: root.querySelector(".asks"), bids: root.querySelector(".bids") };
    this.#mid = root.querySelector(".mid-price");
    this.#spread = root.querySelector(".spread");
    this.#empty = root.querySelector(".empty");
    for (const part of ["book", "symbol"]) desk.addEventListener(part, this.#requestDraw);
    desk.portfolio.addEventListener("orders", this.#requestDraw);
    new ResizeObserver(() => this.#fit()).observe(root);
    root.addEventListener("pointerdown", (event) => (this.#pressedPrice = this.#rowOf(event)?.price ?? ""));
    root.addEventListener("click", (event) => this.#pick(event));
    root.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Make as many rows as fit. */
  #fit() {
    const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const rowPx = Number.parseFloat(getComputedStyle(this.#root).getPropertyValue("--row")) * remPx;
    const [head, middle] = this.#root.querySelectorAll("thead, .middle");
    const room = this.#root.clientHeight - head.offsetHeight - middle.offsetHeight;
    const count = Math.max(LEVELS_MIN, Math.min(LEVELS_MAX, Math.floor(room / rowPx / 2)));
    // What is left over goes to the rows, so that the ladder ends where its panel does.
    this.#root.style.setProperty("--level", `${Math.max(rowPx, room / count / 2)}px`);
    if (count === this.#rows.asks.length) return;
    for (const [side, name] of [["sell", "asks"], ["buy", "bids"]]) {
      this.#rows[name] = Array.from({ length: count }, () => new LevelRow(side));
      const shown = this.#rows[name].map((row) => row.element);
      this.#bodies[name].replaceChildren(...(name === "asks" ? shown.reverse() : shown));
    }
    this.#rows.bids[0].tabStop = true;
    this.#root.dataset.fitted = "";
    this.#draw();
  }

  #draw() {
    const { book, portfolio, instrument } = this.#desk;
    const levels = book.levels(this.#rows.asks.length);
    const ownLevels = instrument ? portfolio.orders.ownLevels(instrument.symbol) : new Set();
    for (const name of ["asks", "bids"]) {
      this.#rows[name].forEach((row, index) => row.show(levels[name][index], row.isOwn(ownLevels, levels[name][index])));
    }
    setText(this.#mid, book.mid === null ? "–" : grouped(trimmedMid(book.mid)));
    setText(this.#spread, book.spread === null ? "–" : grouped(book.spread));
    const bare = levels.asks.length + levels.bids.length === 0;
    this.#empty.hidden = !bare;
    if (bare) setText(this.#empty, book.state === "empty" ? "Loading the book…" : "Nobody is quoting. The first limit order makes the market.");
  }

  /** @param {Event} event @returns {LevelRow | undefined} */
  #rowOf(event) {
    const line = event.target.closest("tr");
    return [...this.#rows.asks, ...this.#rows.bids].find((row) => row.element === line);
  }

  /** @param {MouseEvent} event */
  #pick(event) {
    const byPointer = event.detail > 0;
    const price = byPointer ? this.#pressedPrice : this.#rowOf(event)?.price;
    if (price) this.onPick(price);
  }

  /** Arrow keys walk the levels, which are one stop of the tab key. @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const lines = [...this.#rows.asks].reverse().concat(this.#rows.bids).filter((row) => row.price !== "");
    const from = lines.indexOf(this.#rowOf(event));
    const to = lines[from + step];
    if (from < 0 || !to) return;
    event.preventDefault();
    lines[from].tabStop = false;
    to.tabStop = true;
    to.focus();
  }
}

/** The mid has one decimal more than the tick; a closing zero there says nothing. @param {string} mid */
function trimmedMid(mid) {
  return mid.endsWith("0") && mid.includes(".") ? mid.slice(0, -1).replace(/\.$/, "") : shortest(mid);
}
