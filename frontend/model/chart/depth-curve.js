/**
 * The depth of the book as two stairs over a price axis, and what stands between the middle and any price.
 *
 * Where things are drawn is floats; quantities and costs that are read are exact.
 * Layer: model.
 */

import { fromUnits, scaleOf, shortest, toUnits } from "../parts/decimal.js";

/** @typedef {import("../types.js").Level} Level */
/**
 * @typedef {{price: number, text: string, cumulative: number, total: string, cost: string}} Step `total` and `cost`: of
 *   everything from the best price to this one
 */
/**
 * @typedef {{bids: Step[], asks: Step[], middle: number, low: number, high: number, most: number, beyond: {below:
 *   number, above: number}}} Curve steps best first; from `low` to `high` is drawn, up to the quantity `most`;
 *   `beyond`: how many levels are not
 */
/**
 * @typedef {{side: "buy" | "sell", step: Step | null, price: number}} Reading `side` of the orders that stand there; no
 *   step between the best prices
 */

/** Room beyond the last level. */
const MARGIN = 1.02;
const HEADROOM = 1.08;
/**
 * What is so many times as far from the middle as half of the levels are, stands by itself: it would squeeze all others
 * into one line.
 */
const FAR = 8;
/** The zoom that shows every level, however far. */
export const ALL = 0;

/**
 * @param {{bids: Level[], asks: Level[]}} levels best first
 * @param {number} zoom 1 shows as far as both sides reach but for what is far from all others, 2 half of that; ALL
 *   everything
 * @returns {Curve | null} null when nobody quotes
 */
export function depthCurve({ bids, asks }, zoom) {
  const curve = { bids: stepsOf(bids), asks: stepsOf(asks) };
  const [bid, ask] = [curve.bids[0]?.price, curve.asks[0]?.price];
  if (bid === undefined && ask === undefined) return null;
  const middle = bid === undefined ? ask : ask === undefined ? bid : (bid + ask) / 2;
  const distances = [curve.bids, curve.asks].map((steps) => steps.map(({ price }) => Math.abs(price - middle)));
  // The best prices are always seen.
  const nearest = Math.max(Math.abs((bid ?? middle) - middle), Math.abs((ask ?? middle) - middle)) * 1.25;
  const reach =
    (Math.max(zoom === ALL ? Math.max(...distances.flat()) : usualReach(distances) / zoom, nearest) || middle * 0.01) *
    MARGIN;
  const half = Number.isFinite(reach) ? reach : middle * 0.01;
  const [low, high] = [middle - half, middle + half];
  const shown = [...curve.bids.filter(({ price }) => price >= low), ...curve.asks.filter(({ price }) => price <= high)];
  const most = Math.max(...shown.map(({ cumulative }) => cumulative), 0) * HEADROOM || 1;
  const beyond = {
    below: curve.bids.filter(({ price }) => price < low).length,
    above: curve.asks.filter(({ price }) => price > high).length,
  };
  return { ...curve, middle, low, high, most, beyond };
}

/**
 * How far the side that reaches less does, or as far as there are levels that are not far from all others.
 * @param {number[][]} sides distances from the middle, nearest first
 */
function usualReach(sides) {
  const all = sides.flat().sort((a, b) => a - b);
  const far = all[(all.length - 1) >> 1] * FAR;
  const ends = sides.map((distances) => distances.at(-1) ?? 0).filter((reach) => reach > 0);
  return Math.min(...ends, all.findLast((distance) => distance <= far) ?? Infinity);
}

/** @param {Level[]} levels best first @returns {Step[]} */
function stepsOf(levels) {
  if (levels.length === 0) return [];
  const [priceScale, quantityScale] = [scaleOf(levels[0].price), scaleOf(levels[0].quantity)];
  let cost = 0n;
  return levels.map(({ price, quantity, cumulative }) => {
    cost += (toUnits(price, priceScale) ?? 0n) * (toUnits(quantity, quantityScale) ?? 0n);
    return {
      price: Number(price),
      text: price,
      cumulative: Number(cumulative),
      total: cumulative,
      cost: shortest(fromUnits(cost, priceScale + quantityScale)),
    };
  });
}

/**
 * What stands from the best price to `price`. O(log n).
 * @param {Curve} curve
 * @param {number} price
 * @returns {Reading}
 */
export function depthAt({ bids, asks, middle }, price) {
  const side = price < middle ? "buy" : "sell";
  const steps = side === "buy" ? bids : asks;
  let [low, high] = [0, steps.length];
  while (low < high) {
    const half = (low + high) >> 1;
    const reached = side === "buy" ? steps[half].price >= price : steps[half].price <= price;
    if (reached) low = half + 1;
    else high = half;
  }
  return { side, step: steps[low - 1] ?? null, price };
}

/**
 * The step beside the one at `price`, for walking the curve by keys: all bids and asks as one row by price.
 * @param {Curve} curve
 * @param {number} price
 * @param {-1 | 1} direction
 * @returns {number} a price; `price` itself at the end of the row
 */
export function nextStep({ bids, asks, low, high }, price, direction) {
  const prices = [...bids.map((step) => step.price).reverse(), ...asks.map((step) => step.price)].filter(
    (each) => each >= low && each <= high,
  );
  if (direction > 0) return prices.find((each) => each > price) ?? price;
  return prices.reverse().find((each) => each < price) ?? price;
}
