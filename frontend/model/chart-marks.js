/**
 * What the account has in a chart: its open orders as lines at their prices, its fills as marks at their candles.
 *
 * Floats are for drawing only; every text has the exact decimals.
 * Layer: model.
 */

import { compare, fromUnits, grouped, scaleOf, shortest, toUnits } from "./decimal.js";

/** @typedef {{key: string, price: number, side: import("./types.js").Side, stop: boolean, title: string}} OrderLine */
/** @typedef {{time: number, side: import("./types.js").Side, quantity: string, text: string}} FillMark */

const ORDER_LINES_MAX = 40;
const FILL_MARKS_MAX = 200;
const WORDS = Object.freeze({ buy: "Buy", sell: "Sell" });

/**
 * One line for each side and price: quantities there are added up. A stop stands at the price that sets it off.
 * @param {(import("./types.js").Order & {stop_price?: string | null})[]} orders open ones
 * @param {string} symbol
 * @returns {OrderLine[]} at most 40, of the newest orders
 */
export function orderLines(orders, symbol) {
  /** @type {Map<string, {side: import("./types.js").Side, price: string, stop: boolean, quantities: string[]}>} */
  const lines = new Map();
  for (const order of orders) {
    const stop = order.status === "pending_trigger";
    const price = stop ? order.stop_price : order.price;
    if (order.symbol !== symbol || !price) continue;
    const key = `${order.side} ${price}${stop ? " stop" : ""}`;
    const line = lines.get(key);
    if (line) line.quantities.push(order.remaining);
    else if (lines.size < ORDER_LINES_MAX) lines.set(key, { side: order.side, price, stop, quantities: [order.remaining] });
  }
  return [...lines].map(([key, { side, price, stop, quantities }]) => ({
    key: `${key} ${quantities.join(" ")}`,
    price: Number(price),
    side,
    stop,
    title: `${WORDS[side]}${stop ? " stop" : ""} ${grouped(shortest(sumOf(quantities)))}`,
  }));
}

/**
 * One mark for each side and candle: quantities there are added up.
 * @param {import("./fills.js").Fill[]} fills newest first
 * @param {string} symbol
 * @param {number} intervalS length of a candle
 * @returns {FillMark[]} oldest first, of the newest 200
 */
export function fillMarks(fills, symbol, intervalS) {
  /** @type {Map<string, {time: number, side: import("./types.js").Side, quantities: string[]}>} */
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
  return fromUnits(quantities.reduce((sum, quantity) => sum + (toUnits(quantity, scale) ?? 0n), 0n), scale);
}
