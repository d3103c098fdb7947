/**
 * What the order ticket asks for, checked before it is sent: exact, in whole ticks and lots.
 *
 * The venue checks everything again and has the last word (limits, collar, status).
 * Layer: model.
 */

import { fromUnits, isDecimal, scaleOf, toUnits } from "./decimal.js";

/** @typedef {import("./types.js").Instrument} Instrument */
/** @typedef {"limit" | "market" | "ioc" | "fok"} TicketType */
/**
 * @typedef {object} TicketFields what stands in the form
 * @property {import("./types.js").Side} side
 * @property {TicketType} type
 * @property {string} quantity
 * @property {string} price not looked at for a market order
 */

/** What each order type does, for the line under the choice. */
export const TYPE_HINTS = Object.freeze({
  limit: "Takes what it can at your price or better; the rest waits in the book.",
  market: "Takes the best prices there are; what is left is cancelled.",
  ioc: "Immediate or cancel: takes what it can at your price or better, cancels the rest.",
  fok: "Fill or kill: all of it now at your price or better, or nothing.",
});

/** @param {TicketType} type */
export function needsPrice(type) {
  return type !== "market";
}

/**
 * @param {TicketFields} fields
 * @param {Instrument} instrument
 * @returns {{problems: {quantity?: string, price?: string}, order: object | null}} `order` is the body of POST /order
 *   without its client_order_id, null while there is a problem
 */
export function checkTicket(fields, instrument) {
  /** @type {{quantity?: string, price?: string}} */
  const problems = {};
  const quantity = problemOf(fields.quantity, instrument.lot_size, "quantity");
  if (quantity) problems.quantity = quantity;
  const price = needsPrice(fields.type) && problemOf(fields.price, instrument.tick_size, "price");
  if (price) problems.price = price;
  if (quantity || price) return { problems, order: null };
  const order = {
    symbol: instrument.symbol,
    side: fields.side,
    order_type: fields.type,
    quantity: onGrid(fields.quantity, instrument.lot_size),
  };
  return { problems, order: needsPrice(fields.type) ? { ...order, price: onGrid(fields.price, instrument.tick_size) } : order };
}

/**
 * `text` moved by whole steps of the grid, and onto it; never below one step. For the arrow keys.
 * @param {string} text
 * @param {string} step tick or lot size
 * @param {bigint} count steps up, or down when below zero
 * @returns {string | null} null when `text` is not a decimal
 */
export function stepped(text, step, count) {
  if (text.trim() === "") return onGrid(step, step);
  if (!isDecimal(text)) return null;
  const scale = Math.max(scaleOf(text.trim()), scaleOf(step));
  const unit = toUnits(step, scale);
  const value = toUnits(text, scale);
  const floor = value / unit;
  const steps = count < 0n && value % unit !== 0n ? floor + count + 1n : floor + count;
  return onGrid(fromUnits((steps < 1n ? 1n : steps) * unit, scale), step);
}

/**
 * With the decimals of the step, as the venue writes it: "1" on a tick of 0.01 is "1.00".
 * @param {string} text must lie on the grid
 * @param {string} step
 */
function onGrid(text, step) {
  const scale = scaleOf(step);
  return fromUnits(toUnits(text, scale), scale);
}

/**
 * @param {string} text
 * @param {string} step
 * @param {"price" | "quantity"} noun
 * @returns {string | undefined} what is wrong, in words
 */
function problemOf(text, step, noun) {
  if (text.trim() === "") return `Enter a ${noun}.`;
  if (!isDecimal(text)) return `The ${noun} is a plain number such as ${step === "1" ? "10" : "12.5"}.`;
  const scale = Math.max(scaleOf(text.trim()), scaleOf(step));
  const value = toUnits(text, scale);
  const unitStep = toUnits(step, scale);
  if (value <= 0n) return `The ${noun} must be above zero.`;
  if (value % unitStep === 0n) return undefined;
  const below = (value / unitStep) * unitStep;
  const near = [below, below + unitStep].filter((units) => units > 0n).map((units) => onGrid(fromUnits(units, scale), step));
  return `Steps of ${step}: ${near.join(" or ")}.`;
}
