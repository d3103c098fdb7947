/**
 * The tape: recent trades of one symbol, newest first, each once.
 *
 * Live trades and the list fetched at the start overlap; the trade id tells them apart.
 * Layer: model.
 */

/** @typedef {import("./types.js").Trade} Trade */

/**
 * Ids are whole numbers written without leading zeros, so the longer is the greater.
 * @param {string} left
 * @param {string} right
 */
export function compareIds(left, right) {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
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

  /**
   * 1 when the last trade was above the one before it, -1 below, 0 at the same price or unknown.
   * @param {(left: string, right: string) => number} compare
   */
  direction(compare) {
    const [last, before] = this.trades;
    return last && before ? compare(last.price, before.price) : 0;
  }
}
