/**
 * Asks the venue what the order in the ticket would do now: a moment after the last change, again as the book moves,
 * never for an order that is no longer there.
 *
 * POST /order/test tells at the account's own rates; where there is no account, or no such route, GET /quote stands in
 * for market orders. Tells by "change". Knows no DOM.
 * Layer: above net and model, below view.
 */

import { previewOfQuote, previewOfTest } from "./model/preview.js";

const DELAY_MS = 200;
const EVERY_MS = 1_000;
/** After too many requests, or none that was answered. */
const REST_MS = 5_000;

export class OrderPreview extends EventTarget {
  /** What it would do; null while unknown. @type {import("./model/preview.js").Preview | null} */ now = null;
  /** Whether an answer is on its way, or about to be asked for. */ asking = false;
  #desk;
  #orderNow;
  /** Whether this server has POST /order/test. */ #tests = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #request = new AbortController();
  #askedAtMs = -Infinity;

  /**
   * @param {import("./desk.js").Desk} desk
   * @param {() => any} orderNow the body of POST /order as it stands in the ticket; null while there is none
   */
  constructor(desk, orderNow) {
    super();
    this.#desk = desk;
    this.#orderNow = orderNow;
  }

  /** The order changed: what was told of the last one says nothing of it. */
  renew() {
    this.forget();
    this.#timer = setTimeout(() => this.#ask(), DELAY_MS);
    this.asking = this.#orderNow() !== null;
  }

  /** The market moved: ask again, but not too often. The last answer stands meanwhile. */
  refresh() {
    if (performance.now() - this.#askedAtMs > EVERY_MS) this.#ask();
  }

  forget() {
    clearTimeout(this.#timer);
    this.#request.abort();
    this.now = null;
    this.asking = false;
    this.#askedAtMs = performance.now();
  }

  async #ask() {
    const order = this.#orderNow();
    const { linkState, instrument } = this.#desk;
    this.#askedAtMs = performance.now();
    if (order === null || !instrument || linkState === "disconnected") {
      this.asking = false;
      return;
    }
    this.#request.abort();
    const request = new AbortController();
    this.#request = request;
    try {
      const preview = await this.#answer(order, request.signal);
      if (request.signal.aborted) return;
      this.now = preview;
    } catch (failure) {
      if (request.signal.aborted) return;
      this.now = null;
      if (failure.status === 429 || failure.kind !== "refused") this.#askedAtMs = performance.now() + REST_MS - EVERY_MS;
    }
    this.asking = false;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {any} order @param {AbortSignal} signal @returns {Promise<import("./model/preview.js").Preview | null>} */
  async #answer(order, signal) {
    const { portfolio, book } = this.#desk;
    if (this.#tests && portfolio.access.session) {
      try {
        return previewOfTest(await portfolio.testOrder(order, signal));
      } catch (failure) {
        if (failure.status !== 404 && failure.status !== 405) throw failure;
        this.#tests = false;
      }
    }
    if (order.order_type !== "market" || !order.quantity) return null;
    return previewOfQuote(await this.#desk.quote(order.side, order.quantity, signal), order.side, book.mid ?? null);
  }
}
