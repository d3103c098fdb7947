/**
 * What became of the account's orders, page after page, newest first; by symbol and by status.
 *
 * Asked for when somebody looks, and again when an order ended while they do. Tells by "change".
 * Layer: above net and model, below view.
 */

import { compareAges } from "./model/orders.js";

const PAGE = 50;
/** Listed orders that are kept; beyond that nobody reads on. */
const ROWS_MAX = 2_000;

/** @typedef {{symbol: string, status: string}} Filter "" for all */

export class OrderHistory extends EventTarget {
  /** @type {any[]} newest first */ orders = [];
  /** @type {"unasked" | "loading" | "listed" | "failed"} */ state = "unasked";
  /** Why it failed. @type {import("./net/http.js").ApiFailure | null} */ failure = null;
  /** Whether there is a page behind. */
  more = false;
  /** @type {Filter} */ filter = { symbol: "", status: "done" };
  #api;
  /** @type {string | null} */ #cursor = null;
  /** Of what is listed, so that a late answer of another listing is left alone. */ #listing = 0;

  /** @param {Pick<import("./net/api.js").Api, "orders">} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @param {Partial<Filter>} filter */
  choose(filter) {
    this.filter = { ...this.filter, ...filter };
    this.forget();
    return this.load();
  }

  /** The newest page; what is listed already stays below it. */
  async load() {
    const answer = await this.#ask(null);
    if (!answer) return;
    const known = new Set(this.orders.map((order) => order.order_id));
    const joins = answer.orders.some((order) => known.has(order.order_id));
    if (joins) this.#take(merged(answer.orders, this.orders), this.#cursor);
    else this.#take(answer.orders, answer.next_cursor); // a page that does not reach what is listed would leave a hole
  }

  /** The page behind what is listed. */
  async loadMore() {
    if (!this.more || this.state === "loading") return;
    const answer = await this.#ask(this.#cursor);
    if (answer) this.#take(merged(this.orders, answer.orders), answer.next_cursor);
  }

  /** Another account, or another filter. */
  forget() {
    this.#listing += 1;
    this.orders = [];
    this.state = "unasked";
    this.failure = null;
    this.more = false;
    this.#cursor = null;
    this.#tell();
  }

  /** @param {string | null} cursor @returns {Promise<any>} null when it failed, or nobody waits for it any more */
  async #ask(cursor) {
    const listing = this.#listing;
    this.state = "loading";
    this.failure = null;
    this.#tell();
    try {
      const { symbol, status } = this.filter;
      const answer = await this.#api.orders({ symbol: symbol || undefined, status: status || undefined, limit: PAGE, cursor: cursor ?? undefined });
      return listing === this.#listing ? answer : null;
    } catch (failure) {
      if (listing !== this.#listing) return null;
      this.state = "failed";
      this.failure = failure;
      this.#tell();
      return null;
    }
  }

  /** @param {any[]} orders @param {string | null} cursor */
  #take(orders, cursor) {
    this.orders = orders.slice(0, ROWS_MAX);
    this.#cursor = cursor;
    this.more = cursor !== null && orders.length < ROWS_MAX;
    this.state = "listed";
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Both, each order once; where both have it, as the first tells it. @param {any[]} first @param {any[]} second */
function merged(first, second) {
  const byId = new Map([...second, ...first].map((order) => [order.order_id, order]));
  return [...byId.values()].sort((a, b) => compareAges(b, a));
}
