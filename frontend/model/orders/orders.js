/**
 * The account's orders, folded from one listing and then event after event.
 *
 * The listing and the live events overlap: each carries the `seq` it was true at, and the
 * later one wins.
 * Layer: model.
 */

import { compareIds } from "../market/tape.js";

/** @typedef {import("../types.js").Order} Order */

const OPEN = new Set(["new", "resting", "partially_filled", "pending_trigger"]);

/** @param {string} status */
export function isOpen(status) {
  return OPEN.has(status);
}

/** What the ids begin with that the venue's own programs give their orders: simulated traders, a replay. */
const FLOW_PREFIX = "flow-";

/**
 * Whether an order is the market's, which such a program makes, rather than a person's.
 * @param {{client_order_id?: string | null}} order
 */
export function isOfFlow({ client_order_id: id }) {
  return id?.startsWith(FLOW_PREFIX) ?? false;
}

/** A leg's id is that of the order it came with, and 10^15 or twice that. */
const LEG_DIGITS = 16;

/**
 * The id of the command that an order came from: its own, or that of the order whose leg it is.
 * @param {string} orderId
 */
export function entryId(orderId) {
  return orderId.length === LEG_DIGITS ? orderId.slice(1).replace(/^0+/, "") : orderId;
}

/** Below zero when `left` was entered first. @param {{order_id: string}} left @param {{order_id: string}} right */
export function compareAges(left, right) {
  return compareIds(entryId(left.order_id), entryId(right.order_id)) || compareIds(left.order_id, right.order_id);
}

export class Orders {
  /** @type {Map<string, {order: Order, seq: number}>} */ #open = new Map();
  /** Orders seen to end, and when: a listing that is older must not bring them back. @type {Map<string, number>} */
  #ended = new Map();
  #seededAt = 0;
  #endedCapacity;

  /** @param {number} [endedCapacity] how many that ended are remembered */
  constructor(endedCapacity = 20_000) {
    this.#endedCapacity = endedCapacity;
  }

  /**
   * Fold in a listing of all open orders that was true at `seq`. What it leaves out has ended, unless we heard later.
   * A listing older than the last one comes from a venue that began anew: nothing we knew holds there.
   * @param {Order[]} orders
   * @param {number} seq
   * @returns {boolean} whether that was so
   */
  seed(orders, seq) {
    const anew = seq < this.#seededAt;
    if (anew) {
      this.#open.clear();
      this.#ended.clear();
    }
    this.#seededAt = seq;
    const listed = new Set(orders.map((order) => order.order_id));
    for (const [id, known] of this.#open) if (known.seq <= seq && !listed.has(id)) this.#open.delete(id);
    for (const order of orders) {
      const later = (this.#open.get(order.order_id)?.seq ?? 0) > seq || (this.#ended.get(order.order_id) ?? 0) > seq;
      if (!later) this.#open.set(order.order_id, { order, seq });
    }
    return anew;
  }

  /**
   * Fold in one event. Older than what we know of the order: ignored. So is a reject: it may be of a
   * cancel or an amend, and leaves the order as it was.
   * @param {Order & {seq: number, event_type: string}} event
   */
  apply(event) {
    if (event.event_type === "rejected") return;
    const open = this.#open.get(event.order_id);
    if (event.seq < (open?.seq ?? this.#ended.get(event.order_id) ?? 0)) return;
    if (isOpen(event.status)) {
      // An event's time is its own; the order keeps the time it was entered.
      const order = open
        ? { ...event, timestamp: open.order.timestamp, average_price: open.order.average_price }
        : event;
      if (!this.#ended.has(event.order_id)) this.#open.set(event.order_id, { order, seq: event.seq });
      return;
    }
    this.#open.delete(event.order_id);
    this.#ended.set(event.order_id, event.seq);
    if (this.#ended.size > this.#endedCapacity)
      this.#ended.delete(/** @type {string} */ (this.#ended.keys().next().value));
  }

  /** Open orders, newest first, a leg beside the order it came with. O(n log n). @returns {Order[]} */
  open() {
    return [...this.#open.values()].map(({ order }) => order).sort((a, b) => compareAges(b, a));
  }
}
