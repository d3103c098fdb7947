/**
 * The account's own fills, each announced once, in a sentence.
 *
 * A fill from before the page was opened is not announced. One that was heard live is, and one that came while the
 * connection was away.
 * Layer: model.
 */

import { compareIds } from "../market/tape.js";
import { fromUnits, grouped, rounded, scaleOf, shortest, unitsOf } from "../parts/decimal.js";

/** @typedef {import("./fills.js").Fill} Fill */

/** An average price is shown this much finer than the prices it is of. */
const AVERAGE_DECIMALS = 2;
const RATIO_SCALE = 12;

export class FillNotices {
  /** @type {WeakSet<Fill>} */ #announced = new WeakSet();

  /**
   * @param {import("./fills.js").Fills} fills
   * @returns {Fill[]} the news among them that were not taken yet, oldest first. O(news)
   */
  take({ fills, newsFrom }) {
    const fresh = [];
    for (const fill of fills) {
      if (newsFrom === null || compareIds(fill.trade_id, newsFrom) < 0) break;
      if (!this.#announced.has(fill)) fresh.push(fill);
      this.#announced.add(fill);
    }
    return fresh.reverse();
  }
}

/**
 * A sentence for each order: "Bought 0.5 BTC at 30,000.00." and, of several, "on average, in 3 fills".
 * @param {readonly Fill[]} fills
 * @param {ReadonlyMap<string, import("../types.js").Instrument>} instruments
 * @returns {string[]}
 */
export function describeFills(fills, instruments) {
  /** @type {Map<string, Fill[]>} */ const byOrder = new Map();
  for (const fill of fills) byOrder.set(fill.order_id, [...(byOrder.get(fill.order_id) ?? []), fill]);
  return [...byOrder.values()].map((ofOrder) =>
    describeOrder(ofOrder, instruments.get(ofOrder[0].symbol)?.base ?? ofOrder[0].symbol),
  );
}

/** @param {Fill[]} fills of one order @param {string} base */
function describeOrder(fills, base) {
  const [{ side, price, quantity }] = fills;
  const [priceScale, quantityScale] = [scaleOf(price), scaleOf(quantity)];
  const units = fills.map((fill) => ({
    price: unitsOf(fill.price, priceScale),
    quantity: unitsOf(fill.quantity, quantityScale),
  }));
  const total = units.reduce((sum, fill) => sum + fill.quantity, 0n);
  const notional = units.reduce((sum, fill) => sum + fill.price * fill.quantity, 0n);
  const done = `${side === "buy" ? "Bought" : "Sold"} ${grouped(shortest(fromUnits(total, quantityScale)))} ${base}`;
  const prices = new Set(fills.map((fill) => fill.price));
  if (prices.size === 1) return `${done} at ${grouped(price)}${fills.length > 1 ? `, in ${fills.length} fills` : ""}.`;
  const average = fromUnits((notional * 10n ** BigInt(RATIO_SCALE)) / total, priceScale + RATIO_SCALE);
  return `${done} at ${grouped(rounded(average, priceScale + AVERAGE_DECIMALS))} on average, in ${fills.length} fills.`;
}
