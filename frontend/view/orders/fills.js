/**
 * The account's fills with their fees, newest on top; each leads to its explanation.
 * Layer: view.
 */

import { useState } from "preact/hooks";
import { fillKey } from "../../model/orders/fills.js";
import { grouped, productOf, rounded, shortest } from "../../model/parts/decimal.js";
import { describeFailure } from "../../model/parts/failures.js";
import { Cell, DataTable } from "../parts/data-table.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useServices } from "../parts/services.js";
import { NumberText } from "../parts/text.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";

const DRAW_EVERY_MS = 200;
/** Rows that are drawn at first; a button draws the next. */
const ROWS = 200;
const WORTH_DECIMALS = 4;

/** @type {readonly import("../parts/data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "time", title: "Time", width: 8.5 },
  { name: "symbol", title: "Symbol", width: 6.5 },
  { name: "side", title: "Side", width: 6 },
  { name: "price", title: "Price", width: 8, kind: "number" },
  { name: "quantity", title: "Quantity", width: 9, kind: "number" },
  { name: "worth", title: "Value", width: 9, kind: "number" },
  { name: "fee", title: "Fee", width: 9, kind: "number" },
  { name: "role", title: "Liquidity", width: 7 },
  { name: "order", title: "Order", only: "wide" },
  { name: "why", title: "Explain", width: 5, kind: "number", unnamed: true },
]);

export function Fills() {
  const { market, portfolio } = useServices();
  useModelSlowly(DRAW_EVERY_MS, portfolio, "fills", "switch");
  useModel(market, "instruments");
  const [drawn, draw] = useState(ROWS);
  const { fills } = portfolio.fills;
  return html`
    <${DataTable} id="fills" label="Fills" columns=${COLUMNS} after=${html`<${After} drawn=${drawn} draw=${draw} />`}>
      ${fills.slice(0, drawn).map(
        (fill) => html`<${FillRow} key=${fillKey(fill)} fill=${fill}
        quote=${market.instruments.get(fill.symbol)?.quote ?? ""} />`,
      )}
    <//>`;
}

/** @param {{fill: import("../../model/orders/fills.js").Fill, quote: string}} props */
const FillRow = memo(({ fill, quote }) => {
  const { market, workspace } = useServices();
  const times = useTimes();
  const worth = productOf(fill.price, fill.quantity);
  const done = fill.side === "buy" ? "Bought" : "Sold";
  const explain = () => workspace.explain({ trade_id: fill.trade_id, order_id: fill.order_id, symbol: fill.symbol });
  return html`
    <tr role="row" data-side=${fill.side} data-trade=${fill.trade_id}>
      <${Cell} label="Time" class="time" title=${times.whole(fill.timestamp)}>
        ${times.dayTime(fill.timestamp, market.nowMs)}<//>
      <${Cell} label="Symbol">${fill.symbol}<//>
      <${Cell} label="Side" class="side">${done}<//>
      <${Cell} label="Price" kind="number">${grouped(fill.price)}<//>
      <${Cell} label="Quantity" kind="number"><${NumberText} value=${fill.quantity} /><//>
      <${Cell} label="Value" kind="number" title=${`${worth} ${quote}`}>${grouped(rounded(worth, WORTH_DECIMALS))}<//>
      <${Cell} label="Fee" kind="number" title=${`${fill.fee} ${quote}`}>${feeText(fill.fee)}<//>
      <${Cell} label="Liquidity">${fill.liquidity === "maker" ? "Maker" : "Taker"}<//>
      <${Cell} label="Order" only="wide" class="soft">${fill.order_id}<//>
      <td role="cell" class="number action"><button type="button" class="plain" onClick=${explain}
        aria-label=${`Why: ${done.toLowerCase()} ${shortest(fill.quantity)} ${fill.symbol} at ${grouped(
          fill.price,
        )}`}>Why</button></td>
    </tr>`;
});

/** A fee below zero is a rebate. @param {string} fee */
function feeText(fee) {
  const text = grouped(shortest(fee));
  return text.startsWith("-") ? html`<span data-direction="1" title="A rebate">+${text.slice(1)}</span>` : text;
}

/**
 * Below the rows: more of them, or why there are none.
 * @param {{drawn: number, draw: (count: number) => void}} props
 */
function After({ drawn, draw }) {
  const { portfolio } = useServices();
  const { fills, fillsLoaded, fillsBefore, fillsCut, access } = portfolio;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const more = async () => {
    draw(drawn + ROWS);
    if (fills.fills.length > drawn + ROWS || !fillsBefore) return;
    setBusy(true);
    setProblem("");
    try {
      await portfolio.loadEarlierFills();
    } catch (failure) {
      setProblem(describeFailure(failure, "ask"));
    } finally {
      setBusy(false);
    }
  };
  if (!access.session) return html`<p class="empty">Your fills are here once you sign in.</p>`;
  if (fills.fills.length === 0) return html`<p class="empty">${fillsLoaded ? "No fills yet." : "Loading…"}</p>`;
  const all = fills.fills.length <= drawn;
  if (!fillsBefore && all)
    return fillsCut
      ? html`<p class="coverage">Your newest ${grouped(String(fills.fills.length))} fills. The page keeps no more; GET
        /account/fills has all of them.</p>`
      : null;
  return html`
    <p class="more">
      <button type="button" class="plain" disabled=${busy} onClick=${more}>${busy ? "Loading…" : "Load earlier fills"}
      </button>
      <span class="result" data-tone="bad" role="status">${problem}</span>
    </p>`;
}
