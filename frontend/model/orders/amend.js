/**
 * An order that is changed in place: which fields it has, what is wrong with what was typed, what is to be sent.
 * Layer: model.
 */

import { compare } from "../parts/decimal.js";
import { plainOf } from "../parts/number-text.js";
import { NOUNS, waitsForStop } from "../ticket/order-types.js";
import { onGrid, problemOf } from "../ticket/ticket.js";

/** @typedef {import("../types.js").Order & Record<string, any>} Order */

/**
 * The fields of it that can be changed; none of an order that is one of a pair.
 * @param {Order} order
 * @returns {("price" | "stop_price" | "quantity")[]}
 */
export function amendable(order) {
  if (order.linked_order_id) return [];
  /** @type {("price" | "stop_price" | "quantity")[]} */ const fields = [];
  if (order.price !== null && order.price !== undefined) fields.push("price");
  if (order.status === "pending_trigger" && waitsForStop(order.order_type)) fields.push("stop_price");
  return [...fields, "quantity"];
}

/**
 * @param {Order} order
 * @param {Record<string, string>} draft what was typed, of each field of `amendable`
 * @param {import("../types.js").Instrument} instrument
 * @returns {{problems: Record<string, string>, changes: Record<string, string> | null}} `changes` is the body of
 *   PATCH /order/{order_id}: null while there is a problem, empty when nothing is another
 */
export function checkAmend(order, draft, instrument) {
  /** @type {Record<string, string>} */ const problems = {};
  /** @type {Record<string, string>} */ const changes = {};
  for (const name of amendable(order)) {
    const step = name === "quantity" ? instrument.lot_size : instrument.tick_size;
    const units = [amendUnit(name, instrument)];
    const problem = problemOf(draft[name], step, NOUNS[name], units);
    if (problem) {
      problems[name] = problem;
      continue;
    }
    const value = onGrid(/** @type {string} */ (plainOf(draft[name], units)), step);
    if (compare(value, order[name]) !== 0) changes[name] = value;
  }
  return { problems, changes: Object.keys(problems).length === 0 ? changes : null };
}

/**
 * The unit that a field is in, which may be typed behind its number.
 * @param {string} name
 * @param {import("../types.js").Instrument} instrument
 */
export function amendUnit(name, { base, quote }) {
  return name === "quantity" ? base : quote;
}

/**
 * What a change does to its place in the queue, before it is sent.
 * @param {Order} order
 * @param {Record<string, string>} changes
 * @returns {"kept" | "lost" | null} null of no change, and of an order that has no place
 */
export function priorityAfter(order, changes) {
  if (order.status === "pending_trigger" || Object.keys(changes).length === 0) return null;
  return changes.price || (changes.quantity && compare(changes.quantity, order.quantity) > 0) ? "lost" : "kept";
}
