/**
 * The account's fills with their fees, newest first, each once.
 *
 * A listing and the live events overlap. A trade of the account with itself is two fills, one for each order.
 * A fill that only the first listing has is old; one that was heard live, or missed since, is news.
 * Layer: model.
 */

import { compareIds } from "../market/tape.js";

/**
 * @typedef {object} Fill
 * @property {string} trade_id
 * @property {string} order_id
 * @property {string} symbol
 * @property {import("../types.js").Side} side
 * @property {string} price
 * @property {string} quantity
 * @property {string} fee in the quote asset; below zero: a rebate
 * @property {"maker" | "taker"} liquidity
 * @property {number} timestamp
 */

/** @param {Fill} fill */
export function fillKey({ trade_id, order_id }) {
  return `${trade_id} ${order_id}`;
}

/** @param {Fill} a @param {Fill} b */
function newestFirst(a, b) {
  return compareIds(b.trade_id, a.trade_id) || compareIds(b.order_id, a.order_id);
}

export class Fills {
  /** @type {Fill[]} newest first */ fills = [];
  /**
   * Fills of this trade and of later ones are news; null while it is not known what is of the past.
   * @type {string | null}
   */
  newsFrom = null;
  /** Keys of those that are kept. @type {Set<string>} */ #known = new Set();
  #capacity;

  /** @param {number} [capacity] how many are kept */
  constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  /**
   * Add fills in any order. One that is newer than all others is put before them; else O(n log n).
   * @param {Fill[]} added
   */
  add(added) {
    const fresh = added.filter((fill) => !this.#known.has(fillKey(fill))).sort(newestFirst);
    if (fresh.length === 0) return;
    const all = [...fresh, ...this.fills];
    if (this.fills.length > 0 && newestFirst(fresh[fresh.length - 1], this.fills[0]) > 0) all.sort(newestFirst);
    for (const fill of fresh) this.#known.add(fillKey(fill));
    for (const fill of all.splice(this.#capacity)) this.#known.delete(fillKey(fill));
    this.fills = all;
  }

  /**
   * Fold in the newest page of a listing; the first one shows what is old.
   * @param {Fill[]} page newest first
   */
  seed(page) {
    this.newsFrom ??= String(BigInt(page[0]?.trade_id ?? -1) + 1n);
    this.add(page);
  }

  /**
   * Fold in an event of the orders, which was heard live; most carry no fill.
   * @param {Pick<Fill, "order_id" | "symbol" | "side"> & {fill?: Omit<Fill, "order_id" | "symbol" | "side"> | null}}
   *   event
   */
  apply({ order_id, symbol, side, fill }) {
    if (!fill) return;
    if (this.newsFrom === null || compareIds(fill.trade_id, this.newsFrom) < 0) this.newsFrom = fill.trade_id;
    this.add([{ ...fill, order_id, symbol, side }]);
  }

  /** The venue began anew: what was filled there before never happened here. */
  forget() {
    this.fills = [];
    this.#known.clear();
    this.newsFrom = null;
  }
}
