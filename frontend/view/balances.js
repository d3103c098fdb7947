/**
 * The account's balances, live; what they are worth, and the profit and loss of what its own fills bought.
 * Layer: view.
 */

import { useEffect, useMemo, useState } from "preact/hooks";

import { grouped, isZero, rounded, toUnits, fromUnits, scaleOf, shortest, truncated } from "../model/decimal.js";
import { markOf, positionsOf, signOf, unrealised, worthOf } from "../model/profit.js";
import { describeFailure } from "../model/words.js";
import { Cell, DataTable } from "./data-table.js";
import { html } from "./html.js";
import { PaperMoney, assetsOf } from "./paper-money.js";
import { useServices } from "./services.js";
import { useModel, useModelSlowly } from "./use-model.js";
import { useTimes } from "./use-times.js";

/** More decimals than these are in the title. */
const DECIMALS_SHOWN = 8;
const MONEY_DECIMALS = 2;
/** Of an average, in the title. */
const COST_DECIMALS = 12;
const DRAW_EVERY_MS = 500;
/** Prices of the symbols that are not looked at. */
const MARKS_EVERY_MS = 5_000;
const AMOUNTS = Object.freeze([["available", "Available"], ["held", "Held"], ["total", "Total"]]);

/** @type {readonly import("./data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "asset", title: "Asset", width: 6 },
  { name: "available", title: "Available", width: 11, kind: "number" },
  { name: "held", title: "Held", width: 11, kind: "number" },
  { name: "total", title: "Total", width: 11, kind: "number" },
  { name: "value", title: "Value now", width: 10, kind: "number" },
  { name: "cost", title: "Average cost", width: 8, kind: "number" },
  { name: "unrealised", title: "Unrealised", width: 8, kind: "number" },
  { name: "realised", title: "Realised", width: 8, kind: "number" },
]);

export function Balances() {
  const { desk, portfolio } = useServices();
  useModel(portfolio, "balances", "switch");
  useModelSlowly(DRAW_EVERY_MS, portfolio, "fills");
  useModelSlowly(DRAW_EVERY_MS, desk, "book");
  useModel(desk, "symbol", "instruments");
  const tickers = useTickers();
  const { balances, access } = portfolio;
  const { instrument, instruments } = desk;
  const { fills } = portfolio.fills;
  const positions = useMemo(() => positionsOf(fills), [fills]);
  const first = instrument ? [instrument.quote, instrument.base] : [];
  const listed = balances.loaded ? balances.listed(first, assetsOf(instruments)) : [];
  const mark = (symbol) => (symbol === instrument?.symbol ? (desk.book.mid ?? markOf(tickers[symbol])) : markOf(tickers[symbol]));
  const rows = listed.map((balance) => rowOf(balance, instruments, positions, mark));
  return html`
    <${PaperMoney} worth=${worthText(rows)} />
    <${DataTable} id="balances" label="Balances" columns=${COLUMNS} after=${html`<${Coverage} positions=${positions} />`}>
      ${rows.map((row) => html`<${BalanceRow} key=${row.balance.asset} ...${row} />`)}
    <//>
    ${!balances.loaded && html`<p class="empty">${access.session ? "Loading…" : "Sign in, or become a guest, to have money here."}</p>`}`;
}

/** The 24 hours of every symbol, for their prices; asked for while somebody looks. @returns {Record<string, any>} */
function useTickers() {
  const { desk, workspace } = useServices();
  useModel(workspace, "layout");
  const [tickers, setTickers] = useState(/** @type {Record<string, any>} */ ({}));
  const looking = workspace.tab("bottom") === "balances";
  useEffect(() => {
    if (!looking) return undefined;
    const request = new AbortController();
    const ask = () => document.hidden || desk.tickers(request.signal).then(setTickers, () => {}); // asked again in a while
    ask();
    const timer = setInterval(ask, MARKS_EVERY_MS);
    return () => {
      clearInterval(timer);
      request.abort();
    };
  }, [looking]);
  return tickers;
}

/**
 * @param {import("../model/balances.js").Balance} balance
 * @param {Map<string, import("../model/types.js").Instrument>} instruments
 * @param {Map<string, import("../model/profit.js").Position>} positions
 * @param {(symbol: string) => string | null} mark
 */
function rowOf(balance, instruments, positions, mark) {
  const markets = [...instruments.values()].filter(({ base }) => base === balance.asset);
  const market = markets.find(({ symbol }) => positions.has(symbol)) ?? markets[0];
  if (!market) return { balance, quote: balance.asset, value: balance.total, position: null, gain: null, cost: null };
  const price = mark(market.symbol);
  const position = positions.get(market.symbol) ?? null;
  return {
    balance,
    quote: market.quote,
    value: price && worthOf(balance.total, price),
    position,
    gain: position && unrealised(position, price),
    cost: position?.averageCost ? costText(position.averageCost, market.tick_size) : null,
  };
}

function BalanceRow({ balance, quote, value, position, gain, cost }) {
  const { asset } = balance;
  return html`
    <tr role="row" data-asset=${asset} class=${isZero(balance.total) && !position ? "nothing" : ""}>
      <th class="text" scope="row" role="rowheader" data-label="Asset">${asset}</th>
      ${AMOUNTS.map(([name, title]) => html`
        <${Cell} key=${name} label=${title} kind="number" data-amount=${name} title=${`${balance[name]} ${asset}`}>${grouped(truncated(balance[name], DECIMALS_SHOWN))}<//>`)}
      <${Cell} label="Value now" kind="number">${value ? html`${money(value)} <span class="soft">${quote}</span>` : "–"}<//>
      <${Cell} label="Average cost" kind="number" data-profit="cost"
        title=${cost ? `${rounded(position.averageCost, COST_DECIMALS)} ${quote}, of ${position.quantity} ${asset}, fees included` : null}>${cost ?? "–"}<//>
      <${Cell} label="Unrealised" kind="number" data-profit="unrealised">${gainText(gain, quote)}<//>
      <${Cell} label="Realised" kind="number" data-profit="realised">${gainText(position && position.realised, quote)}<//>
    </tr>`;
}

/** With its sign, since colour alone tells nobody. @param {string | null} amount @param {string} unit */
function gainText(amount, unit) {
  if (amount === null) return "–";
  const sign = signOf(amount);
  const text = money(amount.replace("-", ""));
  return html`<span data-direction=${sign} title=${`${amount} ${unit}`}>${sign > 0 ? "+" : sign < 0 ? "−" : ""}${text}</span>`;
}

/** As fine as the symbol's prices. @param {string} cost of one @param {string} tick */
function costText(cost, tick) {
  return money(cost, Math.max(MONEY_DECIMALS, scaleOf(tick)));
}

/** @param {string} text @param {number} [decimals] */
function money(text, decimals = MONEY_DECIMALS) {
  return grouped(fromUnits(toUnits(rounded(text, decimals), decimals), decimals));
}

/** What everything with a price is worth, asset of payment by asset of payment; and that some have none. */
function worthText(rows) {
  const scale = 10;
  let unpriced = 0;
  /** @type {Map<string, bigint>} */ const sums = new Map();
  for (const { balance, quote, value } of rows) {
    if (isZero(balance.total)) continue;
    if (value === null) {
      unpriced += 1;
      continue;
    }
    sums.set(quote, (sums.get(quote) ?? 0n) + toUnits(truncated(value, scale), scale));
  }
  const worth = [...sums].map(([quote, units]) => `${money(shortest(fromUnits(units, scale)))} ${quote}`).join(" + ");
  return worth && unpriced ? `${worth}, and ${unpriced === 1 ? "1 asset" : `${unpriced} assets`} without a price` : worth;
}

/** Which fills the profit and loss is reckoned from, and the way to more of them. */
function Coverage({ positions }) {
  const { desk, portfolio } = useServices();
  const times = useTimes();
  const [problem, setProblem] = useState("");
  const { fills, fillsLoaded, fillsBefore } = portfolio;
  const count = fills.fills.length;
  if (!fillsLoaded || !portfolio.access.session) return null;
  if (count === 0) return html`<p class="coverage">Profit and loss appears with your first fill. What is deposited has no cost.</p>`;
  const since = times.dayTime(fills.fills[count - 1].timestamp, desk.nowMs);
  const uncosted = [...positions.values()].some((position) => !isZero(position.uncosted));
  const more = () => portfolio.loadEarlierFills().then(() => setProblem(""), (failure) => setProblem(describeFailure(failure, "ask")));
  return html`
    <p class="coverage">
      Profit and loss by average cost, fees included, from ${fillsBefore ? `your newest ${count} fills, since ${since}` : count === 1 ? "your only fill" : `all your ${count} fills, since ${since}`}.
      ${uncosted ? " What you sold beyond what these bought has no known cost and is left out." : ""}
      ${fillsBefore && html` <button type="button" class="plain" onClick=${more}>Load earlier fills</button>`} ${problem}
    </p>`;
}
