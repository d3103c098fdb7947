/**
 * How the venue does, for an operator: rates and latencies over time, the books; and what operators did.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { grouped, shortest } from "../../model/parts/decimal.js";
import { readWhole } from "../../model/parts/number-text.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useTimes } from "../parts/use-times.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

const WIDTH = 160;
const HEIGHT = 36;
const PERCENTILES = Object.freeze(["p50", "p90", "p99", "p99.9", "max"]);
const NS_A_SECOND = 1e9;

export function OperatorVenue() {
  const { operator } = useServices();
  const { statistics, orders, latency, connections } = operator;
  if (!statistics) return html`<p class="empty">Loading…</p>`;
  const { health, latency_ms: ms, error_counts: errors } = statistics;
  const refused = Object.entries(errors).sort(([, left], [, right]) => right - left);
  return html`
    <div class="operator-cards">
      <${Plot} title="Orders a second" series=${orders} text=${orders.last.toFixed(1)} />
      <${Plot} title="Latency, 99th percentile" series=${latency} text=${`${latency.last.toFixed(2)} ms`} />
      <${Plot} title="Connections" series=${connections} text=${String(connections.last)} />
      <section class="operator-card">
        <h3>Latency since the start</h3>
        <dl>${PERCENTILES.map(
          (name) => html`<div key=${name}><dt>${name}</dt><dd>${(ms[name] ?? 0).toFixed(2)} ms</dd>
        </div>`,
        )}</dl>
      </section>
      <section class="operator-card">
        <h3>Venue <span class="state" data-state=${health.accepting ? "trading" : "halted"}>
          ${health.accepting ? "Accepting" : "Not accepting"}</span></h3>
        <dl>
          <div><dt>Orders</dt><dd>${grouped(String(statistics.orders_processed))}</dd></div>
          <div><dt>Trades</dt><dd>${grouped(String(statistics.trades_executed))}</dd></div>
          <div><dt>Open orders</dt><dd>${grouped(String(statistics.active_orders))}</dd></div>
          <div><dt>History behind by</dt><dd>${grouped(String(statistics.history_lag))}</dd></div>
          <div><dt>Sequence</dt><dd>${grouped(String(statistics.seq))}</dd></div>
        </dl>
      </section>
      <${Books} />
      ${
        refused.length > 0 &&
        html`
        <section class="operator-card"><h3>Rejected, by reason</h3>
          <dl>${refused.map(
            ([reason, count]) => html`<div key=${reason}><dt>
            ${reason.toLowerCase().replaceAll("_", " ")}</dt><dd>${grouped(String(count))}</dd></div>`,
          )}</dl>
        </section>`
      }
      <${AnyOrder} />
    </div>`;
}

/** @param {{title: string, series: import("../../model/operator/operator.js").Series, text: string}} props */
function Plot({ title, series, text }) {
  return html`
    <section class="operator-card">
      <h3>${title}</h3>
      <p class="figure">${text}</p>
      <svg class="plot" viewBox=${`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points=${series.line(WIDTH, HEIGHT)} /></svg>
    </section>`;
}

/** Whether every balance, hold and book adds up. */
function Books() {
  const { operator } = useServices();
  const { books } = operator;
  return html`
    <section class="operator-card">
      <h3>Books ${books && html`<span class="state" data-state="trading">Balance</span>`}</h3>
      ${
        books
          ? html`
          <p class="soft">At command ${grouped(String(books.seq))}. Issued:</p>
          <dl>${Object.entries(books.issued).map(
            ([asset, amount]) => html`<div key=${asset}><dt>${asset}</dt><dd>
            ${grouped(shortest(amount))}</dd></div>`,
          )}</dl>`
          : html`<p class="soft">Adds up every balance, hold and book. Orders wait for the milliseconds it takes.</p>`
      }
      <button type="button" class="plain" disabled=${operator.busy} onClick=${() => operator.check()}>Check the
        books</button>
    </section>`;
}

/** Anybody's order, by its number. */
function AnyOrder() {
  const { operator } = useServices();
  const [number, setNumber] = useState("");
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (number.trim()) operator.cancelOrder(readWhole(number) ?? number.trim());
  };
  return html`
    <form class="operator-card" onSubmit=${onSubmit}>
      <h3>Cancel anybody's order</h3>
      <p class="operator-actions">
        <label><span class="visually-hidden">Order to cancel</span>
          <input name="any-order" inputmode="numeric" autocomplete="off" placeholder="order number" value=${number}
            onInput=${(event) => setNumber(event.target.value)} /></label>
        <button type="submit" class="quiet" disabled=${operator.busy || !number.trim()}>Cancel it</button>
      </p>
    </form>`;
}

/** What operators did, newest first. */
export function OperatorAudit() {
  const { market, operator } = useServices();
  const times = useTimes();
  useEffect(() => void operator.loadAudit(), [operator]);
  if (operator.audit.length === 0) return html`<p class="empty">Nothing was done yet.</p>`;
  return html`
    <table class="operator-table" aria-label="Audit trail, newest first">
      <thead><tr><th scope="col">Time</th><th scope="col">Who</th><th scope="col">Did</th><th scope="col">To</th>
        <th scope="col">Details</th><th scope="col" class="number">Command</th></tr></thead>
      <tbody>${operator.audit.map(
        ({ ts_ns_text: ns, actor_name: who, action, subject, details, seq }) => html`
        <tr key=${ns}>
          <td class="time" title=${times.whole(Number(ns) / NS_A_SECOND)}>
            ${times.dayTime(Number(ns) / NS_A_SECOND, market.nowMs)}</td><td>${who}</td><td>
              ${action.replaceAll("_", " ")}</td><td>${subject}</td>
          <td class="soft">${Object.entries(details)
            .map(([name, text]) => `${name} ${text}`)
            .join(", ")}</td><td class="number">${seq ?? ""}</td>
        </tr>`,
      )}</tbody>
    </table>`;
}
