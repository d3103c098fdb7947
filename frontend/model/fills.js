/**
 * The account's fills with their fees, newest first, each once.
 *
 * A listing and the live events overlap. A trade of the account with itself is two fills, one for each order.
 * What only the first listing tells is of the past; what was heard live, or missed since, is news.
 * Layer: model.
 */

import { compareIds } from "./trades.js";

/**
 * @typedef {object} Fill
 * @property {string} trade_id
 * @property {string} order_id
 * @property {string} symbol
 * @property {import("./types.js").Side} side
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

export class Fills {
  /** @type {Fill[]} newest first */ fills = [];
  /** Fills of this trade and of later ones are news; null while it is not known what is of the past. @type {string | null} */
  newsFrom = null;
  #capacity;

  /** @param {number} [capacity] how many are kept */
  constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  /** Add fills in any order. O(n log n). @param {Fill[]} added */
  add(added) {
    const known = new Set(this.fills.map(fillKey));
    const fresh = added.filter((fill) => !known.has(fillKey(fill)));
    if (fresh.length === 0) return;
    const newestFirst = (a, b) => compareIds(b.trade_id, a.trade_id) || compareIds(b.order_id, a.order_id);
    this.fills = [...fresh, ...this.fills].sort(newestFirst).slice(0, this.#capacity);
  }

  /** Fold in the newest page of a listing; the first one tells what is of the past. @param {Fill[]} page newest first */
  seed(page) {
    this.newsFrom ??= String(BigInt(page[0]?.trade_id ?? -1) + 1n);
    this.add(page);
  }

  /** Fold in an event of the orders, which was heard live; most carry no fill. @param {{order_id: string, symbol: string, side: string, fill?: object | null}} event */
  apply({ order_id, symbol, side, fill }) {
    if (!fill) return;
    if (this.newsFrom === null || compareIds(fill.trade_id, this.newsFrom) < 0) this.newsFrom = fill.trade_id;
    this.add([{ ...fill, order_id, symbol, side }]);
  }

  /** The venue began anew: what was filled there before never happened here. */
  forget() {
    this.fills = [];
    this.newsFrom = null;
  }
}
