/**
 * What is the account's own: orders, fills, balances, fees; kept current by feed and REST, and orders sent.
 *
 * When another session becomes current, everything of the former is forgotten before the feed connects anew:
 * "switch" is emitted first, then what changed: "orders", "queue", "fills", "balances", "account"; "ended" when an
 * order did.
 * Views read the fields.
 * Layer: stores.
 */

import { Balances } from "../model/account/balances.js";
import { Fills } from "../model/orders/fills.js";
import { isOpen, Orders } from "../model/orders/orders.js";
import { QueuePositions } from "../model/orders/queue-positions.js";
import { untilAnswered } from "../net/retry.js";
import { OrderHistoryStore } from "./order-history.js";
import { ProfitStore } from "./profit.js";

const ORDERS_PAGE = 500;
/** Pages of open orders that are fetched; beyond that the listing is cut, newest kept. */
const ORDERS_PAGES_MAX = 10;
const FILLS_PAGE = 200;
/** Fills that are kept; more are not asked for. */
const FILLS_MAX = 5_000;
/** @type {import("../net/feed.js").Subscription} */
export const ORDERS = { type: "orders", batch: true };

export class PortfolioStore extends EventTarget {
  orders = new Orders();
  /** Whether a listing of the orders came since the connection is up. */
  ordersLoaded = false;
  /** Where the orders stand among those of their price, as far as it is known. */
  queue = new QueuePositions();
  fills = new Fills(FILLS_MAX);
  /** Whether a listing of the fills came. */
  fillsLoaded = false;
  /** Whether there may be fills before those that are known. */
  fillsBefore = false;
  /** Whether the open orders are more than are listed: the newest are. */
  ordersCut = false;
  history;
  profit;
  balances = new Balances(null);
  /** Tier, fees, limits, status, of GET /account. @type {any} */ account = null;
  access;
  #api;
  #feed;
  #clientOrderIds;
  /**
   * Aborted when the listings are asked for anew, for another account, or are of no use.
   */
  #loading = new AbortController();

  /**
   * @param {import("../net/api.js").Api} api
   * @param {import("../net/feed.js").Feed} feed
   * @param {import("../net/access.js").Access} access
   * @param {import("../net/client-order-ids.js").ClientOrderIds} clientOrderIds
   */
  constructor(api, feed, access, clientOrderIds) {
    super();
    this.#api = api;
    this.#feed = feed;
    this.access = access;
    this.history = new OrderHistoryStore(api);
    this.profit = new ProfitStore(api);
    this.#clientOrderIds = clientOrderIds;
    access.addEventListener("session", () => this.#switch());
  }

  /** @param {object} order with its client_order_id @returns {Promise<any>} the answer; throws ApiFailure */
  enterOrder(order) {
    return this.#api.enterOrder(order);
  }

  /** @param {string} orderId @returns {Promise<any>} throws ApiFailure */
  cancelOrder(orderId) {
    return this.#api.cancelOrder(orderId);
  }

  /**
   * What an order would do now.
   * @param {object} order
   * @param {AbortSignal} signal
   * @returns {Promise<any>} throws ApiFailure
   */
  testOrder(order, signal) {
    return this.#api.testOrder(order, signal);
  }

  /**
   * @param {string} orderId
   * @param {{price?: string, quantity?: string, stop_price?: string}} changes
   * @returns {Promise<any>} throws ApiFailure
   */
  amendOrder(orderId, changes) {
    return this.#api.amendOrder(orderId, changes);
  }

  /**
   * Every open order of the account, shown or not; or those of one symbol.
   * @param {string} [symbol]
   * @returns {Promise<any>} throws ApiFailure
   */
  cancelAll(symbol) {
    return this.#api.cancelAll(symbol);
  }

  /** Paper money. @param {string} asset @param {string} amount throws ApiFailure */
  async deposit(asset, amount) {
    this.foldBalances(await this.#api.deposit(asset, amount));
  }

  /** @param {string} asset @param {string} amount throws ApiFailure */
  async withdraw(asset, amount) {
    this.foldBalances(await this.#api.withdraw(asset, amount));
  }

  /** The page of fills before those that are known. Throws ApiFailure. */
  async loadEarlierFills() {
    const { fills } = this;
    const answer = await this.#api.fills(FILLS_PAGE, fills.fills.at(-1)?.trade_id);
    if (fills !== this.fills) return; // another account's by now
    fills.add(answer.fills);
    this.#noteFills(answer);
  }

  /** Whether there may be fills that are not kept. */
  get fillsCut() {
    return this.fills.fills.length >= FILLS_MAX;
  }

  /** An id for a new order of this browser. */
  nextClientOrderId() {
    return this.#clientOrderIds.next();
  }

  /** Live events come from now on, so listings fetched now leave no hole before them. */
  async load() {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    this.ordersLoaded = false;
    this.profit.filled();
    await Promise.all([this.#loadOrders(signal), this.#loadFills(signal), this.#loadAccount(signal)]);
  }

  /** @param {any[]} events */
  foldOrderEvents(events) {
    for (const event of events) {
      this.orders.apply(event);
      this.fills.apply(event);
      if (hasEnded(event)) this.queue.drop(event.order_id);
    }
    this.#emit("orders");
    if (events.some((event) => event.fill)) {
      this.profit.filled();
      this.#emit("fills");
    }
    if (events.some(hasEnded)) this.#emit("ended");
  }

  /** Where orders stand, of those whose place changed. @param {any} message */
  foldQueue(message) {
    this.queue.apply(message.positions);
    this.#emit("queue");
  }

  /** @param {any} message */
  foldBalances(message) {
    if (this.balances.apply(message)) this.#emit("balances");
  }

  /** Nothing is heard until the next connection, which loads again. */
  disconnected() {
    this.#loading.abort();
    this.balances.invalidate();
    this.queue.forget();
    this.#emit("queue");
  }

  #switch() {
    const { session } = this.access;
    this.#loading.abort();
    this.orders = new Orders();
    this.ordersLoaded = false;
    this.queue = new QueuePositions();
    this.fills = new Fills(FILLS_MAX);
    this.fillsLoaded = false;
    this.fillsBefore = false;
    this.history.forget();
    this.profit.forget();
    this.balances = new Balances(session?.account ?? null);
    this.account = null;
    this.#feed.unsubscribe(ORDERS);
    this.#emit("switch");
    if (session) this.#feed.subscribe(ORDERS);
    for (const part of ["orders", "fills", "balances", "account"]) this.#emit(part);
  }

  /** Every open order, page after page. @param {AbortSignal} signal */
  async #loadOrders(signal) {
    const listed = [];
    let seq = null;
    /** @type {string | undefined} */ let cursor;
    try {
      for (let page = 0; page < ORDERS_PAGES_MAX; page += 1) {
        const filter = { status: "open", limit: ORDERS_PAGE, cursor };
        /** @type {any} */ const answer = await untilAnswered(() => this.#api.orders(filter, signal), signal);
        seq ??= answer.seq;
        listed.push(...answer.orders);
        cursor = answer.next_cursor;
        if (!cursor) break;
      }
    } catch {
      return; // the next connection loads again
    }
    if (this.orders.seed(listed, seq)) {
      this.fills.forget();
      this.fillsLoaded = false;
      this.#loadFills(signal);
    }
    this.ordersLoaded = true;
    this.ordersCut = Boolean(cursor);
    this.#emit("orders");
  }

  /** @param {AbortSignal} signal */
  async #loadFills(signal) {
    let answer;
    try {
      answer = await untilAnswered(() => this.#api.fills(FILLS_PAGE, undefined, signal), signal);
    } catch {
      return; // the next connection loads again; what is filled meanwhile is heard
    }
    const known = this.fillsLoaded;
    const before = this.fillsBefore;
    this.fills.seed(answer.fills);
    this.fillsLoaded = true;
    this.#noteFills(answer);
    if (known) this.fillsBefore = before;
  }

  /** Whether a page of fills was the last. @param {{count: number}} answer */
  #noteFills({ count }) {
    this.fillsBefore = count >= FILLS_PAGE && this.fills.fills.length < FILLS_MAX;
    this.#emit("fills");
  }

  /** @param {AbortSignal} signal */
  async #loadAccount(signal) {
    try {
      this.account = await untilAnswered(() => this.#api.account(signal), signal);
    } catch {
      return; // until the next connection the symbol's fees are taken for the account's
    }
    this.#emit("account");
  }

  /** @param {string} part */
  #emit(part) {
    this.dispatchEvent(new Event(part));
  }
}

/** @param {{event_type: string, status: string}} event */
function hasEnded({ event_type: type, status }) {
  return type !== "rejected" && !isOpen(status);
}
