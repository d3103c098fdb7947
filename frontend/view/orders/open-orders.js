/**
 * Open orders of every kind: sorted, amended in place, cancelled one by one or together.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";
import { sortedOrders } from "../../model/orders/order-rows.js";
import { isOfFlow } from "../../model/orders/orders.js";
import { grouped } from "../../model/parts/decimal.js";
import { describeFailure } from "../../model/parts/failures.js";
import { DataTable } from "../parts/data-table.js";
import { useKeptFocus } from "../parts/focus.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { OpenOrderRow } from "./open-order-row.js";
import { controlAt, placeOf, useAim, useCancels, withCancelled } from "./steady-rows.js";

/** More rows than a person can act on; the count says how many there are. */
const ROWS_MAX = 100;
const DRAW_EVERY_MS = 200;
/** @type {{tone: string, text: string}} */
const NOTHING = Object.freeze({ tone: "plain", text: "" });
const NEWEST_FIRST = Object.freeze({ by: "time", down: true });

/** @type {readonly import("../parts/data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "symbol", title: "Symbol", width: 6.5, sorts: true },
  { name: "kind", title: "Order", width: 10.5, sorts: true },
  { name: "price", title: "Price", width: 6.5, kind: "number", sorts: true },
  { name: "trigger", title: "Trigger", width: 7.5, kind: "number", sorts: true },
  { name: "quantity", title: "Quantity", width: 8, kind: "number", sorts: true },
  { name: "filled", title: "Filled", width: 4.5, kind: "number", sorts: true },
  { name: "queue", title: "Queue", width: 10.5, sorts: true },
  { name: "status", title: "Status", width: 6.5, sorts: true },
  { name: "details", title: "Details", only: "wide" },
  { name: "time", title: "Entered", width: 6, kind: "number", only: "widest", sorts: true },
  { name: "actions", title: "Amend, explain or cancel", width: 14.5, kind: "number", unnamed: true },
]);

/**
 * The open orders that are listed: those of simulated traders or a replay are the market, unless one wants them too.
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 * @param {import("../../stores/workspace.js").WorkspaceStore} workspace
 */
function chosenOrders({ orders }, workspace) {
  const all = orders.open();
  return workspace.recall("orders.flow", false) ? all : all.filter((order) => !isOfFlow(order));
}

/**
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 * @param {import("../../stores/workspace.js").WorkspaceStore} workspace
 * @returns {string} for the tab
 */
export function openOrdersCount(portfolio, workspace) {
  const { ordersCut } = portfolio;
  const { length } = chosenOrders(portfolio, workspace);
  return length > ROWS_MAX ? `${grouped(String(length))}${ordersCut ? "+" : ""}, ${ROWS_MAX} shown` : String(length);
}
const FLOW_HINT =
  "Simulated traders and replays trade as this account too; what they quote changes many times a second";

export function OpenOrders() {
  const { market, portfolio, workspace } = useServices();
  useModelSlowly(DRAW_EVERY_MS, portfolio, "orders", "queue", "switch");
  useModel(workspace, "layout");
  useModel(market, "symbol", "instruments");
  const [result, say] = useState(NOTHING);
  const [editing, edit] = useState(/** @type {{orderId: string, field: string} | null} */ (null));
  useEffect(() => {
    const forget = () => say(NOTHING);
    portfolio.addEventListener("switch", forget);
    return () => portfolio.removeEventListener("switch", forget);
  }, [portfolio]);
  const { cancels, cancel } = useCancels(portfolio, say);
  const sort = workspace.recall("orders.sort", NEWEST_FIRST);
  const symbol = workspace.recall("orders.only", false) ? market.instrument?.symbol : undefined;
  const all = portfolio.orders.open();
  const chosen = chosenOrders(portfolio, workspace);
  const within = (/** @type {import("../../model/types.js").Order[]} */ orders) =>
    symbol ? orders.filter((order) => order.symbol === symbol) : orders;
  const listed = within(chosen);
  const rows = sortedOrders(withCancelled(listed, cancels, symbol), sort, portfolio.queue).slice(0, ROWS_MAX);
  /** @type {{current: HTMLElement}} */ const area = useElement();
  useKeptFocus(area, (place) => controlAt(area.current, place), placeOf);
  const aim = useAim(rows, say);
  return html`
    <div class="unboxed" ref=${area} ...${aim}>
      <div class="tools">
        <label class="check">
          <input type="checkbox" id="only-symbol" checked=${symbol !== undefined}
            onInput=${(event) => workspace.remember("orders.only", event.target.checked)} />
          <span>Only ${market.instrument?.symbol ?? "this symbol"}</span>
        </label>
        ${
          all.some(isOfFlow) &&
          html`
          <label class="check"
            title=${FLOW_HINT}>
            <input type="checkbox" id="flow-too" checked=${workspace.recall("orders.flow", false)}
              onInput=${(event) => workspace.remember("orders.flow", event.target.checked)} />
            <span>Simulated ones too</span>
          </label>`
        }
        <${Result} id="cancel-result" ...${result} />
        <${CancelAll} count=${within(all).length} symbol=${symbol} say=${say} />
      </div>
      <${DataTable} id="orders" label="Open orders" columns=${COLUMNS} sort=${sort}
        onSort=${(wanted) => workspace.remember("orders.sort", wanted)}
        after=${rows.length === 0 && html`<p class="empty">${emptyText(portfolio, symbol, chosen.length)}</p>`}>
        ${rows.map(
          (order) => html`
          <${OpenOrderRow} key=${order.order_id} order=${order} place=${portfolio.queue.of(order.order_id)} say=${say}
            edit=${edit}
            cancel=${cancel} cancelled=${cancels.get(order.order_id)?.state ?? null}
            instrument=${market.instruments.get(order.symbol)}
            field=${editing?.orderId === order.order_id ? editing.field : null} />`,
        )}
      <//>
    </div>`;
}

/**
 * Cancels after it was asked once more; what keeps them has the focus, and stands where the pointer is.
 * @param {{count: number, symbol: string | undefined, say: (result: {tone: string, text: string}) => void}} props
 */
function CancelAll({ count, symbol, say }) {
  const { portfolio } = useServices();
  const [state, setState] = useState(/** @type {"idle" | "asking" | "busy"} */ ("idle"));
  /** @type {{current: HTMLElement}} */ const area = useElement();
  useKeptFocus(
    area,
    () => area.current.querySelector("#cancel-all-keep, #cancel-all:enabled") ?? document.getElementById("orders"),
  );
  const cancel = async () => {
    setState("busy");
    try {
      const answer = await portfolio.cancelAll(symbol);
      say({ tone: "plain", text: answer.count === 1 ? "Order cancelled." : `${answer.count} orders cancelled.` });
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "cancel") });
    } finally {
      setState("idle");
    }
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setState("idle");
  };
  const orders = portfolio.ordersCut ? "all orders" : count === 1 ? "1 order" : `${count} orders`;
  const what = symbol ? `${orders} in ${symbol}` : orders;
  const asked = html`
    <div class="confirm" role="group" aria-label="Cancel all" onKeyDown=${onKeyDown}>
      <span>Cancel ${what}?</span>
      <button type="button" class="quiet sure" id="cancel-all-yes" onClick=${cancel}>Yes, cancel</button>
      <button type="button" class="plain" id="cancel-all-keep" onClick=${() => setState("idle")}>Keep</button>
    </div>`;
  const unasked = html`
    <button type="button" class="quiet" id="cancel-all" aria-keyshortcuts=${symbol ? null : "Escape"}
      title=${symbol ? null : "Cancel all orders (Esc)"}
      disabled=${count === 0 || state === "busy"} onClick=${() => setState("asking")}>Cancel all</button>`;
  return html`<div class="unboxed" ref=${area}>${state === "asking" && count > 0 ? asked : unasked}</div>`;
}

/**
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 * @param {string | undefined} symbol
 * @param {number} others
 */
function emptyText({ access, ordersLoaded }, symbol, others) {
  if (!access.session) return "Your open orders are here once you sign in.";
  if (!ordersLoaded) return "Loading…";
  if (!symbol) return "No open orders.";
  return others === 0 ? "No open orders." : `No open orders in ${symbol}; ${others} elsewhere.`;
}
