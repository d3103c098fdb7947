/**
 * What holdings are worth at the market's prices.
 * Layer: model.
 */

import { fromUnits, multiply, rounded, shortest, unitsOf } from "../parts/decimal.js";

/** Decimals that middles are reckoned at. */
const SCALE = 20;
const AMOUNT_DECIMALS = 8;

/** @param {string} quantity @param {string} mark @returns {string} */
export function worthOf(quantity, mark) {
  return amount(multiply(quantity, mark) ?? "0");
}

/**
 * The price that holdings are valued at: the middle, else the last trade.
 * @param {{best_bid?: string | null, best_ask?: string | null, last?: string | null} | undefined} ticker
 * @returns {string | null}
 */
export function markOf(ticker) {
  const { best_bid: bid, best_ask: ask, last } = ticker ?? {};
  if (!bid || !ask) return last ?? null;
  const scale = SCALE;
  return shortest(fromUnits((unitsOf(bid, scale) + unitsOf(ask, scale)) / 2n, scale));
}

/** @param {string} text */
function amount(text) {
  return shortest(rounded(text, AMOUNT_DECIMALS));
}
