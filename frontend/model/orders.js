/**
 * The account's orders, folded from one listing and then event after event.
 *
 * The listing and the live events overlap: each carries the `seq` it was true at, and the
 * later one wins. In the sandbox one account stands for everybody, so "mine" means
 * entered from this browser: the client order id starts with this browser's prefix.
 * Layer: model.
 */

import { compareIds } from "./trades.js";

/** @typedef {import("./types.js").Order} Order */
/**
 * @typedef {object} Fill one fill of an order of ours
 * @property {string} trade_id
 * @property {string} order_id
 * @property {string} symbol
 * @property {import("./types.js").Side} side
 * @property {string} price
 * @property {string} quantity
 * @property {string} fee in the quote asset
 * @property {"maker" | "taker"} liquidity
 * @property {number} timestamp
 */

const OPEN = new Set(["new", "resting", "partially_filled", "pending_trigger"]);

/** @param {string} status */
export function isOpen(status) {
  return OPEN.has(status);
}

export class Orders {
  /** @type {Fill[]} of this browser, newest first */ fills = [];
  /** @type {Map<string, {order: Order, seq: number}>} */ #open = new Map();
  /** Orders seen to end, and when: a listing that is older must not bring them back. @type {Map<string, number>} */
  #ended = new Map();
  #seededAt = 0;
  #prefix;
  #endedCapacity;
  #fillCapacity;

  /**
   * @param {string} prefix of the client order ids of this browser
   * @param {{ended?: number, fills?: number}} [capacity] how many are remembered
   */
  constructor(prefix, { ended = 20_000, fills = 100 } = {}) {
    this.#prefix = prefix;
    this.#endedCapacity = ended;
    this.#fillCapacity = fills;
  }

  /** @param {{client_order_id: string | null}} order */
  isMine(order) {
    return order.client_order_id?.startsWith(this.#prefix) ?? false;
  }

  /**
   * Fold in a listing of all open orders that was true at `seq`. What it leaves out has ended, unless we heard later.
   * A listing older than the last one comes from a venue that began anew: nothing we knew holds there.
   * @param {Order[]} orders
   * @param {number} seq
   * @returns {string[]} ids of this browser's orders that were filled or ended unheard; their fills are worth a look
   */
  seed(orders, seq) {
    if (seq < this.#seededAt) this.#forget();
    this.#seededAt = seq;
    const listed = new Map(orders.map((order) => [order.order_id, order]));
    const unheard = [];
    for (const [id, known] of this.#open) {
      if (known.seq > seq || listed.get(id)?.filled === known.order.filled) continue;
      if (this.isMine(known.order)) unheard.push(id);
      if (!listed.has(id)) this.#open.delete(id);
    }
    for (const order of orders) {
      const later = (this.#open.get(order.order_id)?.seq ?? 0) > seq || (this.#ended.get(order.order_id) ?? 0) > seq;
      if (!later) this.#open.set(order.order_id, { order, seq });
    }
    return unheard;
  }

  /**
   * Fold in one event. Older than what we know of the order: ignored. So is a reject: it may be of a
   * cancel or an amend, and leaves the order as it was.
   * @param {Order & {seq: number, event_type: string, fill?: object | null}} event
   */
  apply(event) {
    if (event.event_type === "rejected") return;
    if (event.fill && this.isMine(event)) this.addFills(event, [event.fill]);
    const open = this.#open.get(event.order_id);
    if (event.seq < (open?.seq ?? this.#ended.get(event.order_id) ?? 0)) return;
    if (isOpen(event.status)) {
      // An event's time is its own; the order keeps the time it was entered.
      const order = open ? { ...event, timestamp: open.order.timestamp } : event;
      if (!this.#ended.has(event.order_id)) this.#open.set(event.order_id, { order, seq: event.seq });
      return;
    }
    this.#open.delete(event.order_id);
    this.#ended.set(event.order_id, event.seq);
    if (this.#ended.size > this.#endedCapacity) this.#ended.delete(this.#ended.keys().next().value);
  }

  /**
   * Remember fills of an order of ours, each once.
   * @param {Order} order
   * @param {object[]} fills as the wire gives them
   */
  addFills({ order_id, symbol, side }, fills) {
    const known = new Set(this.fills.filter((fill) => fill.order_id === order_id).map((fill) => fill.trade_id));
    const fresh = fills.filter((fill) => !known.has(fill.trade_id)).map((fill) => ({ ...fill, order_id, symbol, side }));
    if (fresh.length === 0) return;
    this.fills = [...fresh, ...this.fills].sort((a, b) => compareIds(b.trade_id, a.trade_id));
    this.fills.length = Math.min(this.fills.length, this.#fillCapacity);
  }

  /**
   * Open orders, newest first. O(n log n).
   * @param {{mine: boolean}} which `mine`: of this browser only
   * @returns {Order[]}
   */
  open({ mine }) {
    const orders = [];
    for (const { order } of this.#open.values()) if (!mine || this.isMine(order)) orders.push(order);
    return orders.sort((a, b) => compareIds(b.order_id, a.order_id));
  }

  #forget() {
    this.#open.clear();
    this.#ended.clear();
    this.fills = [];
  }

  /**
   * Where this browser's orders rest in one symbol.
   * @param {string} symbol
   * @returns {Set<string>} "buy 30000.00"
   */
  ownLevels(symbol) {
    const resting = this.open({ mine: true }).filter((order) => order.symbol === symbol && order.price !== null);
    return new Set(resting.map((order) => `${order.side} ${order.price}`));
  }
}
