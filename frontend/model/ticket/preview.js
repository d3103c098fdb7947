/**
 * What an order would do now, as the venue answers: to POST /order/test, or where there is no such route to GET /quote.
 * Layer: model.
 */

import {
  compare,
  fromUnits,
  grouped,
  isZero,
  productOf,
  scaleOf,
  shortest,
  subtract,
  unitsOf,
} from "../parts/decimal.js";
import { describeRefusal } from "../parts/failures.js";

/** @typedef {import("../types.js").Instrument} Instrument */
/**
 * @typedef {object} Preview amounts in the quote asset unless said otherwise
 * @property {string | null} refused why the venue would not take it, in words
 * @property {string | null} status it would have; null while unknown
 * @property {string | null} reason why it would end with something left
 * @property {string} filled quantity that would trade at once
 * @property {string} wanted quantity that was asked for, or "" of an order by amount
 * @property {string | null} average
 * @property {string | null} slippagePercent how much worse than the middle the average is; below zero: better
 * @property {string} notional of what would trade
 * @property {string} fee of what would trade
 * @property {{asset: string, amount: string} | null} held what would be set aside for the rest; null while unknown
 * @property {{at_once: boolean, quantity: string} | null} exits of a bracket, and what they would be for
 * @property {string[]} notes what the venue would do about it, in words
 */

/** From here on money is clearly at risk. */
const SLIPPAGE_WARN_PERCENT = "1";
const PERCENT_DECIMALS = 4;

/** @type {Readonly<Record<string, (answer: any) => string>>} */
const PROTECTIONS = Object.freeze({
  post_only_slide: (answer) => `It would move to ${grouped(answer.price ?? "?")}, behind the other side.`,
  price_band: () => "The price band keeps it from trading further.",
  collar: () => "The price collar keeps it from trading further.",
  held_funds: () => "It trades no higher than what it sets aside for.",
  self_trade: () => "It meets an order of your own: self-trade prevention would act.",
});
const ENDED = Object.freeze(["filled", "cancelled", "expired"]);
const AT_ONCE = Object.freeze(["ioc", "fok"]);

/** @param {any} answer of POST /order/test @returns {Preview} */
export function previewOfTest(answer) {
  if (!answer.accepted)
    return {
      ...NOTHING,
      refused: describeRefusal({ code: answer.error_code, details: answer.details, message: answer.error }),
    };
  if (answer.repeated) return NOTHING;
  return {
    refused: null,
    status: answer.status ?? null,
    reason: answer.reason ?? null,
    filled: answer.filled_quantity,
    wanted: answer.quantity ?? "",
    average: answer.average_price,
    slippagePercent: answer.slippage_percent,
    notional: answer.notional,
    fee: answer.taker_fee,
    held: { asset: answer.held_asset, amount: answer.held },
    exits: answer.exits ? { at_once: answer.exits.entered === "at_once", quantity: answer.exits.quantity } : null,
    notes: [
      ...protectionsOf(answer)
        .map((name) => PROTECTIONS[name]?.(answer))
        .filter(Boolean),
      ...consequencesOf(answer),
      ...roundingOf(answer),
    ],
  };
}

/**
 * What would act on the order or on what comes with it, each once.
 * @param {{protections?: string[], legs?: any[]}} answer
 * @returns {string[]}
 */
function protectionsOf({ protections = [], legs = [] }) {
  return [...new Set([...protections, ...legs.flatMap((leg) => leg.protections ?? [])])];
}

/**
 * What it would set off beside its own trades, in words.
 * @param {{order_type?: string, reason?: string, legs?: any[], exits?: any, would_trigger?: number}} answer of POST
 *   /order/test
 */
function* consequencesOf({ order_type: type, reason, legs = [], exits, would_trigger: triggered = 0 }) {
  if (type === "oco") {
    if (reason === "one_cancels_other")
      yield "Its stop price is reached already: the stop would go to the market at once, and the limit would end.";
    else if (legs.some((leg) => leg.reason === "one_cancels_other"))
      yield "Its limit would trade at once, and the stop would end.";
  } else {
    for (const { order_type: kind, status, filled_quantity: filled } of legs) {
      if (kind !== "limit" && status !== "pending_trigger" && status !== "cancelled")
        yield "Its stop loss would trigger at once.";
      else if (!isZero(filled))
        yield `Its ${kind === "limit" ? "take profit would trade" : "stop loss would trigger"} at once.`;
    }
  }
  if (exits?.reason === "insufficient_funds")
    yield "Its exits could not be paid for: they would be refused, and nothing would protect it.";
  if (triggered > 0) {
    const orders = triggered === 1 ? "a waiting order" : `${triggered} waiting orders`;
    yield `Its trades would reach the trigger of ${orders} of yours.`;
  }
}

/**
 * Why much more is set aside than the order can cost: at a micro price the fee on one lot is less than can be paid.
 * @param {any} answer
 */
function* roundingOf({ held = "0", held_asset: asset, held_rounding: rounding = "0" }) {
  if (isZero(rounding) || compare(productOf(rounding, "100"), held) <= 0) return;
  const why = "the fee is rounded up for each lot, and lots are tiny at this price";
  yield `${grouped(shortest(rounding))} ${asset} of what is set aside is rounding: ${why}.`;
}

/**
 * @param {any} quote of GET /quote
 * @param {string} side
 * @param {string | null} mid of the book
 * @returns {Preview}
 */
export function previewOfQuote(quote, side, mid) {
  return {
    ...NOTHING,
    filled: quote.filled_quantity,
    wanted: quote.quantity,
    average: quote.average_price,
    slippagePercent: quote.average_price && mid ? slippage(quote.average_price, side, mid) : null,
    notional: quote.notional ?? "0",
    fee: quote.taker_fee ?? "0",
  };
}

/** @type {Preview} */
export const NOTHING = Object.freeze({
  refused: null,
  status: null,
  reason: null,
  filled: "0",
  wanted: "",
  average: null,
  slippagePercent: null,
  notional: "0",
  fee: "0",
  held: null,
  exits: null,
  notes: [],
});

/** Whether it would trade at a price that nobody means. @param {Preview} preview */
export function isCostly({ slippagePercent }) {
  return slippagePercent !== null && compare(slippagePercent, SLIPPAGE_WARN_PERCENT) >= 0;
}

/** Whether nothing of it would rest or wait. @param {Preview} preview */
export function isEnded({ status }) {
  return status !== null && ENDED.includes(status);
}

/**
 * Whether it never rests, whatever becomes of it.
 * @param {{order_type: string, time_in_force?: string}} order the body of POST /order
 */
export function isImmediate({ order_type: type, time_in_force: time = "" }) {
  return type === "market" || AT_ONCE.includes(time);
}

/**
 * That it would end with something left, or with nothing at all, in words; "" when it would not.
 * @param {Preview} preview
 * @param {any} order the body of POST /order
 * @param {string} offered what the other side shows within its price
 * @param {string} base asset
 */
export function describeEnd(preview, order, offered, base) {
  const { status, reason, filled, wanted } = preview;
  if (order.order_type === "oco" || (status === null ? !isPartial(preview) : status !== "cancelled")) return "";
  const amount = (/** @type {string} */ text) => grouped(shortest(text));
  const within = order.order_type === "market" ? "" : " within your price";
  const there = order.side === "buy" ? "offered" : "wanted";
  if (!isZero(filled)) {
    if (order.quote_quantity) return `The book has only ${amount(filled)} ${base} of it; the rest would be cancelled.`;
    return `Only ${amount(filled)} of ${amount(wanted)} ${base} would trade${within}; the rest would be cancelled.`;
  }
  if (reason === "self_trade") return "It would be cancelled.";
  if (isZero(offered)) return `It would be cancelled: nothing is ${there}${within}.`;
  const short = order.quantity && compare(offered, order.quantity) < 0;
  if (short && order.time_in_force === "fok") {
    const known = `only ${amount(offered)} of ${amount(order.quantity)} ${base} is ${there}${within}`;
    return `It would be cancelled: ${known}. What others hide is not counted.`;
  }
  return "It would be cancelled, and trade nothing.";
}

/** Whether the book can't give all of what a market order asks for. @param {Preview} preview */
export function isPartial({ filled, wanted }) {
  return wanted !== "" && !isZero(filled) && compare(filled, wanted) < 0;
}

/** @param {string} average @param {string} side @param {string} mid @returns {string | null} percent */
function slippage(average, side, mid) {
  const worse = side === "buy" ? subtract(average, mid) : subtract(mid, average);
  const scale = Math.max(scaleOf(worse), scaleOf(mid));
  const whole = unitsOf(mid, scale);
  if (whole === 0n) return null;
  return shortest(
    fromUnits((unitsOf(productOf(worse, "100"), scale) * 10n ** BigInt(PERCENT_DECIMALS)) / whole, PERCENT_DECIMALS),
  );
}
