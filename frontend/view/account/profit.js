/**
 * Profit and loss: by symbol, and in all by each asset that is paid in; by the venue's own reckoning, of every fill.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";
import { fillsIn, profitRows } from "../../model/account/profit.js";
import { grouped } from "../../model/parts/decimal.js";
import { describeDelay } from "../../model/parts/failures.js";
import { Cell, DataTable } from "../parts/data-table.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";

/** @type {readonly import("../parts/data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "symbol", title: "Symbol", width: 9 },
  { name: "position", title: "Position", width: 9.5, kind: "number" },
  { name: "average", title: "Average price", width: 9, kind: "number" },
  { name: "mark", title: "Price now", width: 8, kind: "number" },
  { name: "unrealised", title: "Unrealised", width: 9, kind: "number" },
  { name: "realised", title: "Realised", width: 9, kind: "number" },
  { name: "fees", title: "Fees", width: 8, kind: "number" },
  { name: "profit", title: "Profit", width: 9.5, kind: "number" },
  { name: "fills", title: "Fills", kind: "number" },
]);
const FIGURES = Object.freeze(COLUMNS.slice(1, -1));

export function Profit() {
  const { market, portfolio, workspace } = useServices();
  const { profit, access } = portfolio;
  useModel(workspace, "layout");
  useModel(portfolio, "switch");
  useModel(profit, "change");
  useModel(market, "instruments");
  const isShown = workspace.tab("bottom") === "profit";
  const account = access.session?.account;
  useEffect(() => {
    if (!isShown || account === undefined) return undefined;
    profit.watch();
    return () => profit.unwatch();
  }, [isShown, account, profit]);
  const rows = profit.latest ? profitRows(profit.latest, market.instruments) : [];
  return html`
    <${DataTable} id="profit" label="Profit and loss" columns=${COLUMNS} after=${html`<${After} />`}>
      ${rows.map((row) => html`<${Row} key=${row.key} row=${row} />`)}
    <//>`;
}

/** @param {{row: import("../../model/account/profit.js").ProfitRow}} props */
function Row({ row }) {
  return html`
    <tr role="row" data-of=${row.key} class=${row.total ? "total" : ""}>
      <th class="text" scope="row" role="rowheader" data-label="Symbol">${row.name}</th>
      ${FIGURES.map(({ name, title }) => {
        const { text, exact, sign } = /** @type {any} */ (row)[name];
        return html`<${Cell} key=${name} label=${title} kind="number" data-profit=${name} title=${exact || null}>
          ${sign ? html`<span data-direction=${sign}>${text}</span>` : text}<//>`;
      })}
      <${Cell} label="Fills" kind="number">${row.fills}<//>
    </tr>`;
}

/** What it is the sum of, and of when; or why there is nothing. */
function After() {
  const { portfolio } = useServices();
  const times = useTimes();
  const { latest, failure } = portfolio.profit;
  if (!portfolio.access.session) return html`<p class="empty">Your profit and loss is here once you sign in.</p>`;
  const why = failure && html`<span role="status">${describeDelay(failure)}</span>`;
  if (!latest) return html`<p class="empty">${why || "Loading…"}</p>`;
  const count = fillsIn(latest);
  if (count === 0)
    return html`<p class="coverage">Profit and loss appears with your first fill. What is deposited or withdrawn is
      none. ${why}</p>`;
  return html`
    <p class="coverage">
      Of trading alone, by average cost, from ${
        count === 1 ? "your only fill" : `all your ${grouped(String(count))} fills`
      }, as
        of ${times.clock(latest.timestamp)}. Deposits and withdrawals are no profit:
      what was sold out of a deposit is a position below zero. ${why}
    </p>`;
}
