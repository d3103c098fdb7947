/**
 * How what became of an order differs from its preview on the screen, in words.
 * Layer: model.
 */

import { AVERAGE_DECIMALS } from "../orders/answers.js";
import {
  compare,
  fromUnits,
  grouped,
  isZero,
  productOf,
  rounded,
  scaleOf,
  shortest,
  subtract,
  unitsOf,
} from "../parts/decimal.js";
import { isCostly } from "./preview.js";

/** @typedef {import("../types.js").Instrument} Instrument */
/** @typedef {import("./preview.js").Preview} Preview */

const PERCENT_DECIMALS = 2;
/** Decimals that a percentage is reckoned at before it is rounded. */
const SCALE = 24;

/**
 * @param {any} answer of POST /order
 * @param {any} order the body of POST /order
 * @param {Preview | null} preview that stood on the screen as the order was sent; null of nothing
 * @param {Instrument} instrument
 * @returns {{text: string, costly: boolean}} "" where it came as in the preview; `costly` when the price is so much
 *   worse
 *   that a preview would have warned
 */
export function differenceFrom(answer, order, preview, instrument) {
  const none = { text: "", costly: false };
  if (preview === null || preview.refused || isZero(answer.filled_quantity ?? "0") || !answer.average_price)
    return none;
  if (preview.average === null || isZero(preview.filled))
    return { text: "The preview foretold no trade.", costly: false };
  const decimals = scaleOf(instrument.tick_size) + AVERAGE_DECIMALS;
  const [got, expected] = [rounded(answer.average_price, decimals), rounded(preview.average, decimals)];
  const amount = (/** @type {string} */ text) => `${grouped(shortest(text))} ${instrument.base}`;
  const words = [];
  const worsePercent = percentWorse(got, expected, order.side);
  if (compare(got, expected) !== 0) words.push(`${percentText(worsePercent)} than the preview's ${grouped(expected)}`);
  if (compare(answer.filled_quantity, preview.filled) !== 0)
    words.push(`${amount(answer.filled_quantity)} where the preview told ${amount(preview.filled)}`);
  return words.length > 0
    ? { text: `That is ${words.join(", and ")}.`, costly: isCostly({ ...preview, slippagePercent: worsePercent }) }
    : none;
}

/**
 * How much worse for that side, in percent of the expected price; below zero: better.
 * @param {string} got
 * @param {string} expected
 * @param {string} side
 */
function percentWorse(got, expected, side) {
  const worse = side === "buy" ? subtract(got, expected) : subtract(expected, got);
  const units = unitsOf(productOf(worse, "100"), SCALE) * 10n ** BigInt(SCALE);
  return fromUnits(units / unitsOf(expected, SCALE), SCALE);
}

/** @param {string} percent */
function percentText(percent) {
  const size = percent.replace("-", "");
  const short = shortest(rounded(size, PERCENT_DECIMALS));
  const least = fromUnits(1n, PERCENT_DECIMALS);
  return `${isZero(short) ? `less than ${least}` : short} % ${percent.startsWith("-") ? "better" : "worse"}`;
}
