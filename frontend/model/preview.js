/**
 * What an order would do now, as the venue tells it: of POST /order/test, or for want of that of GET /quote.
 * Layer: model.
 */

import { compare, fromUnits, grouped, isZero, multiply, scaleOf, shortest, subtract, toUnits } from "./decimal.js";
import { describeRefusal } from "./words.js";

/** @typedef {import("./types.js").Instrument} Instrument */
/**
 * @typedef {object} Preview amounts in the quote asset unless said otherwise
 * @property {string | null} refused why the venue would not take it, in words
 * @property {string} filled quantity that would trade at once
 * @property {string} wanted quantity that was asked for, or "" of an order by amount
 * @property {string | null} average
 * @property {string | null} slippagePercent how much worse than the middle the average is; below zero: better
 * @property {string} notional of what would trade
 * @property {string} fee of what would trade
 * @property {{asset: string, amount: string} | null} held what would be set aside for the rest; null while unknown
 * @property {string[]} notes what the venue would do about it, in words
 */

/** From here on money is clearly at risk. */
const SLIPPAGE_WARN_PERCENT = "1";
const PERCENT_DECIMALS = 4;

const PROTECTIONS = Object.freeze({
  post_only_slide: (answer) => `It would move to ${grouped(answer.price ?? "?")}, behind the other side.`,
  price_band: () => "The price band keeps it from trading further.",
  collar: () => "The price collar keeps it from trading further.",
  held_funds: () => "It trades no higher than what it sets aside for.",
  self_trade: () => "It meets an order of your own: self-trade prevention would act.",
});

/** @param {any} answer of POST /order/test @returns {Preview} */
export function previewOfTest(answer) {
  if (!answer.accepted) return { ...NOTHING, refused: describeRefusal({ code: answer.error_code, details: answer.details, message: answer.error }) };
  if (answer.repeated) return NOTHING;
  return {
    refused: null,
    filled: answer.filled_quantity,
    wanted: answer.quantity ?? "",
    average: answer.average_price,
    slippagePercent: answer.slippage_percent,
    notional: answer.notional,
    fee: answer.taker_fee,
    held: { asset: answer.held_asset, amount: answer.held },
    notes: (answer.protections ?? []).map((name) => PROTECTIONS[name]?.(answer)).filter(Boolean),
  };
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
  refused: null, filled: "0", wanted: "", average: null, slippagePercent: null, notional: "0", fee: "0", held: null, notes: [],
});

/** Whether it would trade at a price that nobody means. @param {Preview} preview */
export function isCostly({ slippagePercent }) {
  return slippagePercent !== null && compare(slippagePercent, SLIPPAGE_WARN_PERCENT) >= 0;
}

/** Whether the book can't give all of what a market order asks for. @param {Preview} preview */
export function isPartial({ filled, wanted }) {
  return wanted !== "" && !isZero(filled) && compare(filled, wanted) < 0;
}

/** @param {string} average @param {string} side @param {string} mid @returns {string | null} percent */
function slippage(average, side, mid) {
  const worse = side === "buy" ? subtract(average, mid) : subtract(mid, average);
  const scale = Math.max(scaleOf(worse), scaleOf(mid));
  const whole = toUnits(mid, scale);
  if (!whole) return null;
  return shortest(fromUnits((toUnits(multiply(worse, "100"), scale) * 10n ** BigInt(PERCENT_DECIMALS)) / whole, PERCENT_DECIMALS));
}
