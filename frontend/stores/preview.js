/**
 * Asks the venue what the order in the ticket would do now: a moment after the last change, again as the market or the
 * account moves and once more after the last move, never for an order that is no longer there.
 *
 * POST /order/test answers at the account's own rates; where there is no account, or no such route, GET /quote stands
 * in for market orders. Emits  "change". Knows no DOM.
 * Layer: stores.
 */

import { compare } from "../model/parts/decimal.js";
import { TOO_MANY_REQUESTS } from "../model/parts/failures.js";
import { withinReach } from "../model/ticket/funds.js";
import { previewOfQuote, previewOfTest } from "../model/ticket/preview.js";
import { Poller } from "../net/poller.js";

const DELAY_MS = 200;
const EVERY_MS = 1_000;
/** After too many requests, or none that was answered, when the venue doesn't say. */
const REST_MS = 5_000;
/** The market is reckoned on this many levels of the book. */
const LEVELS_MAX = 1_000;

export class PreviewStore extends EventTarget {
  /** What it would do; null while unknown. @type {import("../model/ticket/preview.js").Preview | null} */ now = null;
  /** Whether an answer is on its way, or about to be asked for. */ asking = false;
  #market;
  #orderNow;
  /** Whether this server has POST /order/test. */ #tests = true;
  #poller = new Poller(() => this.#ask(), EVERY_MS);
  #request = new AbortController();
  /** The status that was asked in. */ #status = "";

  /**
   * @param {import("./market.js").MarketStore} market
   * @param {() => any} orderNow the body of POST /order as it stands in the ticket; null while there is none
   */
  constructor(market, orderNow) {
    super();
    this.#market = market;
    this.#orderNow = orderNow;
    market.addEventListener("status", () => (market.trading.status !== this.#status ? this.renew() : this.refresh()));
    for (const part of ["book", "tape"]) market.addEventListener(part, () => this.refresh());
    for (const part of ["orders", "balances"]) market.portfolio.addEventListener(part, () => this.refresh());
  }

  /**
   * The levels that a market order of that side may take, best first.
   * @param {import("../model/types.js").Side} side
   */
  reach(side) {
    const { book, instrument, tape, trading } = this.#market;
    const reference = { last: tape.lastPrice, band: trading.band ?? null };
    return instrument ? withinReach(side, book.levels(LEVELS_MAX), reference, instrument) : [];
  }

  /**
   * What the other side shows within the order's price.
   * @param {any} order the body of POST /order
   * @returns {string}
   */
  offered({ side, price = null }) {
    const { book } = this.#market;
    const levels = price === null ? this.reach(side) : book.levels(LEVELS_MAX)[side === "buy" ? "asks" : "bids"];
    const worse = side === "buy" ? 1 : -1;
    const beyond = price === null ? -1 : levels.findIndex((level) => compare(level.price, price) === worse);
    return (beyond < 0 ? levels : levels.slice(0, beyond)).at(-1)?.cumulative ?? "0";
  }

  /** The order changed: what was answered about the last one says nothing about it. */
  renew() {
    this.forget();
    this.#status = this.#market.trading.status;
    this.#poller.want(DELAY_MS);
    this.asking = this.#orderNow() !== null;
  }

  /** What it depends on moved: ask again, but not too often. The last answer stands meanwhile. */
  refresh() {
    if (!this.#poller.isDue) this.#poller.want();
  }

  forget() {
    this.#poller.stop();
    this.#request.abort();
    this.now = null;
    this.asking = false;
  }

  async #ask() {
    const order = this.#orderNow();
    const { linkState, instrument } = this.#market;
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
      if (failure.status === TOO_MANY_REQUESTS || failure.kind !== "refused") {
        this.#poller.holdOff(failure.retryAfterMs ?? REST_MS);
        this.#poller.want();
      }
    }
    this.asking = false;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {any} order
   * @param {AbortSignal} signal
   * @returns {Promise<import("../model/ticket/preview.js").Preview | null>}
   */
  async #answer(order, signal) {
    const { portfolio, book } = this.#market;
    if (this.#tests && portfolio.access.session) {
      try {
        return previewOfTest(await portfolio.testOrder(order, signal));
      } catch (failure) {
        if (failure.status !== 404 && failure.status !== 405) throw failure;
        this.#tests = false;
      }
    }
    if (order.order_type !== "market" || !order.quantity) return null;
    const quote = await this.#market.quote(order.side, order.quantity, signal);
    return quote.trades_now === false ? null : previewOfQuote(quote, order.side, book.mid ?? null);
  }
}
