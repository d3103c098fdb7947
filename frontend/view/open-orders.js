/**
 * Open orders with their cancel buttons.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { grouped } from "../model/decimal.js";
import { STATUS_WORDS, describeFailure } from "../model/words.js";
import { html } from "./html.js";
import { memo } from "./memo.js";
import { useServices } from "./services.js";
import { NumberText, Result, Spoken, clockTime } from "./text.js";
import { useModelSlowly } from "./use-model.js";

/** More rows than a person can act on; the count tells how many there are. */
const ROWS_MAX = 100;
const DRAW_EVERY_MS = 200;
const NOTHING = Object.freeze({ tone: "plain", text: "" });

/** @param {import("../portfolio.js").Portfolio} portfolio @returns {string} for the tab; "" of none */
export function openOrdersCount({ orders }) {
  const { length } = orders.open();
  return length > ROWS_MAX ? `${grouped(String(length))}, newest ${ROWS_MAX} shown` : String(length || "");
}

export function OpenOrders() {
  const { portfolio } = useServices();
  useModelSlowly(DRAW_EVERY_MS, portfolio, "orders", "switch");
  const [result, say] = useState(NOTHING);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const forget = () => say(NOTHING);
    portfolio.addEventListener("switch", forget);
    return () => portfolio.removeEventListener("switch", forget);
  }, [portfolio]);
  const orders = portfolio.orders.open();
  const cancelAll = async () => {
    setBusy(true);
    try {
      const { count } = await portfolio.cancelAll();
      say({ tone: "plain", text: count === 1 ? "Order cancelled." : `${count} orders cancelled.` });
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "cancel") });
    } finally {
      setBusy(false);
    }
  };
  return html`
    <div class="tools">
      <${Result} id="cancel-result" ...${result} />
      <button type="button" class="quiet" id="cancel-all" disabled=${orders.length === 0 || busy} onClick=${cancelAll}>Cancel all</button>
    </div>
    <div class="scroller" id="orders" tabindex="0" role="region" aria-label="Open orders">
      <table>
        <thead>
          <tr>
            <th scope="col" class="text">Symbol</th>
            <th scope="col" class="text">Side</th>
            <th scope="col">Price</th>
            <th scope="col">Quantity</th>
            <th scope="col">Filled</th>
            <th scope="col" class="text wide">Status</th>
            <th scope="col" class="wide">Entered</th>
            <th scope="col"><${Spoken}>Cancel<//></th>
          </tr>
        </thead>
        <tbody>${orders.slice(0, ROWS_MAX).map((order) => html`<${OrderRow} key=${order.order_id} order=${order} say=${say} />`)}</tbody>
      </table>
      ${orders.length === 0 && html`<p class="empty">${emptyText(portfolio)}</p>`}
    </div>`;
}

/** @param {{order: import("../model/types.js").Order, say: (result: {tone: string, text: string}) => void}} props */
const OrderRow = memo(({ order, say }) => {
  const { portfolio } = useServices();
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    try {
      await portfolio.cancelOrder(order.order_id);
      say({ tone: "plain", text: "Order cancelled." });
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "cancel") });
      setBusy(false);
    }
  };
  const what = `${order.side} ${grouped(order.quantity)} ${order.symbol} at ${grouped(order.price ?? "market")}`;
  return html`
    <tr data-side=${order.side}>
      <td class="text">${order.symbol}</td>
      <td class="text side">${order.side === "buy" ? "Buy" : "Sell"}</td>
      <td>${order.price === null ? "–" : grouped(order.price)}</td>
      <td><${NumberText} value=${order.quantity} /></td>
      <td><${NumberText} value=${order.filled} /></td>
      <td class="text wide">${STATUS_WORDS[order.status] ?? order.status}</td>
      <td class="time wide">${clockTime(order.timestamp)}</td>
      <td class="action"><button type="button" class="quiet" disabled=${busy} aria-label=${`Cancel ${what}`} onClick=${cancel}>Cancel</button></td>
    </tr>`;
});

/** @param {import("../portfolio.js").Portfolio} portfolio */
function emptyText({ access, ordersLoaded }) {
  if (!access.session) return "No account.";
  return ordersLoaded ? "No open orders." : "Loading…";
}
