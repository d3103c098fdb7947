/**
 * The rows of the open orders stay under the hand: a second press never takes the next order.
 *
 * An order that was cancelled keeps its row for a moment, a click on a row that just came under the lying pointer does
 * nothing, and the focus goes on to the next row when its own is gone.
 * Layer: view.
 */

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { describeFailure } from "../../model/parts/failures.js";
import { RowMoves } from "../../model/parts/row-moves.js";

/** @typedef {import("../parts/html.js").DomMouseEvent} DomMouseEvent */

/** How long the row of an order that was cancelled here stays. */
const FAREWELL_MS = 1_000;

/** @typedef {import("../../model/types.js").Order & Record<string, any>} Order */
/** @typedef {ReadonlyMap<string, {order: Order, state: "asked" | "done"}>} Cancels by order id */

/**
 * The orders that are being cancelled from here, and for a moment those that were.
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 * @param {(result: {tone: string, text: string}) => void} say
 * @returns {{cancels: Cancels, cancel: (order: Order) => Promise<void>}} `cancel` is always the same function
 */
export function useCancels(portfolio, say) {
  const [cancels, setCancels] = useState(/** @type {Cancels} */ (new Map()));
  useEffect(() => {
    const forget = () => setCancels(new Map());
    portfolio.addEventListener("switch", forget);
    return () => portfolio.removeEventListener("switch", forget);
  }, [portfolio]);
  const cancel = useCallback(
    async (/** @type {Order} */ order) => {
      const put = (/** @type {"asked" | "done"} */ state) => (/** @type {Cancels} */ before) =>
        new Map([...before, [order.order_id, { order, state }]]);
      const drop = () => setCancels((before) => new Map([...before].filter(([id]) => id !== order.order_id)));
      setCancels(put("asked"));
      try {
        await portfolio.cancelOrder(order.order_id);
        // What is not there any more was of another account.
        setCancels((before) => (before.has(order.order_id) ? put("done")(before) : before));
        say({ tone: "plain", text: "Order cancelled." });
        setTimeout(drop, FAREWELL_MS);
      } catch (failure) {
        say({ tone: "bad", text: describeFailure(failure, "cancel") });
        drop();
      }
    },
    [portfolio],
  );
  return { cancels, cancel };
}

/** @param {Order[]} open @param {Cancels} cancels @param {string | undefined} symbol */
export function withCancelled(open, cancels, symbol) {
  if (cancels.size === 0) return open;
  const known = new Set(open.map((order) => order.order_id));
  const gone = [...cancels.values()].map(({ order }) => order).filter((order) => !known.has(order.order_id));
  return [...open, ...gone.filter((order) => !symbol || order.symbol === symbol)];
}

/**
 * Keeps clicks from rows that just came under the lying pointer.
 * @param {Order[]} rows as they are drawn
 * @param {(result: {tone: string, text: string}) => void} say
 * @returns {object} what listens, for the element around the table
 */
export function useAim(rows, say) {
  const { current } = useRef({
    moves: new RowMoves(),
    pointer: /** @type {import("../../model/parts/row-moves.js").Point | null} */ (null),
  });
  useLayoutEffect(() =>
    current.moves.drawn(
      rows.map((order) => order.order_id),
      performance.now(),
      current.pointer,
    ),
  );
  const note = (/** @type {MouseEvent} */ { clientX: x, clientY: y }) => {
    current.pointer = { x, y };
  };
  const onClickCapture = (/** @type {DomMouseEvent} */ event) => {
    const id = event.target.closest("tr")?.dataset.order;
    if (
      !id ||
      event.detail === 0 ||
      !current.moves.cameUnder(id, { x: event.clientX, y: event.clientY }, performance.now())
    )
      return;
    event.stopPropagation();
    say({ tone: "plain", text: "The rows had just moved. Press again if you mean this one." });
  };
  return {
    onPointerMove: note,
    onPointerDown: note,
    onPointerLeave: () => {
      current.pointer = null;
    },
    onClickCapture,
  };
}

/**
 * @typedef {{id: string, index: number, does: string} | null} RowPlace of the control that has the focus: its row and
 *   what it does
 */

/** @param {Element} held @returns {RowPlace} */
export function placeOf(held) {
  /** @type {HTMLElement | null} */ const row = held.closest("tr[data-order]");
  if (!row) return null;
  return {
    id: row.dataset.order ?? "",
    index: [...(row.parentElement?.children ?? [])].indexOf(row),
    does: /** @type {HTMLElement} */ (held).dataset.does ?? "amend",
  };
}

/**
 * The same control of the same row or of that which took its place; else the table.
 * @param {HTMLElement} area
 * @param {RowPlace} place
 * @returns {HTMLElement | null}
 */
export function controlAt(area, place) {
  /** @type {NodeListOf<HTMLElement>} */ const found = area.querySelectorAll("tr[data-order]");
  const rows = [...found];
  const row =
    place && (rows.find((each) => each.dataset.order === place.id) ?? rows[Math.min(place.index, rows.length - 1)]);
  return (
    row?.querySelector(`[data-does="${place?.does}"]`) ??
    row?.querySelector(".why-open") ??
    area.querySelector("#orders")
  );
}
