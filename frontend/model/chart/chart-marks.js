/**
 * What the account has in a chart: its open orders as lines at their prices, its fills as marks at their candles.
 *
 * Floats are for drawing only; every text has the exact decimals.
 * Layer: model.
 */

import { isOfFlow } from "../orders/orders.js";
import { compare, fromUnits, grouped, scaleOf, shortest, toUnits } from "../parts/decimal.js";

/**
 * @typedef {{key: string, price: number, text: string, side: import("../types.js").Side, stop: boolean, title: string,
 *   orders: number}} OrderLine `text`: the price, exactly
 */
/** @typedef {{time: number, side: import("../types.js").Side, quantity: string, text: string}} FillMark */

/** More lines than that are no drawing any more. */
export const ORDER_LINES_MAX = 40;
const FILL_MARKS_MAX = 200;
const WORDS = Object.freeze({ buy: "Buy", sell: "Sell" });

/**
 * One line for each side and price: quantities there are added up. A stop stands at the price that sets it off.
 * What programs of the venue quote is the market, and no line.
 * @param {(import("../types.js").Order & {stop_price?: string | null})[]} orders open ones
 * @param {string} symbol
 * @returns {OrderLine[]} of the newest orders first
 */
export function orderLines(orders, symbol) {
  /** @type {Map<string, {side: import("../types.js").Side, price: string, stop: boolean, quantities: string[]}>} */
  const lines = new Map();
  for (const order of orders) {
    const stop = order.status === "pending_trigger";
    const price = stop ? order.stop_price : order.price;
    if (order.symbol !== symbol || !price || isOfFlow(order)) continue;
    const key = `${order.side} ${price}${stop ? " stop" : ""}`;
    const line = lines.get(key);
    if (line) line.quantities.push(order.remaining);
    else lines.set(key, { side: order.side, price, stop, quantities: [order.remaining] });
  }
  return [...lines].map(([key, { side, price, stop, quantities }]) => ({
    key: `${key} ${quantities.join(" ")}`,
    price: Number(price),
    text: price,
    side,
    stop,
    orders: quantities.length,
    title: `${WORDS[side]}${stop ? " stop" : ""} ${grouped(shortest(sumOf(quantities)))}`,
  }));
}

/**
 * @typedef {{orders: number, text: string}} Beyond `text`: "2 of yours above: Sell 1 at 103, Sell 2 at 110"; "" of none
 */

const NAMED_MAX = 3;

/**
 * What of the account's stands where a chart does not reach: nearest first.
 * @param {OrderLine[]} lines
 * @param {number} low the least price that the chart shows
 * @param {number} high
 * @returns {{above: Beyond, below: Beyond}}
 */
export function ordersBeyond(lines, low, high) {
  const above = lines.filter(({ price }) => price > high).sort((a, b) => a.price - b.price);
  const below = lines.filter(({ price }) => price < low).sort((a, b) => b.price - a.price);
  return { above: beyondOf(above, "above"), below: beyondOf(below, "below") };
}

/** @param {OrderLine[]} lines nearest first @param {string} where @returns {Beyond} */
function beyondOf(lines, where) {
  const orders = lines.reduce((sum, line) => sum + line.orders, 0);
  if (orders === 0) return { orders, text: "" };
  const named = lines.slice(0, NAMED_MAX).map(({ title, text }) => `${title} at ${grouped(shortest(text))}`);
  return {
    orders,
    text: `${grouped(String(orders))} of yours ${where}: ${named.join(", ")}${lines.length > NAMED_MAX ? ", …" : ""}`,
  };
}

/**
 * Which lines have room for their label, where no label may stand at another price than its own: the first of those
 * that would overlap, which counts the others.
 * @param {{key: string, y: number}[]} places of lines, in pixels
 * @param {number} height of a label
 * @returns {Map<string, number>} by key of the lines that are named: how many others stand too close to be
 */
export function labelled(places, height) {
  const named = new Map();
  let last = null;
  for (const place of [...places].sort((a, b) => a.y - b.y)) {
    if (last !== null && place.y - last.y < height) named.set(last.key, named.get(last.key) + 1);
    else {
      last = place;
      named.set(place.key, 0);
    }
  }
  return named;
}

/**
 * One mark for each side and candle: quantities there are added up.
 * @param {import("../orders/fills.js").Fill[]} fills newest first
 * @param {string} symbol
 * @param {number} intervalS length of a candle
 * @returns {FillMark[]} oldest first, of the newest 200
 */
export function fillMarks(fills, symbol, intervalS) {
  /** @type {Map<string, {time: number, side: import("../types.js").Side, quantities: string[]}>} */
  const marks = new Map();
  for (const { symbol: of, side, timestamp, quantity } of fills) {
    if (of !== symbol) continue;
    const time = Math.floor(timestamp / intervalS) * intervalS;
    const mark = marks.get(`${side} ${time}`);
    if (mark) mark.quantities.push(quantity);
    else if (marks.size < FILL_MARKS_MAX) marks.set(`${side} ${time}`, { time, side, quantities: [quantity] });
  }
  return [...marks.values()]
    .map(({ time, side, quantities }) => {
      const quantity = shortest(sumOf(quantities));
      return { time, side, quantity, text: `${WORDS[side]} ${grouped(quantity)}` };
    })
    .sort((a, b) => a.time - b.time || compare(a.quantity, b.quantity));
}

/** @param {string[]} quantities */
function sumOf(quantities) {
  const scale = Math.max(...quantities.map(scaleOf));
  return fromUnits(
    quantities.reduce((sum, quantity) => sum + (toUnits(quantity, scale) ?? 0n), 0n),
    scale,
  );
}
