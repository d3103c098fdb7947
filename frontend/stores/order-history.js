/**
 * What became of the account's orders, page after page, newest first; by symbol and by status.
 *
 * Asked for when somebody looks, and again when an order ended while they do. Emits  "change".
 * Layer: stores.
 */

import { compareAges } from "../model/orders/orders.js";
import { untilAnswered } from "../net/retry.js";

const PAGE = 50;
/** Listed orders that are kept; beyond that nobody reads on. */
const ROWS_MAX = 2_000;

/** @typedef {{symbol: string, status: string}} Filter "" for all */

export class OrderHistoryStore extends EventTarget {
  /** @type {any[]} newest first */ orders = [];
  /**
   * "waiting" when a page did not come and is asked for again.
   * @type {"unasked" | "loading" | "waiting" | "listed" | "failed"}
   */
  state = "unasked";
  /** Why it waits or failed. @type {import("../net/http.js").ApiFailure | null} */ failure = null;
  /** Whether there is a page behind. */
  more = false;
  /** Whether there is one that is not listed any more. */
  cut = false;
  /** @type {Filter} */ filter = { symbol: "", status: "done" };
  #api;
  /** @type {string | null} */ #cursor = null;
  /**
   * Aborted when another listing is wanted, so that a late answer of this one is left alone.
   */
  #listing = new AbortController();

  /** @param {Pick<import("../net/api.js").Api, "orders">} api */
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
    if (this.state === "waiting") this.#supersede();
    const answer = await this.#ask(null);
    if (!answer) return;
    const known = new Set(this.orders.map((order) => order.order_id));
    const joins = answer.orders.some((/** @type {{order_id: string}} */ order) => known.has(order.order_id));
    if (joins) this.#take(merged(answer.orders, this.orders), this.#cursor);
    else this.#take(answer.orders, answer.next_cursor); // a page that does not reach what is listed would leave a hole
  }

  /** The page behind what is listed. */
  async loadMore() {
    if (!this.more || this.state === "loading" || this.state === "waiting") return;
    const answer = await this.#ask(this.#cursor);
    if (answer) this.#take(merged(this.orders, answer.orders), answer.next_cursor);
  }

  /** Another account, or another filter. */
  forget() {
    this.#supersede();
    this.orders = [];
    this.more = this.cut = false;
    this.#cursor = null;
    this.#become("unasked");
  }

  #supersede() {
    this.#listing.abort();
    this.#listing = new AbortController();
  }

  /** @param {string | null} cursor @returns {Promise<any>} null when it failed, or nobody waits for it any more */
  async #ask(cursor) {
    const { signal } = this.#listing;
    const { symbol, status } = this.filter;
    const page = { symbol: symbol || undefined, status: status || undefined, limit: PAGE, cursor: cursor ?? undefined };
    this.#become("loading");
    try {
      return await untilAnswered(
        () => this.#api.orders(page, signal),
        signal,
        (failure) => this.#become("waiting", failure),
      );
    } catch (failure) {
      if (!signal.aborted) this.#become("failed", failure);
      return null;
    }
  }

  /** @param {OrderHistoryStore["state"]} state @param {any} [failure] */
  #become(state, failure = null) {
    this.state = state;
    this.failure = failure;
    this.#emit();
  }

  /** @param {any[]} orders @param {string | null} cursor */
  #take(orders, cursor) {
    this.orders = orders.slice(0, ROWS_MAX);
    this.#cursor = cursor;
    this.more = cursor !== null && orders.length < ROWS_MAX;
    this.cut = !this.more && (cursor !== null || orders.length > ROWS_MAX);
    this.#become("listed");
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Both, each order once; where both have it, as the first has it. @param {any[]} first @param {any[]} second */
function merged(first, second) {
  const byId = new Map([...second, ...first].map((order) => [order.order_id, order]));
  return [...byId.values()].sort((a, b) => compareAges(b, a));
}
