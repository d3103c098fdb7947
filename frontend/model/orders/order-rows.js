/**
 * Open orders as the rows of a table: in words, sorted.
 * Layer: model.
 */

import { compare, grouped, isZero, productOf, shortest, unitsOf } from "../parts/decimal.js";
import { risesToTrigger, timeName, typeName } from "../ticket/order-types.js";
import { compareAges } from "./orders.js";

/** @typedef {import("../types.js").Order & Record<string, any>} Order */
/** @typedef {import("./queue-positions.js").QueuePosition} QueuePosition */

/** What it is, besides its side: "limit", "trailing 1.5 %". @param {Order} order */
export function kindText({ order_type: type, trail_amount: amount, trail_percent: percent }) {
  if (percent) return `trailing ${shortest(percent)} %`;
  return amount ? `trailing ${grouped(shortest(amount))}` : typeName(type);
}

/** When it wakes up: "≥ 30,500.00"; "" of one that waits for nothing. @param {Order} order */
export function triggerText(order) {
  const { stop_price: stop } = order;
  return stop ? `${risesToTrigger(order) ? "≥" : "≤"} ${grouped(stop)}` : "";
}

/** @param {QueuePosition | null} place @returns {string} "3 orders, 1.25 ahead", "next in line", "" while unknown */
export function queueText(place) {
  if (place === null) return "";
  if (place.ordersAhead === 0) return "next in line";
  const orders = place.ordersAhead === 1 ? "1 order" : `${grouped(String(place.ordersAhead))} orders`;
  return `${orders}, ${grouped(shortest(place.quantityAhead))} ahead`;
}

/**
 * What else is to be known of it, in a few words each.
 * @param {Order} order
 * @param {(timestamp: number) => string} clock a time for people
 * @returns {string[]}
 */
export function detailsOf(order, clock) {
  const {
    time_in_force: time,
    expire_time: expires,
    display_quantity: shown,
    take_profit: profit,
    stop_loss: loss,
  } = order;
  const words = [];
  if (shown) words.push(`shows ${grouped(shortest(shown))} at a time`);
  if (expires) words.push(`until ${clock(Number(expires))}`);
  else if (time && time !== "gtc") words.push(timeName(time));
  if (order.post_only) words.push(order.post_only === "slide" ? "post only, slides" : "post only");
  if (profit) words.push(`profit at ${grouped(profit)}`);
  if (loss) words.push(`stop at ${grouped(loss)}`);
  if (order.linked_order_id) words.push("OCO");
  if (order.parent_order_id) words.push("bracket exit");
  return words;
}

/** How much of it is filled, in whole percent. @param {Order} order */
export function filledPercent({ filled, quantity }) {
  if (isZero(filled) || isZero(quantity)) return "0";
  const scale = 18;
  return String(unitsOf(productOf(filled, "100"), scale) / unitsOf(quantity, scale));
}

/** @type {Readonly<Record<string, (order: Order) => string | null>>} */
const KEYS = Object.freeze({
  price: (order) => order.price ?? order.stop_price ?? null,
  trigger: (order) => order.stop_price ?? null,
  quantity: (order) => order.quantity,
  filled: (order) => order.filled,
});
/** @type {Readonly<Record<string, (order: Order) => string>>} */
const TEXTS = Object.freeze({
  symbol: (order) => order.symbol,
  kind: (order) => `${order.side} ${order.order_type}`,
  status: (order) => order.status,
});

/**
 * @param {Order[]} orders newest first
 * @param {{by: string, down: boolean}} sort by the name of a column; those without a value go last
 * @param {{of: (orderId: string) => QueuePosition | null}} queue
 * @returns {Order[]}
 */
export function sortedOrders(orders, { by, down }, queue) {
  const turn = down ? -1 : 1;
  const rank = (/** @type {Order} */ a, /** @type {Order} */ b) => {
    if (by in KEYS) return compareNullable(KEYS[by](a), KEYS[by](b), turn, compare);
    if (by === "queue")
      return compareNullable(
        queue.of(a.order_id),
        queue.of(b.order_id),
        turn,
        (left, right) => left.ordersAhead - right.ordersAhead,
      );
    if (by in TEXTS) return turn * (TEXTS[by](a) < TEXTS[by](b) ? -1 : TEXTS[by](a) > TEXTS[by](b) ? 1 : 0);
    return turn * compareAges(a, b);
  };
  return [...orders].sort((a, b) => rank(a, b) || compareAges(b, a));
}

/** @template T @param {T | null} a @param {T | null} b @param {number} turn @param {(a: T, b: T) => number} order */
function compareNullable(a, b, turn, order) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return turn * order(a, b);
}
