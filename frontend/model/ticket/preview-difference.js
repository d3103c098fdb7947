/**
 * How what became of an order differs from what was foretold of it on the screen, in words.
 * Layer: model.
 */

import { AVERAGE_DECIMALS } from "../orders/answers.js";
import {
  compare,
  fromUnits,
  grouped,
  isZero,
  multiply,
  rounded,
  scaleOf,
  shortest,
  subtract,
  toUnits,
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
 * @param {Preview | null} foretold what stood on the screen as the order was sent; null of nothing
 * @param {Instrument} instrument
 * @returns {{text: string, costly: boolean}} "" where it came as foretold; `costly` when the price is so much worse
 *   that a preview would have warned
 */
export function differenceFrom(answer, order, foretold, instrument) {
  const none = { text: "", costly: false };
  if (foretold === null || foretold.refused || isZero(answer.filled_quantity ?? "0") || !answer.average_price)
    return none;
  if (foretold.average === null || isZero(foretold.filled))
    return { text: "The preview foretold no trade.", costly: false };
  const decimals = scaleOf(instrument.tick_size) + AVERAGE_DECIMALS;
  const [got, told] = [rounded(answer.average_price, decimals), rounded(foretold.average, decimals)];
  const amount = (text) => `${grouped(shortest(text))} ${instrument.base}`;
  const words = [];
  const worsePercent = percentWorse(got, told, order.side);
  if (compare(got, told) !== 0) words.push(`${percentText(worsePercent)} than the preview's ${grouped(told)}`);
  if (compare(answer.filled_quantity, foretold.filled) !== 0)
    words.push(`${amount(answer.filled_quantity)} where the preview told ${amount(foretold.filled)}`);
  return words.length > 0
    ? { text: `That is ${words.join(", and ")}.`, costly: isCostly({ ...foretold, slippagePercent: worsePercent }) }
    : none;
}

/**
 * How much worse for that side, in percent of what was told; below zero: better.
 * @param {string} got
 * @param {string} told
 * @param {string} side
 */
function percentWorse(got, told, side) {
  const worse = side === "buy" ? subtract(got, told) : subtract(told, got);
  const units = toUnits(multiply(worse, "100"), SCALE) * 10n ** BigInt(SCALE);
  return fromUnits(units / toUnits(told, SCALE), SCALE);
}

/** @param {string} percent */
function percentText(percent) {
  const size = percent.replace("-", "");
  const short = shortest(rounded(size, PERCENT_DECIMALS));
  const least = fromUnits(1n, PERCENT_DECIMALS);
  return `${isZero(short) ? `less than ${least}` : short} % ${percent.startsWith("-") ? "better" : "worse"}`;
}
