/**
 * The 24 hour figures of one symbol: replaced by every `ticker` message, kept current by trades between them.
 *
 * A trade moves last, high, low and the change; the volume waits for the next message, since
 * we can't know which trades that one counted already.
 * Layer: model.
 */

import { compare, fromUnits, isZero, rounded, scaleOf, subtract, unitsOf } from "../parts/decimal.js";
import { makesPrice } from "./tape.js";

/**
 * @typedef {object} TickerFigures all decimals or null where nothing traded in 24 hours
 * @property {string | null} open
 * @property {string | null} high
 * @property {string | null} low
 * @property {string | null} last
 * @property {string | null} change
 * @property {string | null} change_percent
 * @property {string | null} volume in the base asset
 * @property {string | null} quote_volume
 */

/** @type {TickerFigures} */
const NOTHING = {
  open: null,
  high: null,
  low: null,
  last: null,
  change: null,
  change_percent: null,
  volume: null,
  quote_volume: null,
};

const NAMES = /** @type {(keyof TickerFigures)[]} */ (Object.keys(NOTHING));

export class Ticker {
  /** @type {TickerFigures} */ figures = { ...NOTHING };
  /** 1 when the last price rose, -1 when it fell, 0 before it moved. */
  direction = 0;

  /** @param {Partial<TickerFigures>} message */
  replace(message) {
    const before = this.figures.last;
    for (const name of NAMES) this.figures[name] = message[name] ?? null;
    this.#turn(before, this.figures.last);
  }

  /** @param {{price: string, self_trade?: boolean}[]} added oldest first */
  addTrades(added) {
    const { figures } = this;
    const trades = added.filter(makesPrice);
    for (const { price } of trades) {
      this.#turn(figures.last, price);
      figures.last = price;
      figures.open ??= price;
      if (figures.high === null || compare(price, figures.high) > 0) figures.high = price;
      if (figures.low === null || compare(price, figures.low) < 0) figures.low = price;
    }
    if (figures.last !== null && figures.open !== null && trades.length > 0) {
      figures.change = subtract(figures.last, figures.open);
      figures.change_percent = percentOf(figures.change, figures.open);
    }
  }

  /** @param {string | null} before @param {string | null} after */
  #turn(before, after) {
    if (before !== null && after !== null) this.direction = compare(after, before) || this.direction;
  }
}

/**
 * `part` of `whole` in per cent, two decimals.
 * @param {string} part
 * @param {string} whole
 * @returns {string | null} null when `whole` is zero
 */
export function percentOf(part, whole) {
  if (isZero(whole)) return null;
  const scale = Math.max(scaleOf(part), scaleOf(whole));
  const ratio = (unitsOf(part, scale) * 1_000_000n) / unitsOf(whole, scale);
  return rounded(fromUnits(ratio, 4), 2);
}
