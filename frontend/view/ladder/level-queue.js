/**
 * The queue of one level, order by order, over the half of the ladder where the level is not. Icebergs show what they
 * show.
 * Layer: view.
 */

import { useLayoutEffect } from "preact/hooks";

import { describePosition } from "../../model/ladder/ladder.js";
import { grouped } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { NumberText } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useTimes } from "../parts/use-times.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */

const ROWS_MAX = 200;

/** @param {{queue: import("../../stores/level-queue.js").LevelQueueStore, onClose: () => void}} props */
export function LevelQueuePanel({ queue, onClose }) {
  const { level } = queue;
  if (!level) return null;
  return html`<${Opened} key=${`${level.side} ${level.price}`} queue=${queue} level=${level} onClose=${onClose} />`;
}

/**
 * @param {{queue: import("../../stores/level-queue.js").LevelQueueStore, level:
 *   import("../../stores/level-queue.js").OpenLevel, onClose: () => void}} props
 */
function Opened({ queue, level, onClose }) {
  /** @type {{current: HTMLButtonElement}} */ const close = useElement();
  useLayoutEffect(() => close.current.focus({ preventScroll: true }), []);
  const { orders, problem } = queue;
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onClose();
  };
  return html`
    <section class="level-queue" id="level-queue" role="dialog" aria-labelledby="queue-title" data-side=${level.side}
      onKeyDown=${onKeyDown}>
      <div class="queue-head">
        <h3 id="queue-title">${level.side === "buy" ? "Bids" : "Asks"} at <span class="queue-price">
          ${grouped(level.price)}</span></h3>
        <span class="count">${orders && `${orders.length} ${orders.length === 1 ? "order" : "orders"}`}</span>
        <button type="button" class="plain" ref=${close} aria-label="Close the queue" onClick=${onClose}>✕</button>
      </div>
      <p class="own-place" role="status">${problem || ownWords(orders)}</p>
      <div class="scroller" tabindex="0" role="region" aria-labelledby="queue-title">
        <table>
          <thead>
            <tr><th scope="col">#</th><th scope="col">Shown</th><th scope="col">Ahead</th><th scope="col">Since</th>
              <th scope="col">Order</th></tr>
          </thead>
          <tbody>
            ${orders?.slice(0, ROWS_MAX).map(
              (order, index) => html`<${QueueRow} key=${order.order_id}
              place=${index + 1} ...${order} />`,
            )}
          </tbody>
        </table>
        ${orders?.length === 0 && html`<p class="empty">Nobody stands here any more.</p>`}
        ${orders === null && !problem && html`<p class="empty">Loading…</p>`}
      </div>
    </section>`;
}

const QueueRow = memo(
  ({ place, order_id, quantity, ahead, timestamp, own }) => html`
  <tr class=${own ? "own" : ""}>
    <td>${place}</td>
    <td><${NumberText} value=${quantity} /></td>
    <td><${NumberText} value=${ahead} /></td>
    <td class="time">${useTimes().clock(timestamp)}</td>
    <td class="order">${own ? "Yours" : order_id}</td>
  </tr>`,
);

/** @param {import("../../stores/level-queue.js").LevelQueueStore["orders"]} orders */
function ownWords(orders) {
  const at = orders?.findIndex((order) => order.own) ?? -1;
  return orders === null || at < 0
    ? ""
    : `Yours is ${describePosition({ ordersAhead: at, quantityAhead: orders[at].ahead })}.`;
}
