/**
 * The account's profit and loss, as the venue reckons it: asked for while somebody looks, after each fill and now and
 * then, since prices move. Emits "change".
 * Layer: stores.
 */

import { Poller } from "../net/poller.js";
import { isTransient } from "../net/retry.js";

const EVERY_MS = 1_000;
/** Prices move without a fill of one's own. */
const UNFILLED_MS = 5_000;

export class ProfitStore extends EventTarget {
  /** Of GET /account/profit; null before the first answer. @type {any} */ latest = null;
  /** Why there is no newer one. @type {import("../net/http.js").ApiFailure | null} */ failure = null;
  #api;
  #watched = false;
  #request = new AbortController();
  #poller = new Poller(() => this.#ask(), EVERY_MS);

  /** @param {Pick<import("../net/api.js").Api, "profit">} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** Until `unwatch`. */
  watch() {
    this.#watched = true;
    this.#poller.want();
  }

  unwatch() {
    this.#watched = false;
    this.#poller.stop();
    this.#request.abort();
  }

  /** Something was filled, or may have been. */
  filled() {
    if (this.#watched) this.#poller.want();
  }

  /** Another account. */
  forget() {
    this.#poller.stop();
    this.#request.abort();
    this.latest = this.failure = null;
    this.#emit();
    this.filled();
  }

  async #ask() {
    const request = new AbortController();
    this.#request = request;
    try {
      const latest = await this.#api.profit(request.signal);
      if (request.signal.aborted) return;
      this.latest = latest;
      this.failure = null;
      this.#poller.want(UNFILLED_MS);
    } catch (failure) {
      if (request.signal.aborted) return;
      this.failure = failure;
      if (isTransient(failure)) {
        this.#poller.holdOff(failure.retryAfterMs ?? UNFILLED_MS);
        this.#poller.want();
      }
    }
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}
