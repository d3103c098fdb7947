/**
 * The queue of one level of the book, order by order, while somebody looks at it.
 *
 * It is asked for again soon when the level changed, and now and then in any case: one order may come as another of
 * its size goes, which the book does not show. Emits "change". Knows no DOM.
 * Layer: stores.
 */

import { queueOf } from "../model/ladder/ladder.js";
import { scaleOf, toUnits } from "../model/parts/decimal.js";
import { describeRefusal } from "../model/parts/failures.js";
import { Poller } from "../net/poller.js";

const CHANGED_MS = 500;
const UNCHANGED_MS = 3_000;
/** Of a group of prices the best orders of the side are asked for. */
const GROUP_LIMIT = 2_000;

/** @typedef {{side: import("../model/types.js").Side, price: string, grouping: string}} OpenLevel */

export class LevelQueueStore extends EventTarget {
  /** The level looked at. @type {OpenLevel | null} */ level = null;
  /** First to trade first; null before the first answer. @type {ReturnType<typeof queueOf> | null} */ orders = null;
  /** Why it could not be had. */ problem = "";
  #api;
  #market;
  #request = new AbortController();
  #poller = new Poller(() => this.#ask(), CHANGED_MS);
  /** What the book said of the level when it was asked for. */ #seen = "";

  /**
   * @param {Pick<import("../net/api.js").Api, "bookOrders">} api
   * @param {import("./market.js").MarketStore} market
   */
  constructor(api, market) {
    super();
    this.#api = api;
    this.#market = market;
    market.addEventListener("symbol", () => this.close());
    market.addEventListener("book", () => this.#bookMoved());
  }

  /** @param {OpenLevel} level */
  open(level) {
    this.close();
    this.level = level;
    this.#emit();
    this.#poller.want();
  }

  close() {
    this.#poller.stop();
    this.#request.abort();
    this.orders = null;
    this.problem = "";
    if (this.level === null) return;
    this.level = null;
    this.#emit();
  }

  #bookMoved() {
    if (this.level !== null && this.#state() !== this.#seen) this.#poller.want();
  }

  async #ask() {
    const { level } = this;
    const { instrument } = this.#market;
    if (!level || !instrument) return;
    this.#seen = this.#state();
    this.#request.abort();
    const request = new AbortController();
    this.#request = request;
    const single = isTick(level.grouping, instrument.tick_size);
    try {
      const which = single ? { price: level.price } : { limit: GROUP_LIMIT };
      const answer = await this.#api.bookOrders(instrument.symbol, which, request.signal);
      if (request.signal.aborted) return;
      const own = new Set(this.#market.portfolio.orders.open().map((order) => order.order_id));
      this.orders = queueOf(
        level.side === "buy" ? answer.bids : answer.asks,
        level.side,
        level.price,
        level.grouping,
        own,
      );
      this.problem = "";
      this.#poller.want(UNCHANGED_MS);
    } catch (failure) {
      if (request.signal.aborted) return;
      this.problem = failure.kind === "refused" ? describeRefusal(failure) : "No answer. Asking again…";
      this.#poller.holdOff(failure.retryAfterMs ?? UNCHANGED_MS);
      this.#poller.want();
    }
    this.#emit();
  }

  /** What the book knows of the level: another text when it changed. */
  #state() {
    const { level } = this;
    const { instrument, book } = this.#market;
    if (!level || !instrument) return "";
    if (!isTick(level.grouping, instrument.tick_size)) return String(book.seq);
    const { bids, asks, priceScale } = book.sides;
    const price = toUnits(level.price, priceScale);
    const entry = (level.side === "buy" ? bids : asks).find((each) => each.price === price);
    return entry ? `${entry.wire[1]} ${entry.wire[2]}` : "gone";
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string} grouping @param {string} tickSize */
function isTick(grouping, tickSize) {
  const scale = scaleOf(tickSize);
  return toUnits(grouping, scale) === toUnits(tickSize, scale);
}
