/**
 * What the order ticket asks for, checked before it is sent: exact, in whole ticks and lots, and without
 * contradictions.
 *
 * What a type or its choices leave out is not looked at and not sent. The venue checks everything again and has the
 * last word (collar, band, session).
 * Layer: model.
 */

import { compare, fromUnits, grouped, multiply, scaleOf, shortest, unitsOf } from "../parts/decimal.js";
import { numberProblem, plainOf } from "../parts/number-text.js";
import { UTC } from "../parts/times.js";
import { NOUNS, ORDER_TYPES } from "./order-types.js";

/** @typedef {import("../types.js").Instrument} Instrument */
/** @typedef {import("../types.js").Side} Side */
/** @typedef {import("./order-types.js").TicketType} TicketType */
/**
 * @typedef {{side: Side, type: TicketType, quantity_in: "base" | "quote", trail_in: "amount" | "percent"} & Record<
 *   "price" | "quantity" | "stop_price" | "stop_limit_price" | "trail" | "time_in_force" | "expire_time" | "post_only"
 *   |
 *   "display_quantity" | "self_trade_prevention" | "take_profit" | "stop_loss" | "stop_loss_limit", string
 * >} TicketFields texts as they stand in the form
 */
/** @typedef {keyof TicketFields} Field */
/** @typedef {Record<string, string>} Problems by field, in words */

/** @type {Readonly<TicketFields>} */
export const EMPTY = Object.freeze({
  side: "buy",
  type: "limit",
  price: "",
  quantity: "",
  quantity_in: "base",
  stop_price: "",
  stop_limit_price: "",
  trail: "",
  trail_in: "amount",
  time_in_force: "",
  expire_time: "",
  post_only: "",
  display_quantity: "",
  self_trade_prevention: "",
  take_profit: "",
  stop_loss: "",
  stop_loss_limit: "",
});

/** @type {readonly Field[]} */
const EXITS = Object.freeze(["take_profit", "stop_loss", "stop_loss_limit"]);
/** Of a trail in percent. */
const PERCENT_STEP = "0.0001";
const AT_ONCE = Object.freeze(["ioc", "fok"]);

/** Whether a limit price belongs to it. @param {TicketType} type */
export function needsPrice(type) {
  return ORDER_TYPES[type].prices.includes("price");
}

/**
 * The time in force it has: the chosen one where its type has that.
 * @param {Pick<TicketFields, "type" | "time_in_force">} fields
 */
export function timeInForce({ type, time_in_force: chosen }) {
  const { times } = ORDER_TYPES[type];
  return times.find((time) => time === chosen) ?? times[0];
}

/** Whether the quantity stands for an amount of the quote asset. @param {Partial<TicketFields>} fields */
export function inQuote({ type, quantity_in }) {
  return type === "market" && quantity_in === "quote";
}

/**
 * The options that are chosen and count, in a few words each: for the line over them while they are folded away.
 * @param {Partial<TicketFields>} partial
 * @returns {string[]}
 */
export function chosenOptions(partial) {
  const fields = { ...EMPTY, ...partial };
  const { options, times } = ORDER_TYPES[fields.type];
  const time = timeInForce(fields);
  const words = time === times[0] ? [] : [time === "day" ? "day" : time.toUpperCase()];
  if (options.includes("post_only") && fields.post_only) words.push("post only");
  if (options.includes("display_quantity") && fields.display_quantity.trim()) words.push("iceberg");
  if (options.includes("exits") && EXITS.some((name) => fields[name].trim())) words.push("bracket");
  return fields.self_trade_prevention ? [...words, "self-trade"] : words;
}

/**
 * @param {Partial<TicketFields>} partial
 * @param {Instrument} instrument
 * @param {number | null} [nowMs] the venue's time, epoch; null: a time that has passed is not noticed
 * @param {import("../parts/times.js").Times} [times] by which a typed time is read
 * @returns {{problems: Problems, order: any}} `order` is the body of POST /order without its client_order_id, null
 *   while there is a problem
 */
export function checkTicket(partial, instrument, nowMs = null, times = UTC) {
  const fields = { ...EMPTY, ...partial };
  const rules = ORDER_TYPES[fields.type];
  /** @type {Problems} */ const problems = {};
  /** @type {Record<string, any>} */
  const order = { symbol: instrument.symbol, side: fields.side, order_type: fields.type };
  /** @param {Field} name @param {string} step @param {string} [as] its name in the order */
  const take = (name, step, as = name) => {
    const units = [unitOf(name, fields, instrument)];
    const problem = problemOf(fields[name], step, NOUNS[name], units);
    if (problem) problems[name] = problem;
    else order[as] = onGrid(/** @type {string} */ (plainOf(fields[name], units)), step);
  };
  if (inQuote(fields)) take("quantity", minorUnit(instrument), "quote_quantity");
  else take("quantity", instrument.lot_size);
  for (const name of rules.prices) {
    if (name !== "trail") take(name, instrument.tick_size);
    else if (fields.trail_in === "percent") take(name, PERCENT_STEP, "trail_percent");
    else take(name, instrument.tick_size, "trail_amount");
  }
  const exits = rules.options.includes("exits") ? EXITS : [];
  for (const name of [...rules.optional, ...exits]) if (fields[name].trim()) take(name, instrument.tick_size);
  if (rules.options.includes("display_quantity") && fields.display_quantity.trim())
    take("display_quantity", instrument.lot_size);
  if (order.quote_quantity) order.quote_quantity = shortest(order.quote_quantity);
  if (order.trail_percent) order.trail_percent = shortest(order.trail_percent);
  takeOptions(fields, order, problems, { nowMs, times });
  for (const [name, problem] of relations(order, instrument)) problems[name] ??= problem;
  return { problems, order: Object.keys(problems).length === 0 ? order : null };
}

/**
 * Time in force, post only and self-trade prevention.
 * @param {TicketFields} fields
 * @param {Record<string, any>} order
 * @param {Problems} problems
 * @param {{nowMs: number | null, times: import("../parts/times.js").Times}} clock
 */
function takeOptions(fields, order, problems, { nowMs, times }) {
  const { options, times: lasting } = ORDER_TYPES[fields.type];
  const time = timeInForce(fields);
  if (time !== lasting[0]) order.time_in_force = time;
  if (time === "gtd") {
    const { ms, problem } = times.read(fields.expire_time);
    if (ms === undefined) problems.expire_time = problem;
    else if (nowMs !== null && ms <= nowMs) problems.expire_time = "That time has passed.";
    else order.expire_time = String(Math.floor(ms / 1000));
  }
  if (fields.self_trade_prevention) order.self_trade_prevention = fields.self_trade_prevention;
  const postOnly = options.includes("post_only") && fields.post_only;
  if (!postOnly && !order.display_quantity) return;
  if (AT_ONCE.includes(time)) {
    const [name, what] = postOnly ? ["post_only", "Post only"] : ["display_quantity", "An iceberg"];
    problems[name] ??= `${what} waits in the book; ${time.toUpperCase()} never does. Choose one of the two.`;
  } else if (postOnly && order.display_quantity) {
    problems.display_quantity ??= "Post only and iceberg do not go together.";
  }
  if (postOnly) order.post_only = fields.post_only === "slide" ? "slide" : true;
}

/**
 * What does not go together in numbers that are each right.
 * @param {Record<string, any>} order
 * @param {Instrument} instrument
 * @returns {Iterable<[string, string]>} field and problem
 */
function* relations(order, instrument) {
  yield* limitsOf(order, instrument);
  const { quantity, display_quantity: shown } = order;
  const { max_slices: slices, max_trail_percent: most } = instrument.rules ?? {};
  if (quantity && shown) {
    const scale = scaleOf(instrument.lot_size);
    if (compare(shown, quantity) > 0) yield ["display_quantity", "It can't show more than there is."];
    else if (slices !== undefined && unitsOf(shown, scale) * BigInt(slices) < unitsOf(quantity, scale))
      yield ["display_quantity", `Show at least a ${slices === 100 ? "hundredth" : `${slices}th`} of the quantity.`];
  }
  const percent = order.trail_percent;
  if (percent && most && compare(percent, most) >= 0) yield ["trail", `It must be below ${most} %.`];
  if (order.stop_loss_limit && !order.stop_loss)
    yield ["stop_loss", "Enter the stop loss price that its limit belongs to."];
  if (order.order_type === "oco" && order.price && order.stop_price)
    yield* wrongSide(order.side === "sell", order, "price", "stop_price");
  const buys = order.side === "buy";
  if (order.take_profit && order.stop_loss) yield* wrongSide(buys, order, "take_profit", "stop_loss");
  if (order.order_type === "limit" && order.price) {
    if (order.take_profit) yield* wrongSide(buys, order, "take_profit", "price");
    if (order.stop_loss) yield* wrongSide(!buys, order, "stop_loss", "price");
  }
}

/**
 * A price must lie above another one, or below it.
 * @param {boolean} above
 * @param {any} order
 * @param {string} name
 * @param {string} other
 * @returns {Iterable<[string, string]>}
 */
function* wrongSide(above, order, name, other) {
  const rank = compare(order[name], order[other]);
  if (above ? rank > 0 : rank < 0) return;
  yield [name, `It must be ${above ? "above" : "below"} the ${NOUNS[other]}, ${grouped(order[other])}.`];
}

/**
 * The least and the most that the symbol takes.
 * @param {any} order
 * @param {Instrument} instrument
 * @returns {Iterable<[string, string]>}
 */
function* limitsOf({ quantity, quote_quantity: spent, price, stop_price: stop }, instrument) {
  const { limits, base, quote } = instrument;
  if (!limits) return;
  /**
   * @param {string} value
   * @param {string | undefined} least
   * @param {string | undefined} most
   * @param {string} unit
   */
  const within = (value, least, most, unit) => {
    if (least && compare(value, least) < 0) return `At least ${grouped(shortest(least))} ${unit}`;
    return most && compare(value, most) > 0 ? `At most ${grouped(shortest(most))} ${unit}` : null;
  };
  const at = price ?? stop;
  const worth = spent ?? (quantity && at ? multiply(quantity, at) : null);
  const tooMuch = quantity ? within(quantity, limits.min_quantity, limits.max_quantity, base) : null;
  const worthWrong = worth && within(worth, limits.min_notional, limits.max_notional, quote);
  if (tooMuch) yield ["quantity", `${tooMuch} an order.`];
  else if (worthWrong) yield ["quantity", `${worthWrong} an order; this is ${grouped(shortest(worth))}.`];
}

/** The least amount of the quote asset. @param {Instrument} instrument */
function minorUnit({ quote_scale: scale = 2 }) {
  return fromUnits(1n, scale);
}

/**
 * The unit that a field is in, which may be typed behind its number.
 * @param {string} name
 * @param {Partial<TicketFields>} fields
 * @param {Pick<Instrument, "base" | "quote">} instrument
 */
export function unitOf(name, fields, { base, quote }) {
  if (name === "trail" && fields.trail_in === "percent") return "%";
  return name === "display_quantity" || (name === "quantity" && !inQuote(fields)) ? base : quote;
}

/**
 * How far an arrow key moves a field: a tick, a lot; null where it does nothing.
 * @param {string} name
 * @param {Partial<TicketFields>} fields
 * @param {Instrument} instrument
 * @returns {string | null}
 */
export function stepOf(name, fields, instrument) {
  if (name === "quantity") return inQuote(fields) ? "1" : instrument.lot_size;
  if (name === "display_quantity") return instrument.lot_size;
  if (name === "trail" && fields.trail_in === "percent") return "0.1";
  return name in NOUNS ? instrument.tick_size : null;
}

/**
 * `text` moved by whole steps of the grid, and onto it; never below one step. For the arrow keys.
 * @param {string} text
 * @param {string} step tick or lot size
 * @param {bigint} count steps up, or down when below zero
 * @param {string[]} [units] that may stand behind the number
 * @returns {string | null} null when `text` is not a number, or could be two
 */
export function stepped(text, step, count, units) {
  if (text.trim() === "") return onGrid(step, step);
  const plain = plainOf(text, units);
  if (plain === null) return null;
  const scale = Math.max(scaleOf(plain), scaleOf(step));
  const unit = unitsOf(step, scale);
  const value = unitsOf(plain, scale);
  const floor = value / unit;
  const steps = count < 0n && value % unit !== 0n ? floor + count + 1n : floor + count;
  return onGrid(fromUnits((steps < 1n ? 1n : steps) * unit, scale), step);
}

/**
 * With the decimals of the step, as the venue writes it: "1" on a tick of 0.01 is "1.00".
 * @param {string} text must lie on the grid
 * @param {string} step
 */
export function onGrid(text, step) {
  const scale = scaleOf(step);
  return fromUnits(unitsOf(text, scale), scale);
}

/**
 * @param {string} text as typed
 * @param {string} step
 * @param {string} noun
 * @param {string[]} [units] that may stand behind the number
 * @returns {string | undefined} what is wrong, in words
 */
export function problemOf(text, step, noun, units) {
  if (text.trim() === "") return `Enter a ${noun}.`;
  const plain = plainOf(text, units);
  if (plain === null) return numberProblem(text, noun, units, step === "1" ? "10" : "12.5");
  const scale = Math.max(scaleOf(plain), scaleOf(step));
  const value = unitsOf(plain, scale);
  const unitStep = unitsOf(step, scale);
  if (value <= 0n) return `The ${noun} must be above zero.`;
  if (value % unitStep === 0n) return undefined;
  const below = (value / unitStep) * unitStep;
  const near = [below, below + unitStep]
    .filter((units) => units > 0n)
    .map((units) => onGrid(fromUnits(units, scale), step));
  return `Steps of ${step}: ${near.join(" or ")}.`;
}
