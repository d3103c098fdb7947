/**
 * The account's balances, live, and what they are worth.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";
import { markOf, worthOf } from "../../model/account/valuation.js";
import { fromUnits, grouped, isZero, rounded, shortest, truncated, unitsOf } from "../../model/parts/decimal.js";
import { Cell, DataTable } from "../parts/data-table.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { assetsOf, PaperMoney } from "./paper-money.js";

/** More decimals than these are in the title. */
const DECIMALS_SHOWN = 8;
const MONEY_DECIMALS = 2;
const DRAW_EVERY_MS = 500;
/** Prices of the symbols that are not looked at. */
const MARKS_EVERY_MS = 5_000;
/** @type {readonly ["available" | "held" | "total", string][]} */
const AMOUNTS = Object.freeze([
  ["available", "Available"],
  ["held", "Held"],
  ["total", "Total"],
]);

/** @type {readonly import("../parts/data-table.js").Column[]} */
const COLUMNS = Object.freeze([
  { name: "asset", title: "Asset", width: 6 },
  { name: "available", title: "Available", width: 11, kind: "number" },
  { name: "held", title: "Held", width: 11, kind: "number" },
  { name: "total", title: "Total", width: 11, kind: "number" },
  { name: "value", title: "Value now", kind: "number" },
]);

export function Balances() {
  const { market, portfolio } = useServices();
  useModel(portfolio, "balances", "switch");
  useModelSlowly(DRAW_EVERY_MS, market, "book");
  useModel(market, "symbol", "instruments");
  const tickers = useTickers();
  const { balances, access } = portfolio;
  const { instrument, instruments } = market;
  const first = instrument ? [instrument.quote, instrument.base] : [];
  const listed = balances.loaded ? balances.listed(first, assetsOf(instruments)) : [];
  const mark = (/** @type {string} */ symbol) =>
    symbol === instrument?.symbol ? (market.book.mid ?? markOf(tickers[symbol])) : markOf(tickers[symbol]);
  const rows = listed.map((balance) => rowOf(balance, instruments, mark));
  return html`
    <${PaperMoney} worth=${worthText(rows)} />
    <${DataTable} id="balances" label="Balances" columns=${COLUMNS}>
      ${rows.map((row) => html`<${BalanceRow} key=${row.balance.asset} ...${row} />`)}
    <//>
    ${
      !balances.loaded &&
      html`<p class="empty">
      ${access.session ? "Loading…" : "Sign in, or become a guest, to have money here."}</p>`
    }`;
}

/** The 24 hours of every symbol, for their prices; asked for while somebody looks. @returns {Record<string, any>} */
function useTickers() {
  const { market, workspace } = useServices();
  useModel(workspace, "layout");
  const [tickers, setTickers] = useState(/** @type {Record<string, any>} */ ({}));
  const isShown = workspace.tab("bottom") === "balances";
  useEffect(() => {
    if (!isShown) return undefined;
    const request = new AbortController();
    // A failure is left alone: it is asked again in a while.
    const ask = () => document.hidden || market.tickers(request.signal).then(setTickers, () => {});
    ask();
    const timer = setInterval(ask, MARKS_EVERY_MS);
    return () => {
      clearInterval(timer);
      request.abort();
    };
  }, [isShown]);
  return tickers;
}

/**
 * @typedef {{balance: import("../../model/account/balances.js").Balance, quote: string, value: string | null}}
 *   ValuedBalance
 */

/**
 * @param {import("../../model/account/balances.js").Balance} balance
 * @param {Map<string, import("../../model/types.js").Instrument>} instruments
 * @param {(symbol: string) => string | null} mark
 * @returns {ValuedBalance}
 */
function rowOf(balance, instruments, mark) {
  const priced = [...instruments.values()].find(({ base }) => base === balance.asset);
  if (!priced) return { balance, quote: balance.asset, value: balance.total };
  const price = mark(priced.symbol);
  return {
    balance,
    quote: priced.quote,
    value: price && worthOf(balance.total, price),
  };
}

/** @param {ValuedBalance} props */
function BalanceRow({ balance, quote, value }) {
  const { asset } = balance;
  return html`
    <tr role="row" data-asset=${asset} class=${isZero(balance.total) ? "nothing" : ""}>
      <th class="text" scope="row" role="rowheader" data-label="Asset">${asset}</th>
      ${AMOUNTS.map(
        ([name, title]) => html`
        <${Cell} key=${name} label=${title} kind="number" data-amount=${name} title=${`${balance[name]} ${asset}`}>
          ${grouped(truncated(balance[name], DECIMALS_SHOWN))}<//>`,
      )}
      <${Cell} label="Value now" kind="number">
        ${value ? html`${money(value)} <span class="soft">${quote}</span>` : "–"}<//>
    </tr>`;
}

/** @param {string} text */
function money(text) {
  return grouped(fromUnits(unitsOf(rounded(text, MONEY_DECIMALS), MONEY_DECIMALS), MONEY_DECIMALS));
}

/**
 * What everything with a price is worth, asset of payment by asset of payment; and that some have none.
 * @param {ValuedBalance[]} rows
 */
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
    sums.set(quote, (sums.get(quote) ?? 0n) + unitsOf(truncated(value, scale), scale));
  }
  const worth = [...sums].map(([quote, units]) => `${money(shortest(fromUnits(units, scale)))} ${quote}`).join(" + ");
  return worth && unpriced
    ? `${worth}, and ${unpriced === 1 ? "1 asset" : `${unpriced} assets`} without a price`
    : worth;
}
