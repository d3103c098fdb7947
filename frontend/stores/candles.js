/**
 * The candles of the shown symbol: history by REST, the running ones by the feed, older ones when asked for.
 *
 * The interval that was chosen is remembered; until one is, a market too young for minutes is shown by the second.
 * Emits "interval", and "candles" when what there is to draw, or `state`, changed.
 * Layer: stores.
 */

import { Candles, DEFAULT_INTERVAL, FEW_CANDLES, INTERVALS, YOUNG_INTERVAL } from "../model/chart/candles.js";
import { untilAnswered } from "../net/retry.js";

const PAGE = 500;

export class CandleStore extends EventTarget {
  candles = new Candles();
  /**
   * "loading" until the first page came; "waiting" when it did not, and is asked for again as far as that may help.
   * @type {"loading" | "loaded" | "waiting"}
   */
  state = "loading";
  /** Why it waits, when it does. @type {import("../net/http.js").ApiFailure | null} */ failure = null;
  /** @type {import("../model/types.js").Instrument | null} */ instrument = null;
  #api;
  #feed;
  #workspace;
  /** Whether so few of the default interval have traded that finer ones are shown. */ #young = false;
  #loadingOlder = false;
  /** Aborted when something else is to be shown. */ #selection = new AbortController();
  /** Aborted when the newest page is asked for anew, or is of no use. */ #loading = new AbortController();

  /**
   * @param {Pick<import("../net/api.js").Api, "candles">} api
   * @param {Pick<import("../net/feed.js").Feed, "subscribe" | "unsubscribe" | "resubscribe">} feed
   * @param {Pick<import("./workspace.js").WorkspaceStore, "recall" | "remember">} workspace
   */
  constructor(api, feed, workspace) {
    super();
    this.#api = api;
    this.#feed = feed;
    this.#workspace = workspace;
  }

  /** @returns {string} a name of INTERVALS */
  get interval() {
    return this.#chosen ?? (this.#young ? YOUNG_INTERVAL : DEFAULT_INTERVAL);
  }

  set interval(interval) {
    const changes = interval !== this.interval;
    if (changes) this.#leave();
    this.#workspace.remember("chart.interval", interval);
    if (!changes) return;
    this.#emit("interval");
    this.#enter();
  }

  /** @returns {string | null} */
  get #chosen() {
    const interval = this.#workspace.recall("chart.interval", "");
    return interval in INTERVALS ? interval : null;
  }

  /** @param {import("../model/types.js").Instrument} instrument */
  show(instrument) {
    this.#leave();
    this.#young = false;
    this.instrument = instrument;
    this.#emit("interval");
    this.#enter();
  }

  /** Live candles come from now on, so history fetched now leaves no hole before them. */
  subscribed() {
    this.#load();
  }

  /** Nothing is heard until the next connection, which loads again. */
  disconnected() {
    this.#loading.abort();
  }

  /** Some were missed, and the subscription has ended. */
  missed() {
    this.#feed.resubscribe(this.#subscription);
  }

  /**
   * @param {{symbol: string, interval: string, candle: import("../model/chart/candles.js").WireCandle, seq: number}}
   *   message
   */
  receive(message) {
    if (message.symbol !== this.instrument?.symbol || message.interval !== this.interval) return;
    // Before the history is there, one candle alone would be drawn as if it were all.
    if (this.candles.apply(message) && this.state === "loaded") this.#emit("candles");
  }

  /** A page of what was before the oldest, unless one is on its way or nothing was. */
  async loadOlder() {
    const { candles, interval } = this;
    const [oldest] = candles.row;
    if (this.#loadingOlder || candles.complete || this.state !== "loaded" || !oldest) return;
    this.#loadingOlder = true;
    const { signal } = this.#selection;
    try {
      const page = await this.#api.candles(this.#symbol, { interval, end: oldest.time, limit: PAGE }, signal);
      // Where the oldest was dropped meanwhile, the page joins on nothing.
      if (signal.aborted || candles.row[0]?.time !== oldest.time) return;
      candles.complete = page.candles.length < PAGE;
      candles.add(page.candles, page.seq);
      this.#emit("candles");
    } catch {
      // Scrolling on asks again.
    } finally {
      if (!signal.aborted) this.#loadingOlder = false;
    }
  }

  /** Of the shown instrument, by what runs only while there is one. */
  get #symbol() {
    if (this.instrument === null) throw new Error("no symbol is shown");
    return this.instrument.symbol;
  }

  get #subscription() {
    return { type: "candles", symbol: this.#symbol, interval: this.interval };
  }

  #leave() {
    this.#selection.abort();
    this.#loading.abort();
    if (this.instrument) this.#feed.unsubscribe(this.#subscription);
  }

  #enter() {
    this.#selection = new AbortController();
    this.#loadingOlder = false;
    this.candles = new Candles();
    this.state = "loading";
    this.failure = null;
    if (this.instrument) this.#feed.subscribe(this.#subscription);
    this.#emit("candles");
  }

  async #load() {
    const { candles, interval } = this;
    const symbol = this.#symbol;
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    const waits = (/** @type {import("../net/http.js").ApiFailure} */ failure) => {
      this.failure = failure;
      if (this.state !== "loaded") this.state = "waiting";
      this.#emit("candles");
    };
    try {
      const page = await untilAnswered(
        () => this.#api.candles(symbol, { interval, limit: PAGE }, signal),
        signal,
        waits,
      );
      if (this.#isYoung(page.candles.length)) return this.#showYoung();
      candles.seed(page.candles, page.seq, page.candles.length < PAGE);
      this.state = "loaded";
      this.failure = null;
      this.#emit("candles");
    } catch (failure) {
      if (!signal.aborted) waits(failure);
    }
  }

  /** @param {number} count of candles in the newest page */
  #isYoung(count) {
    return this.#chosen === null && !this.#young && count < FEW_CANDLES;
  }

  #showYoung() {
    this.#leave();
    this.#young = true;
    this.#emit("interval");
    this.#enter();
  }

  /** @param {string} part */
  #emit(part) {
    this.dispatchEvent(new Event(part));
  }
}
