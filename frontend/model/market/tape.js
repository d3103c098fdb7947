/**
 * The tape: recent trades of one symbol, newest first, each once.
 *
 * Live trades and the list fetched at the start overlap; the trade id shows which are the same.
 * Layer: model.
 */

/** @typedef {import("../types.js").Trade} Trade */

/**
 * Ids are whole numbers written without leading zeros, so the longer is the greater.
 * @param {string} left
 * @param {string} right
 */
export function compareIds(left, right) {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Whether the price of a trade is one for others: not when an account traded with itself.
 * @param {{self_trade?: boolean}} trade
 */
export function makesPrice({ self_trade: selfTrade = false }) {
  return !selfTrade;
}

export class Tape {
  /** @type {Trade[]} newest first */ trades = [];
  #capacity;

  /** @param {number} capacity how many trades are kept */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  /**
   * Add trades in any order. O(added) when they are newer than what is there.
   * @param {Trade[]} added
   */
  add(added) {
    const newest = this.trades[0]?.trade_id;
    const ascending = [...added].sort((a, b) => compareIds(a.trade_id, b.trade_id));
    if (newest === undefined || (ascending.length > 0 && compareIds(ascending[0].trade_id, newest) > 0)) {
      this.trades.unshift(...ascending.reverse());
    } else {
      const byId = new Map([...this.trades, ...added].map((trade) => [trade.trade_id, trade]));
      this.trades = [...byId.values()].sort((a, b) => compareIds(b.trade_id, a.trade_id));
    }
    this.trades.length = Math.min(this.trades.length, this.#capacity);
  }

  /** The price of the newest trade that makes one; null before the first. @returns {string | null} */
  get lastPrice() {
    return this.trades.find(makesPrice)?.price ?? null;
  }

  /** How many are newer than a trade; more than are kept are not counted. @param {Trade | undefined} trade */
  newerThan(trade) {
    if (trade === undefined) return this.trades.length;
    const found = this.trades.findIndex(({ trade_id: id }) => compareIds(id, trade.trade_id) <= 0);
    return found < 0 ? this.trades.length : found;
  }

  /** Whether more are newer than that than can be counted. @param {Trade | undefined} trade */
  lost(trade) {
    return trade !== undefined && this.newerThan(trade) >= this.#capacity;
  }

  /**
   * 1 when the last price is above the one before it that differs, -1 below, 0 when none is known that does.
   * @param {(left: string, right: string) => number} compare
   */
  direction(compare) {
    const last = this.lastPrice;
    const before = this.trades.find((trade) => makesPrice(trade) && trade.price !== last);
    return last !== null && before ? compare(last, before.price) : 0;
  }
}
