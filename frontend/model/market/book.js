/**
 * The L2 book of one symbol, folded from one snapshot and then delta after delta.
 *
 * A delta says "from `prev_seq` to `seq`, these levels changed", with absolute quantities.
 * Whatever does not fit makes the book stale until the next snapshot: a missing number
 * (`gap`) or a best-ten checksum that differs (`checksum`). A stale book keeps its last
 * levels, so that they can be shown greyed out.
 * Layer: model.
 */

import { fromUnits, grouped, shortest, toUnits } from "../parts/decimal.js";
import { crc32 } from "./crc32.js";

/** @typedef {import("../types.js").WireLevel} WireLevel */
/** @typedef {import("../types.js").Level} Level */
/** @typedef {{price: bigint, quantity: bigint, wire: WireLevel}} Entry */
/** @typedef {{bids: readonly Entry[], asks: readonly Entry[], priceScale: number, quantityScale: number}} BookSides */
/** @typedef {"applied" | "ignored" | "gap" | "checksum"} Outcome */

const CHECKSUM_LEVELS = 10;

/** One side, best first. */
class BookSide {
  /** @type {Entry[]} */ entries = [];
  #descending;
  #priceScale;
  #quantityScale;

  /**
   * @param {boolean} descending true for bids
   * @param {number} priceScale
   * @param {number} quantityScale
   */
  constructor(descending, priceScale, quantityScale) {
    this.#descending = descending;
    this.#priceScale = priceScale;
    this.#quantityScale = quantityScale;
  }

  /** @param {WireLevel} wire sets the level, or takes it away at quantity 0. O(log n + n moved). */
  set(wire) {
    const price = toUnits(wire[0], this.#priceScale);
    const quantity = toUnits(wire[1], this.#quantityScale);
    if (price === null || quantity === null) throw new RangeError(`level off the grid: ${wire[0]} ${wire[1]}`);
    const index = this.#indexOf(price);
    const found = this.entries[index]?.price === price;
    if (quantity === 0n) {
      if (found) this.entries.splice(index, 1);
    } else {
      this.entries.splice(index, found ? 1 : 0, { price, quantity, wire });
    }
  }

  /** @param {bigint} price @returns {number} where it stands, or would stand */
  #indexOf(price) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const before = this.#descending ? this.entries[middle].price > price : this.entries[middle].price < price;
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Book {
  /** @type {"empty" | "live" | "stale"} */ state = "empty";
  /** Sequence number of the last change folded in; 0 before the first snapshot. */
  seq = 0;
  /** Whether it was right when it was left behind. */ #left = false;
  #priceScale;
  #quantityScale;
  #bids;
  #asks;

  /**
   * @param {number} priceScale decimals of the tick size
   * @param {number} quantityScale decimals of the lot size
   */
  constructor(priceScale, quantityScale) {
    this.#priceScale = priceScale;
    this.#quantityScale = quantityScale;
    this.#bids = new BookSide(true, priceScale, quantityScale);
    this.#asks = new BookSide(false, priceScale, quantityScale);
  }

  /**
   * Replace everything. A snapshot that contradicts its own checksum leaves the book stale.
   * @param {{seq: number, bids: WireLevel[], asks: WireLevel[], checksum?: number}} message
   * @returns {Outcome}
   */
  applySnapshot(message) {
    this.#bids.entries = [];
    this.#asks.entries = [];
    for (const level of message.bids) this.#bids.set(level);
    for (const level of message.asks) this.#asks.set(level);
    this.seq = message.seq;
    return this.#checked(message.checksum);
  }

  /**
   * Fold in one change. Ignored until a snapshot came, and when it is older than what we have. One that goes on from
   * just what a book has that was left behind brings it up to date.
   * @param {{prev_seq: number, seq: number, bids: WireLevel[], asks: WireLevel[], checksum?: number}} message
   * @returns {Outcome}
   */
  applyDelta(message) {
    const goesOn = this.#left && message.prev_seq === this.seq;
    if (!goesOn && (this.state !== "live" || message.seq <= this.seq)) return "ignored";
    if (message.prev_seq > this.seq) {
      this.state = "stale";
      return "gap";
    }
    for (const level of message.bids) this.#bids.set(level);
    for (const level of message.asks) this.#asks.set(level);
    this.seq = message.seq;
    return this.#checked(message.checksum);
  }

  /** The command that the feed may go on from: the levels were right as of it. Undefined where that is not known. */
  get whole() {
    return this.#left ? this.seq : undefined;
  }

  /** No longer trusted: the connection is gone or a resync was asked for. */
  invalidate() {
    if (this.state !== "live") return;
    this.state = "stale";
    this.#left = true;
  }

  /** CRC-32 of the best ten of each side, bids first, as the server computes it. */
  checksum() {
    const best = [...this.#bids.entries.slice(0, CHECKSUM_LEVELS), ...this.#asks.entries.slice(0, CHECKSUM_LEVELS)];
    return crc32(best.map(({ wire }) => `${wire[0]}:${wire[1]}`).join("|"));
  }

  /** @returns {{price: string, quantity: string} | null} */
  get bestBid() {
    return bestOf(this.#bids);
  }

  /** @returns {{price: string, quantity: string} | null} */
  get bestAsk() {
    return bestOf(this.#asks);
  }

  /** Everything that is known, best first, and the decimals of its units: for reading only. @returns {BookSides} */
  get sides() {
    return {
      bids: this.#bids.entries,
      asks: this.#asks.entries,
      priceScale: this.#priceScale,
      quantityScale: this.#quantityScale,
    };
  }

  /** Whether somebody bids what somebody asks, as happens while orders gather for an auction. */
  get crossed() {
    const [bid, ask] = [this.#bids.entries[0], this.#asks.entries[0]];
    return bid !== undefined && ask !== undefined && bid.price >= ask.price;
  }

  /** Best ask less best bid, in the quote asset; null when a side is empty, below zero when they cross. */
  get spread() {
    const [bid, ask] = [this.#bids.entries[0], this.#asks.entries[0]];
    return bid && ask ? fromUnits(ask.price - bid.price, this.#priceScale) : null;
  }

  /** Half way between the best prices, exact: one decimal more than the tick. */
  get mid() {
    const [bid, ask] = [this.#bids.entries[0], this.#asks.entries[0]];
    return bid && ask ? fromUnits((ask.price + bid.price) * 5n, this.#priceScale + 1) : null;
  }

  /**
   * The best `count` levels of each side with running totals. O(count).
   * @param {number} count
   * @returns {{bids: Level[], asks: Level[]}} best first
   */
  levels(count) {
    const bids = runningTotals(this.#bids.entries.slice(0, count));
    const asks = runningTotals(this.#asks.entries.slice(0, count));
    const deepest = [bids.at(-1)?.total ?? 0n, asks.at(-1)?.total ?? 0n].reduce((a, b) => (a > b ? a : b));
    const toLevel = (/** @type {{entry: Entry, total: bigint}} */ { entry, total }) => ({
      price: entry.wire[0],
      quantity: entry.wire[1],
      orders: entry.wire[2],
      cumulative: fromUnits(total, this.#quantityScale),
      share: Number((total * 10_000n) / deepest) / 10_000,
    });
    return { bids: bids.map(toLevel), asks: asks.map(toLevel) };
  }

  /** @param {number | undefined} expected @returns {Outcome} */
  #checked(expected) {
    const right = expected === undefined || expected === this.checksum();
    this.state = right ? "live" : "stale";
    this.#left = false;
    return right ? "applied" : "checksum";
  }
}

/** @param {BookSide} side */
function bestOf(side) {
  const entry = side.entries[0];
  return entry ? { price: entry.wire[0], quantity: entry.wire[1] } : null;
}

/** @param {Entry[]} entries best first */
function runningTotals(entries) {
  let total = 0n;
  return entries.map((entry) => {
    total += entry.quantity;
    return { entry, total };
  });
}

/**
 * As it is read: it has one decimal more than the tick, and a closing zero there says nothing.
 * @param {string | null} mid
 */
export function midText(mid) {
  if (mid === null) return "–";
  return grouped(mid.endsWith("0") && mid.includes(".") ? mid.slice(0, -1).replace(/\.$/, "") : shortest(mid));
}
