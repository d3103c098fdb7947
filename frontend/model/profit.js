/**
 * Profit and loss by average cost, from the account's own fills: exact but for the last division.
 *
 * What was bought costs its price and fee. A sale realises its proceeds less fee, against the average cost of what the known
 * fills bought; what is sold beyond that (a deposit, or bought before the first known fill) has no known cost and counts for nothing.
 * Layer: model.
 */

import { compare, fromUnits, multiply, rounded, shortest, toUnits } from "./decimal.js";

/** Decimals that costs and quantities are kept at. */
const SCALE = 20;
const AMOUNT_DECIMALS = 8;

/**
 * @typedef {object} Position of one symbol; amounts in its quote asset
 * @property {string} quantity bought by known fills and not sold since
 * @property {string | null} averageCost fees included; null of no quantity
 * @property {string} cost of `quantity`
 * @property {string} realised
 * @property {string} uncosted quantity sold whose cost is not known
 */

/**
 * @param {import("./fills.js").Fill[]} fills newest first
 * @returns {Map<string, Position>} by symbol. O(fills)
 */
export function positionsOf(fills) {
  /** @type {Map<string, {quantity: bigint, cost: bigint, realised: bigint, uncosted: bigint}>} */ const known = new Map();
  for (let at = fills.length - 1; at >= 0; at -= 1) {
    const { symbol, side, price, quantity, fee } = fills[at];
    if (!known.has(symbol)) known.set(symbol, { quantity: 0n, cost: 0n, realised: 0n, uncosted: 0n });
    const position = known.get(symbol);
    const traded = toUnits(quantity, SCALE);
    const worth = toUnits(multiply(price, quantity), SCALE);
    const paid = toUnits(fee, SCALE);
    if (side === "buy") {
      position.quantity += traded;
      position.cost += worth + paid;
      continue;
    }
    const sold = traded < position.quantity ? traded : position.quantity;
    position.uncosted += traded - sold;
    if (sold === 0n) continue;
    const basis = (position.cost * sold) / position.quantity;
    position.realised += ((worth - paid) * sold) / traded - basis;
    position.cost -= basis;
    position.quantity -= sold;
  }
  return new Map([...known].map(([symbol, position]) => [symbol, textsOf(position)]));
}

/** @returns {Position} */
function textsOf({ quantity, cost, realised, uncosted }) {
  const text = (units) => shortest(fromUnits(units, SCALE));
  const average = quantity > 0n ? shortest(fromUnits((cost * 10n ** BigInt(SCALE)) / quantity, SCALE)) : null;
  return { quantity: text(quantity), averageCost: average, cost: text(cost), realised: amount(text(realised)), uncosted: text(uncosted) };
}

/**
 * What the position is worth beyond its cost.
 * @param {Position} position @param {string | null} mark price
 * @returns {string | null} null while there is no price, and of no quantity
 */
export function unrealised({ quantity, cost, averageCost }, mark) {
  if (mark === null || averageCost === null) return null;
  const worth = toUnits(multiply(quantity, mark), SCALE + SCALE) / 10n ** BigInt(SCALE);
  return amount(shortest(fromUnits(worth - toUnits(cost, SCALE), SCALE)));
}

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
  return shortest(fromUnits((toUnits(bid, scale) + toUnits(ask, scale)) / 2n, scale));
}

/** -1, 0 or 1: for its colour. @param {string} text */
export function signOf(text) {
  return compare(text, "0");
}

/** @param {string} text */
function amount(text) {
  return shortest(rounded(text, AMOUNT_DECIMALS));
}
