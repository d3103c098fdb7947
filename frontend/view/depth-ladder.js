/**
 * The order book: asks above, bids below, mid and spread between. As many levels as the panel has room for.
 *
 * The best levels stay beside the middle. A click on a level, or Enter on it, picks its price: the price that
 * stood there when the button went down. The levels are one stop of the tab key; arrow keys walk them.
 * Layer: view.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { grouped, shortest } from "../model/decimal.js";
import { html } from "./html.js";
import { LevelRow } from "./level-row.js";
import { useServices } from "./services.js";
import { useModel } from "./use-model.js";

const LEVELS_MIN = 5;
const LEVELS_MAX = 40;

export function DepthLadder() {
  const { desk, entry, portfolio } = useServices();
  useModel(desk, "book", "symbol");
  useModel(portfolio, "orders");
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const pressed = useRef("");
  const count = useFittingLevels(root);
  const { book, instrument } = desk;
  const levels = book.levels(count);
  const own = instrument ? portfolio.orders.ownLevels(instrument.symbol) : new Set();
  const onClick = (event) => {
    const price = event.detail > 0 ? pressed.current : priceOf(event);
    if (price) entry.takePrice(price);
  };
  return html`
    <section class="panel ladder-panel" aria-labelledby="ladder-title">
      <h2 id="ladder-title">Order book</h2>
      <div class="ladder" id="ladder" ref=${root} data-fitted=${count > 0 ? "" : null}
        onPointerDown=${(event) => (pressed.current = priceOf(event))} onClick=${onClick} onKeyDown=${walk}>
        <table role="table" aria-labelledby="ladder-title">
          <${Head} instrument=${instrument} />
          <tbody role="rowgroup" class="asks" aria-label="Asks">${rows("sell", levels.asks, count, own).reverse()}</tbody>
          <${Middle} book=${book} />
          <tbody role="rowgroup" class="bids" aria-label="Bids">${rows("buy", levels.bids, count, own)}</tbody>
        </table>
        <${Empty} book=${book} />
      </div>
    </section>`;
}

/** @param {"buy" | "sell"} side @param {import("../model/types.js").Level[]} levels best first @param {number} count of lines @param {Set<string>} own */
function rows(side, levels, count, own) {
  return Array.from({ length: count }, (_, index) => {
    const level = levels[index];
    return html`<${LevelRow} key=${index} price=${level?.price ?? ""} quantity=${level?.quantity ?? ""} cumulative=${level?.cumulative ?? ""}
      orders=${level?.orders ?? ""} share=${level?.share ?? 0} own=${level !== undefined && own.has(`${side} ${level.price}`)}
      first=${side === "buy" && index === 0} />`;
  });
}

function Head({ instrument }) {
  return html`
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col">Price <span>${instrument?.quote ?? ""}</span></th>
        <th role="columnheader" scope="col">Quantity <span>${instrument?.base ?? ""}</span></th>
        <th role="columnheader" scope="col">Total</th>
        <th role="columnheader" scope="col" class="orders-column">Orders</th>
      </tr>
    </thead>`;
}

function Middle({ book }) {
  return html`
    <tbody role="rowgroup" class="middle">
      <tr role="row">
        <td role="cell"><span class="label">Mid</span> <span class="mid-price">${book.mid === null ? "–" : grouped(trimmedMid(book.mid))}</span></td>
        <td role="cell"><span class="label">Spread</span> <span class="spread">${book.spread === null ? "–" : grouped(book.spread)}</span></td>
      </tr>
    </tbody>`;
}

function Empty({ book }) {
  if (book.bestBid || book.bestAsk) return null;
  return html`<p class="empty">${book.state === "empty" ? "Loading the book…" : "Nobody is quoting. The first limit order makes the market."}</p>`;
}

/** How many levels of each side the panel has room for; what is left over goes to the rows. @returns {number} 0 before it is known */
function useFittingLevels(root) {
  const [count, setCount] = useState(0);
  useLayoutEffect(() => {
    const element = root.current;
    const fit = () => {
      if (element.clientHeight === 0) return; // not shown
      const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const rowPx = Number.parseFloat(getComputedStyle(element).getPropertyValue("--row")) * remPx;
      const [head, middle] = element.querySelectorAll("thead, .middle");
      const room = element.clientHeight - head.offsetHeight - middle.offsetHeight;
      const fitting = Math.max(LEVELS_MIN, Math.min(LEVELS_MAX, Math.floor(room / rowPx / 2)));
      element.style.setProperty("--level", `${Math.max(rowPx, room / fitting / 2)}px`);
      setCount(fitting);
    };
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return count;
}

/** @param {Event} event @returns {string} of the level it happened at, or "" */
function priceOf(event) {
  return event.target.closest("tr")?.querySelector(".level-price")?.value ?? "";
}

/** @param {KeyboardEvent} event */
function walk(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.querySelectorAll(".level-price:enabled")];
  const from = buttons.indexOf(document.activeElement);
  const to = buttons[from + step];
  if (from < 0 || !to) return;
  event.preventDefault();
  buttons[from].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** The mid has one decimal more than the tick; a closing zero there says nothing. @param {string} mid */
function trimmedMid(mid) {
  return mid.endsWith("0") && mid.includes(".") ? mid.slice(0, -1).replace(/\.$/, "") : shortest(mid);
}
