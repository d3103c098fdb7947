/**
 * What is the account's own: orders, fills, balances, fees; kept current by feed and REST, and orders sent.
 *
 * When another session becomes current, everything of the former is forgotten before the feed connects anew:
 * "switch" is told first, then what changed, by "orders", "fills", "balances", "account". Views read the fields.
 * Layer: above net and model, below view.
 */

import { Balances } from "./model/balances.js";
import { Fills } from "./model/fills.js";
import { Orders } from "./model/orders.js";

const ORDERS_PAGE = 500;
/** Pages of open orders that are fetched; beyond that the listing is cut, newest kept. */
const ORDERS_PAGES_MAX = 10;
const FILLS_LENGTH = 200;
/** The history is written behind the venue; a listing it could not give is asked for again. */
const RETRY_MS = 2_000;
/** @type {import("./net/feed.js").Subscription} */
export const ORDERS = { type: "orders", batch: true };

export class Portfolio extends EventTarget {
  orders = new Orders();
  /** Whether a listing of the orders came since the connection is up. */
  ordersLoaded = false;
  fills = new Fills(FILLS_LENGTH);
  /** Whether a listing of the fills came. */
  fillsLoaded = false;
  balances = new Balances(null);
  /** Tier, fees, limits, status, of GET /account. @type {any} */ account = null;
  access;
  #api;
  #feed;
  #clientOrderIds;
  /** What was asked for the former account, or for this one before, is not folded in. */ #loads = 0;

  /**
   * @param {import("./net/api.js").Api} api
   * @param {import("./net/feed.js").Feed} feed
   * @param {import("./net/access.js").Access} access
   * @param {import("./net/client-order-ids.js").ClientOrderIds} clientOrderIds
   */
  constructor(api, feed, access, clientOrderIds) {
    super();
    this.#api = api;
    this.#feed = feed;
    this.access = access;
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

  /** Every open order of the account, shown or not. @returns {Promise<any>} throws ApiFailure */
  cancelAll() {
    return this.#api.cancelAll();
  }

  /** Paper money. @param {string} asset @param {string} amount throws ApiFailure */
  async deposit(asset, amount) {
    this.foldBalances(await this.#api.deposit(asset, amount));
  }

  /** An id for a new order of this browser. */
  nextClientOrderId() {
    return this.#clientOrderIds.next();
  }

  /** Live events come from now on, so listings fetched now leave no hole before them. */
  async load() {
    const load = ++this.#loads;
    const current = () => load === this.#loads;
    this.ordersLoaded = false;
    await Promise.all([this.#loadOrders(current), this.#loadFills(current), this.#loadAccount(current)]);
  }

  /** @param {any[]} events */
  foldOrderEvents(events) {
    for (const event of events) {
      this.orders.apply(event);
      this.fills.apply(event);
    }
    this.#tell("orders");
    if (events.some((event) => event.fill)) this.#tell("fills");
  }

  /** @param {any} message */
  foldBalances(message) {
    if (this.balances.apply(message)) this.#tell("balances");
  }

  /** Nothing is heard until the next connection. */
  disconnected() {
    this.balances.invalidate();
  }

  #switch() {
    const { session } = this.access;
    this.#loads += 1;
    this.orders = new Orders();
    this.ordersLoaded = false;
    this.fills = new Fills(FILLS_LENGTH);
    this.fillsLoaded = false;
    this.balances = new Balances(session?.account ?? null);
    this.account = null;
    this.#feed.unsubscribe(ORDERS);
    this.#tell("switch");
    if (session) this.#feed.subscribe(ORDERS);
    for (const part of ["orders", "fills", "balances", "account"]) this.#tell(part);
  }

  /** Every open order, page after page. @param {() => boolean} current */
  async #loadOrders(current) {
    const listed = [];
    let seq = null;
    let cursor;
    try {
      for (let page = 0; page < ORDERS_PAGES_MAX; page += 1) {
        const answer = await this.#api.orders({ status: "open", limit: ORDERS_PAGE, cursor });
        seq ??= answer.seq;
        listed.push(...answer.orders);
        cursor = answer.next_cursor;
        if (!cursor) break;
      }
    } catch {
      return; // the next connection loads again
    }
    if (!current()) return;
    if (this.orders.seed(listed, seq)) this.fills.forget();
    this.ordersLoaded = true;
    this.#tell("orders");
  }

  /** @param {() => boolean} current */
  async #loadFills(current) {
    try {
      const { fills } = await this.#api.fills(FILLS_LENGTH);
      if (!current()) return;
      this.fills.add(fills);
      this.fillsLoaded = true;
      this.#tell("fills");
    } catch (failure) {
      if (failure.kind === "not_accepting") setTimeout(() => current() && this.#loadFills(current), RETRY_MS);
    }
  }

  /** @param {() => boolean} current */
  async #loadAccount(current) {
    try {
      const account = await this.#api.account();
      if (!current()) return;
      this.account = account;
      this.#tell("account");
    } catch {
      // Until the next connection the symbol's fees are taken for the account's.
    }
  }

  /** @param {string} part */
  #tell(part) {
    this.dispatchEvent(new Event(part));
  }
}
