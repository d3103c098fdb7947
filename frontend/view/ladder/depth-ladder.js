/**
 * The order book: asks above, bids below, the middle between. As many levels as the panel has room for.
 *
 * A click on a price, or Enter on it, picks it: the price that stood there when the button went down. A click on a
 * size opens the queue of its level. The levels are one stop of the tab key; arrow keys walk them, and wheel and
 * page keys show deeper ones of one side.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { groupings, ladderOf, ownLevels, priceDigits } from "../../model/ladder/ladder.js";
import { LevelQueueStore } from "../../stores/level-queue.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useElement } from "../parts/use-element.js";
import { useFeed, useModel } from "../parts/use-model.js";
import { LadderMiddle } from "./ladder-middle.js";
import { LadderTools } from "./ladder-tools.js";
import { LevelQueuePanel } from "./level-queue.js";
import { LevelRow } from "./level-row.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */
/** @typedef {import("../parts/html.js").DomMouseEvent} DomMouseEvent */

const LEVELS_MIN = 3;
const LEVELS_MAX = 40;
const PAGE_LEVELS = 10;
const VACANT = Object.freeze({
  price: "",
  shown: "",
  quantity: "",
  total: "",
  exact: "",
  orders: "",
  share: 0,
  meets: false,
  own: "",
  place: "",
  ownWords: "",
});

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */
/** @typedef {import("../../model/types.js").Side} Side */
/** @typedef {import("../../model/ladder/ladder.js").LadderRow} LadderRow */

/** @type {Readonly<Record<string, string>>} */
const COLUMNS_BY_KEY = Object.freeze({ ArrowLeft: ".level-price", ArrowRight: ".level-size" });
/** @type {Readonly<Record<string, number>>} */
const ROWS_BY_KEY = Object.freeze({ ArrowUp: 1, ArrowDown: -1, PageUp: PAGE_LEVELS, PageDown: -PAGE_LEVELS });

export function DepthLadder() {
  const { api, market, entry, workspace } = useServices();
  useFeed(market, "book");
  useModel(market, "symbol", "status");
  useModel(workspace, "layout");
  const queue = useMemo(() => new LevelQueueStore(api, market), [api, market]);
  useModel(queue, "change");
  /** @type {{current: HTMLElement}} */ const root = useElement();
  const pressed = useRef("");
  const count = useFittingLevels(root);
  const { offset, scroll, recentre } = useOffset(root, count);
  const { book, instrument } = market;
  const grouping = useGrouping();
  const bars = workspace.recall("ladder.bars", "total");
  const own = useOwnLevels(grouping);
  const [asks, bids] = [count + offset, count - offset];
  const indicative = market.trading.indicative?.price ?? null;
  const levels = ladderOf(book.sides, {
    grouping,
    asks,
    bids,
    bars,
    own,
    indicative: book.crossed ? indicative : null,
  });
  const stop = levels.bids.length > 0 && bids > 0 ? "buy" : "sell";
  const rows = (/** @type {Side} */ side, /** @type {LadderRow[]} */ rowsOf, /** @type {number} */ length) =>
    Array.from({ length }, (_, index) => {
      const row = rowsOf[index] ?? VACANT;
      const opened = row.price !== "" && queue.level?.side === side && queue.level?.price === row.price;
      return html`<${LevelRow} key=${index} ...${row} first=${index === 0 && side === stop} opened=${opened} />`;
    });
  const onClick = (/** @type {DomMouseEvent} */ event) => {
    const button = targetOf(event);
    const price = event.detail > 0 ? pressed.current : button?.value;
    if (!button || !price) return;
    if (button.className === "level-price") entry.takePrice(price);
    else toggle(queue, { side: button.closest(".asks") ? "sell" : "buy", price, grouping });
  };
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => walk(event, scroll, recentre);
  return html`
    <section class="panel ladder-panel" aria-labelledby="ladder-title">
      <${LadderTools} grouping=${grouping} sizes=${instrument ? groupings(instrument.tick_size, book.mid) : []}
        bars=${bars}
        away=${offset !== 0} onRecentre=${recentre} />
      <div class="ladder" id="ladder" ref=${root} data-fitted=${count > 0 ? "" : null}
        style=${{ "--price-digits": priceDigits(levels) }}
        onPointerDown=${(event) => (pressed.current = targetOf(event)?.value ?? "")} onClick=${onClick}
        onKeyDown=${onKeyDown}>
        <table role="table" aria-labelledby="ladder-title">
          <${Head} instrument=${instrument} />
          <tbody role="rowgroup" class="asks" aria-label="Asks">${rows("sell", levels.asks, asks).reverse()}</tbody>
          <${LadderMiddle} />
          <tbody role="rowgroup" class="bids" aria-label="Bids">${rows("buy", levels.bids, bids)}</tbody>
        </table>
        <${Empty} book=${book} />
      </div>
      <${LevelQueuePanel} queue=${queue} onClose=${() => focusLevel(root.current, queue)} />
    </section>`;
}

/** @param {{instrument: import("../../model/types.js").Instrument | null}} props */
function Head({ instrument }) {
  return html`
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col">Price <span>${instrument?.quote ?? ""}</span></th>
        <th role="columnheader" scope="col">Size <span>${instrument?.base ?? ""}</span></th>
        <th role="columnheader" scope="col">Total</th>
        <th role="columnheader" scope="col" class="orders-column">Orders</th>
        <th role="columnheader" scope="col" class="own-column">Yours</th>
      </tr>
    </thead>`;
}

/** @param {{book: import("../../model/market/book.js").Book}} props */
function Empty({ book }) {
  if (book.bestBid || book.bestAsk) return null;
  return html`<p class="empty">${
    book.state === "empty" ? "Loading the book…" : "Nobody is quoting. The first limit order makes the market."
  }</p>`;
}

/** The group of ticks that is wanted for the shown symbol; one tick where that can't be. @returns {string} */
function useGrouping() {
  const { market, workspace } = useServices();
  const { instrument, book } = market;
  if (!instrument) return "1";
  const sizes = groupings(instrument.tick_size, book.mid);
  const wanted = workspace.recall("ladder.grouping", /** @type {Record<string, string>} */ ({}))[instrument.symbol];
  return sizes.includes(wanted) ? wanted : sizes[0];
}

/**
 * Reckoned again when the orders or their places changed, not with every change of the book.
 * @param {string} grouping
 */
function useOwnLevels(grouping) {
  const { market, portfolio } = useServices();
  useModel(portfolio, "orders", "queue", "switch");
  const changes = useRef(0);
  useEffect(() => {
    const note = () => {
      changes.current += 1;
    };
    for (const name of ["orders", "queue", "switch"]) portfolio.addEventListener(name, note);
    return () => {
      for (const name of ["orders", "queue", "switch"]) portfolio.removeEventListener(name, note);
    };
  }, [portfolio]);
  const { instrument } = market;
  return useMemo(
    () => (instrument ? ownLevels(portfolio.orders.open(), portfolio.queue, instrument, grouping) : new Map()),
    [portfolio, instrument, grouping, changes.current],
  );
}

/**
 * How many levels of each side the panel has room for; what is left over goes to the rows.
 * @param {{current: HTMLElement}} root
 * @returns {number} 0 before it is known
 */
function useFittingLevels(root) {
  const [count, setCount] = useState(0);
  useLayoutEffect(() => {
    const element = root.current;
    const fit = () => {
      if (element.clientHeight === 0) return; // not shown
      const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const rowPx = Number.parseFloat(getComputedStyle(element).getPropertyValue("--row")) * remPx;
      const [head, middle] = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("thead, .middle"));
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

/**
 * How many rows of the bids have given way to deeper asks; below zero the other way. The wheel turns it.
 * @param {{current: HTMLElement}} root
 * @param {number} count of levels of each side when centred
 */
function useOffset(root, count) {
  const { market } = useServices();
  const [offset, setOffset] = useState(0);
  const held = Math.max(-count, Math.min(count, offset));
  const scroll = (/** @type {number} */ rows) =>
    setOffset((before) => Math.max(-count, Math.min(count, before + rows)));
  const recentre = () => setOffset(0);
  useEffect(() => {
    market.addEventListener("symbol", recentre);
    return () => market.removeEventListener("symbol", recentre);
  }, [market]);
  useEffect(() => {
    const element = root.current;
    let turnedPx = 0;
    const onWheel = (/** @type {WheelEvent} */ event) => {
      if (event.ctrlKey || count === 0) return;
      event.preventDefault();
      turnedPx += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
      const rows = Math.trunc(turnedPx / 20);
      turnedPx -= rows * 20;
      if (rows !== 0) scroll(-rows);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [count]);
  return { offset: held, scroll, recentre };
}

/** @param {LevelQueueStore} queue @param {import("../../stores/level-queue.js").OpenLevel} level */
function toggle(queue, level) {
  const shown = queue.level;
  if (shown?.side === level.side && shown.price === level.price) queue.close();
  else queue.open(level);
}

/**
 * @param {HTMLElement} root
 * @param {LevelQueueStore} queue whose level gets the focus back, as far as it is still there
 */
function focusLevel(root, queue) {
  const { level } = queue;
  queue.close();
  if (!level) return;
  const side = level.side === "buy" ? ".bids" : ".asks";
  /** @type {NodeListOf<HTMLButtonElement>} */
  const found = root.querySelectorAll(`${side} .level-size:enabled`);
  const sizes = [...found];
  (sizes.find((button) => button.value === level.price) ?? sizes[0])?.focus();
}

/**
 * @param {DomEvent} event
 * @returns {HTMLButtonElement | null} the price of the row it happened in, or the size when on that
 */
function targetOf(event) {
  return event.target.closest(".level-size") ?? event.target.closest("tr")?.querySelector(".level-price") ?? null;
}

/**
 * Arrows walk the levels and between price and size; beyond the edge deeper levels come.
 * @param {DomKeyEvent} event
 * @param {(rows: number) => void} scroll
 * @param {() => void} recentre
 */
function walk(event, scroll, recentre) {
  const active = /** @type {HTMLButtonElement} */ (document.activeElement);
  if (!active.matches(".level-price, .level-size")) return;
  const to = COLUMNS_BY_KEY[event.key];
  const rows = ROWS_BY_KEY[event.key];
  if (to) focusOnly(active.closest("tr")?.querySelector(to));
  else if (event.key === "Home") recentre();
  else if (rows) {
    const buttons = [...event.currentTarget.querySelectorAll(`.${active.className}:enabled`)];
    const next = Math.abs(rows) === 1 ? buttons[buttons.indexOf(active) - rows] : undefined;
    if (next) focusOnly(next);
    else scroll(rows);
  } else return;
  event.preventDefault();
}

/** The tab key comes back to where the arrows went. @param {HTMLButtonElement | null | undefined} button */
function focusOnly(button) {
  if (!button) return;
  /** @type {HTMLElement} */ (document.activeElement).tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}
