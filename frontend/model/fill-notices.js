/**
 * The account's own fills, told once, in a sentence.
 *
 * What was filled before the first listing is known and not told. Fills that came while the connection was away are.
 * Layer: model.
 */

import { fillKey } from "./fills.js";
import { compareIds } from "./trades.js";
import { fromUnits, grouped, rounded, scaleOf, shortest, toUnits } from "./decimal.js";

/** @typedef {import("./fills.js").Fill} Fill */

/** An average price is shown this much finer than the prices it is of. */
const AVERAGE_DECIMALS = 2;
const RATIO_SCALE = 12;

export class FillNotices {
  /** The newest that was told, or known from the start. @type {string | null} */ #newest = null;
  /** Those of that trade: a trade with oneself is two. @type {Set<string>} */ #told = new Set();

  /** Whether it is known what was filled before. */
  get started() {
    return this.#newest !== null;
  }

  /** Another account. */
  forget() {
    this.#newest = null;
    this.#told.clear();
  }

  /**
   * @param {readonly Fill[]} fills newest first
   * @returns {Fill[]} those not told yet, oldest first; none the first time
   */
  take(fills) {
    const first = this.#newest === null;
    const newest = this.#newest ?? "0";
    const fresh = [];
    for (const fill of fills) {
      const age = compareIds(fill.trade_id, newest);
      if (age < 0) break;
      if (age > 0 || !this.#told.has(fillKey(fill))) fresh.push(fill);
    }
    this.#newest = fills[0]?.trade_id ?? newest;
    this.#told = new Set(fills.filter((fill) => fill.trade_id === this.#newest).map(fillKey));
    return first ? [] : fresh.reverse();
  }
}

/**
 * A sentence for each order: "Bought 0.5 BTC at 30,000.00." and, of several, "on average, in 3 fills".
 * @param {readonly Fill[]} fills
 * @param {ReadonlyMap<string, import("./types.js").Instrument>} instruments
 * @returns {string[]}
 */
export function describeFills(fills, instruments) {
  /** @type {Map<string, Fill[]>} */ const byOrder = new Map();
  for (const fill of fills) byOrder.set(fill.order_id, [...(byOrder.get(fill.order_id) ?? []), fill]);
  return [...byOrder.values()].map((ofOrder) => describeOrder(ofOrder, instruments.get(ofOrder[0].symbol)?.base ?? ofOrder[0].symbol));
}

/** @param {Fill[]} fills of one order @param {string} base */
function describeOrder(fills, base) {
  const [{ side, price, quantity }] = fills;
  const [priceScale, quantityScale] = [scaleOf(price), scaleOf(quantity)];
  const units = fills.map((fill) => ({ price: toUnits(fill.price, priceScale), quantity: toUnits(fill.quantity, quantityScale) }));
  const total = units.reduce((sum, fill) => sum + fill.quantity, 0n);
  const notional = units.reduce((sum, fill) => sum + fill.price * fill.quantity, 0n);
  const done = `${side === "buy" ? "Bought" : "Sold"} ${grouped(shortest(fromUnits(total, quantityScale)))} ${base}`;
  const prices = new Set(fills.map((fill) => fill.price));
  if (prices.size === 1) return `${done} at ${grouped(price)}${fills.length > 1 ? `, in ${fills.length} fills` : ""}.`;
  const average = fromUnits((notional * 10n ** BigInt(RATIO_SCALE)) / total, priceScale + RATIO_SCALE);
  return `${done} at ${grouped(rounded(average, priceScale + AVERAGE_DECIMALS))} on average, in ${fills.length} fills.`;
}
