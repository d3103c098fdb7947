/**
 * The candles of one symbol and interval: pages of GET /candles and the live `candle` messages, folded into one row.
 *
 * Both may have the same candle: the one with the later `seq` holds. A candle is drawn as floats, and read as the
 * decimals it came as. Times are whole epoch seconds; days are days of UTC.
 * Layer: model.
 */

import { percentOf } from "../market/ticker.js";
import { compare, grouped, isZero, shortest, subtract } from "../parts/decimal.js";

/** Seconds of each interval, by the name the venue gives it. @type {Readonly<Record<string, number>>} */
export const INTERVALS = Object.freeze({ "1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400 });
export const DEFAULT_INTERVAL = "1m";
/** What is shown while there are fewer than FEW_CANDLES of the default, which would leave a chart all but empty. */
export const YOUNG_INTERVAL = "1s";
export const FEW_CANDLES = 30;
/** Fewer are not worth drawing all others anew. */
const FORGOTTEN_MIN = 30;

/** @typedef {[time: number, open: string, high: string, low: string, close: string, volume: string]} WireCandle */
/**
 * @typedef {{time: number, open: string, high: string, low: string, close: string, volume: string, seq: number}} Candle
 *   decimals, as they came
 */

export class Candles {
  /** @type {Candle[]} oldest first, each time once */ row = [];
  /** Grows when more than the end of the row changed: what draws must then draw all of it. */
  revision = 0;
  /** Whether nothing older is to be had. */
  complete = false;

  /** @returns {Candle | null} the newest */
  get last() {
    return this.row.at(-1) ?? null;
  }

  /** Of the last newest page. */ #seededAt = -1;

  /**
   * Fold in the newest page, which has the newest candles there were at `seq`. What stands is kept where it joins on;
   * not when more was missed than the page has, nor when the venue began anew, which an older `seq` shows.
   * @param {WireCandle[]} page oldest first
   * @param {number} seq
   * @param {boolean} whole whether there is nothing before the page
   */
  seed(page, seq, whole) {
    const joins = whole || page.length === 0 || (this.last !== null && page[0][0] <= this.last.time);
    if (seq < this.#seededAt) this.row = [];
    else if (!joins) this.row = this.row.filter(({ time }) => time >= page[0][0]);
    if (!joins || seq < this.#seededAt) this.complete = false;
    if (whole) this.complete = true;
    this.#seededAt = seq;
    this.add(page, seq);
  }

  /**
   * Fold in a page that was true at `seq`. O(n + page).
   * @param {WireCandle[]} page oldest first
   * @param {number} seq
   */
  add(page, seq) {
    const byTime = new Map(this.row.map((candle) => [candle.time, candle]));
    for (const wire of page) {
      if ((byTime.get(wire[0])?.seq ?? -1) <= seq) byTime.set(wire[0], candleOf(wire, seq));
    }
    this.row = [...byTime.values()].sort((a, b) => a.time - b.time);
    this.revision += 1;
  }

  /**
   * Fold in one live message. O(1) at the end of the row.
   * @param {{candle: WireCandle, seq: number}} message
   * @returns {boolean} whether anything changed
   */
  apply({ candle: wire, seq }) {
    const { last } = this;
    if (last === null || wire[0] > last.time) {
      this.row.push(candleOf(wire, seq));
      return true;
    }
    if (wire[0] < last.time) {
      this.add([wire], seq);
      return true;
    }
    if (seq < last.seq) return false;
    this.row[this.row.length - 1] = candleOf(wire, seq);
    return true;
  }

  /**
   * Let go of the oldest, for a row that grows by the second; they can be asked for again. Done a few dozen at a time,
   * since all that is left is drawn anew.
   * @param {number} count that nobody needs now
   */
  forget(count) {
    if (count < FORGOTTEN_MIN) return;
    this.row = this.row.slice(count);
    this.complete = false;
    this.revision += 1;
  }

  /** The candle that begins at `time`, or null. O(log n). @param {number} time */
  at(time) {
    const index = this.indexOf(time);
    return this.row[index]?.time === time ? this.row[index] : null;
  }

  /** Where the candle of `time` stands, or would stand. O(log n). @param {number} time */
  indexOf(time) {
    let low = 0;
    let high = this.row.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.row[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** @param {WireCandle} wire @param {number} seq @returns {Candle} */
function candleOf([time, open, high, low, close, volume], seq) {
  return { time, open, high, low, close, volume, seq };
}

/** As a chart draws it: floats. @param {Candle} candle */
export function drawnCandle({ time, open, high, low, close }) {
  return { time, open: Number(open), high: Number(high), low: Number(low), close: Number(close) };
}

/** Whether it closed at or above its open. @param {Candle} candle */
export function rose({ open, close }) {
  return compare(close, open) >= 0;
}

/**
 * What the legend says of a candle.
 * @param {Candle} candle
 * @param {string} base asset the volume is in
 */
export function describeCandle({ open, high, low, close, volume }, base) {
  const change = subtract(close, open);
  const percent = percentOf(change, open);
  const sign = change.startsWith("-") ? "" : isZero(change) ? "" : "+";
  return {
    open: grouped(open),
    high: grouped(high),
    low: grouped(low),
    close: grouped(close),
    change: percent === null ? "" : `${sign}${percent} %`.replace("-", "−"),
    volume: `${grouped(shortest(volume))} ${base}`.trim(),
  };
}
