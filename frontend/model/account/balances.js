/**
 * What the account has of each asset, the latest state each time.
 *
 * Every message is whole; the one with the greater `seq` wins, whichever way it came.
 * Layer: model.
 */

import { isZero } from "../parts/decimal.js";

/**
 * @typedef {object} Balance amounts as exact decimals in units of the asset
 * @property {string} asset
 * @property {string} available
 * @property {string} held by open orders
 * @property {string} total
 */

export class Balances {
  /** Whether anything came yet. */
  loaded = false;
  #account;
  #seq = -1;
  /** @type {Map<string, Balance>} */ #assets = new Map();

  /** @param {string | null} account whose balances these are; messages about others are left alone */
  constructor(account) {
    this.#account = account;
  }

  /**
   * Fold in GET /account/balances, an answer to a deposit, or the event `balances`. O(assets).
   * @param {{account: string, balances: Balance[], seq: number}} message
   * @returns {boolean} whether it was taken; an older one and another account's are not
   */
  apply(message) {
    if (String(message.account) !== this.#account || message.seq < this.#seq) return false;
    this.#seq = message.seq;
    this.#assets = new Map(message.balances.map((balance) => [balance.asset, balance]));
    this.loaded = true;
    return true;
  }

  /** The connection is gone: the next message is taken whatever its seq, for the venue may have begun anew. */
  invalidate() {
    this.#seq = -1;
  }

  /** @param {string} asset @returns {string} what can be spent; "0" of an asset the account never had */
  available(asset) {
    return this.#assets.get(asset)?.available ?? "0";
  }

  /**
   * In the order they are shown: those of the market looked at, then what the account has, then the rest.
   * @param {string[]} first assets of that market
   * @param {Iterable<string>} listed every asset of the venue, so that one can see what one has not
   * @returns {Balance[]}
   */
  listed(first, listed) {
    const names = new Set([...first, ...this.#assets.keys(), ...listed]);
    const rows = [...names].map((asset) => this.#assets.get(asset) ?? { asset, available: "0", held: "0", total: "0" });
    const rank = (/** @type {Balance} */ { asset, total }) =>
      first.includes(asset) ? first.indexOf(asset) : first.length + (isZero(total) ? 1 : 0);
    return rows.sort((a, b) => rank(a) - rank(b) || (a.asset < b.asset ? -1 : 1));
  }
}
