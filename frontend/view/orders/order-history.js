/**
 * Order history: what became of every order, page after page; by symbol and by status.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";
import { AVERAGE_DECIMALS, STATUS_WORDS } from "../../model/orders/answers.js";
import { kindText, triggerText } from "../../model/orders/order-rows.js";
import { grouped, isZero, rounded, scaleOf, shortest } from "../../model/parts/decimal.js";
import { describeDelay, describeFailure } from "../../model/parts/failures.js";
import { CANCEL_WORDS } from "../../model/parts/reasons.js";
import { Cell, DataTable } from "../parts/data-table.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useServices } from "../parts/services.js";
import { NumberText } from "../parts/text.js";
import { useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";

const REFRESH_MS = 1_000;
const STATUSES = Object.freeze([
  ["done", "Ended"],
  ["filled", "Filled"],
  ["cancelled", "Cancelled"],
  ["expired", "Expired"],
  ["", "All, open too"],
]);

/** @type {readonly import("../parts/data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "time", title: "Entered", width: 8.5 },
  { name: "symbol", title: "Symbol", width: 6.5 },
  { name: "kind", title: "Order", width: 10 },
  { name: "price", title: "Price", width: 7, kind: "number" },
  { name: "trigger", title: "Trigger", width: 7.5, kind: "number", only: "wide" },
  { name: "average", title: "Average", width: 8, kind: "number" },
  { name: "filled", title: "Filled", width: 8.5, kind: "number" },
  { name: "quantity", title: "Quantity", width: 8.5, kind: "number" },
  { name: "fees", title: "Fees", width: 8, kind: "number" },
  { name: "status", title: "Status" },
  { name: "why", title: "Explain", width: 5, kind: "number", unnamed: true },
]);

export function OrderHistory() {
  const { market, portfolio, workspace } = useServices();
  const { history, access } = portfolio;
  useModel(workspace, "layout");
  useModel(portfolio, "switch", "account");
  useModel(history, "change");
  useModel(market, "instruments");
  const isShown = workspace.tab("bottom") === "history";
  useEffect(() => {
    if (!isShown || !access.session) return undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
    const load = () => {
      timer = undefined;
      history.load();
    };
    const refresh = () => {
      timer ||= setTimeout(load, REFRESH_MS);
    };
    if (history.state === "unasked" || history.state === "listed") history.load();
    portfolio.addEventListener("ended", refresh);
    return () => {
      portfolio.removeEventListener("ended", refresh);
      clearTimeout(timer);
    };
  }, [isShown, access.session?.account]);
  return html`
    <div class="tools">
      <${Filter} name="symbol" title="Symbol"
        options=${[["", "All symbols"], ...[...market.instruments.keys()].map((symbol) => [symbol, symbol])]} />
      <${Filter} name="status" title="Status" options=${STATUSES} />
      <span class="spacer" />
      <button type="button" class="plain" disabled=${!access.session || history.state === "loading"}
        onClick=${() => history.load()}>Refresh</button>
    </div>
    <${DataTable} id="history" label="Order history" columns=${COLUMNS} after=${html`<${After} />`}>
      ${history.orders.map(
        (order) => html`<${HistoryRow} key=${order.order_id} order=${order}
        instrument=${market.instruments.get(order.symbol)} />`,
      )}
    <//>`;
}

/** @param {{name: "symbol" | "status", title: string, options: [string, string][]}} props */
function Filter({ name, title, options }) {
  const { history } = useServices().portfolio;
  return html`
    <label class="filter"><span class="visually-hidden">${title}</span>
      <select name=${`history-${name}`} value=${history.filter[name]}
        onInput=${(event) => history.choose({ [name]: event.target.value })}>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>
    </label>`;
}

/** Below the rows: more of them, or why there are none. */
function After() {
  const { history, access } = useServices().portfolio;
  const { state, orders, more, cut, failure, filter } = history;
  if (!access.session) return html`<p class="empty">What became of your orders is here once you sign in.</p>`;
  if (state === "waiting" && failure) return html`<p class="empty" role="status">${describeDelay(failure)}</p>`;
  if (state === "failed" && failure) {
    return html`
      <p class="empty" role="alert">${describeFailure(failure, "ask")}
        <button type="button" class="plain" onClick=${() => history.load()}>Try again</button></p>`;
  }
  if (state !== "listed") {
    return orders.length === 0 ? html`<p class="empty">Loading…</p>` : html`<p class="empty more">Loading more…</p>`;
  }
  if (orders.length === 0)
    return html`<p class="empty">${
      filter.symbol || filter.status !== "done" ? "No such orders." : "No order has ended yet."
    }</p>`;
  return more
    ? html`<p class="more"><button type="button" class="plain" id="history-more"
      onClick=${() => history.loadMore()}>Load more</button></p>`
    : cut &&
        html`<p class="coverage">Your newest ${grouped(String(orders.length))} orders. The page lists no more; GET
        /orders has all of them.</p>`;
}

const HistoryRow = memo(({ order, instrument }) => {
  const times = useTimes();
  const { market, workspace } = useServices();
  const { quote = "", tick_size: tick = "0.01" } = instrument ?? {};
  const average = order.average_price && rounded(order.average_price, scaleOf(tick) + AVERAGE_DECIMALS);
  const why = order.reason ? (CANCEL_WORDS[order.reason] ?? order.reason) : "";
  return html`
    <tr role="row" data-side=${order.side} data-order=${order.order_id}>
      <${Cell} label="Entered" class="time" title=${times.whole(order.timestamp)}>
        ${times.dayTime(order.timestamp, market.nowMs)}<//>
      <${Cell} label="Symbol">${order.symbol}<//>
      <${Cell} label="Order"><span class="side">${order.side === "buy" ? "Buy" : "Sell"}</span> ${kindText(order)}<//>
      <${Cell} label="Price" kind="number">${order.price === null ? "market" : grouped(order.price)}<//>
      <${Cell} label="Trigger" kind="number" only="wide">${triggerText(order) || "–"}<//>
      <${Cell} label="Average" kind="number">${average ? grouped(average) : "–"}<//>
      <${Cell} label="Filled" kind="number"><${NumberText} value=${order.filled} /><//>
      <${Cell} label="Quantity" kind="number"><${NumberText} value=${order.quantity} /><//>
      <${Cell} label="Fees" kind="number" title=${`${order.fees ?? "0"} ${quote}`}>
        ${isZero(order.fees ?? "0") ? "–" : grouped(rounded(shortest(order.fees), 6))}<//>
      <${Cell} label="Status" class="details" title=${why || null}>${STATUS_WORDS[order.status] ?? order.status}
        ${why && html`<span class="soft"> · ${why}</span>`}<//>
      <td role="cell" class="number action">
        <button type="button" class="plain"
          onClick=${() => workspace.explain({ order_id: order.order_id, symbol: order.symbol })}
        aria-label=${`Why: ${order.side} ${shortest(order.quantity)} ${order.symbol}`}>Why</button></td>
    </tr>`;
});
