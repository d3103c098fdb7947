/**
 * The account's profit and loss, as the venue tells it: asked for while somebody looks, after each fill and now and
 * then, since prices move. Tells "change".
 * Layer: above net and model, below view.
 */

import { isPassing } from "../net/insist.js";
import { Paced } from "../net/paced.js";

const EVERY_MS = 1_000;
/** Prices move without a fill of one's own. */
const UNFILLED_MS = 5_000;

export class ProfitAndLoss extends EventTarget {
  /** Of GET /account/profit; null before the first answer. @type {any} */ told = null;
  /** Why there is no newer one. @type {import("../net/http.js").ApiFailure | null} */ failure = null;
  #api;
  #looking = false;
  #request = new AbortController();
  #paced = new Paced(() => this.#ask(), EVERY_MS);

  /** @param {Pick<import("../net/api.js").Api, "profit">} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** Until `rest`. */
  look() {
    this.#looking = true;
    this.#paced.want();
  }

  rest() {
    this.#looking = false;
    this.#paced.stop();
    this.#request.abort();
  }

  /** Something was filled, or may have been. */
  filled() {
    if (this.#looking) this.#paced.want();
  }

  /** Another account. */
  forget() {
    this.#paced.stop();
    this.#request.abort();
    this.told = this.failure = null;
    this.#tell();
    this.filled();
  }

  async #ask() {
    const request = new AbortController();
    this.#request = request;
    try {
      const told = await this.#api.profit(request.signal);
      if (request.signal.aborted) return;
      this.told = told;
      this.failure = null;
      this.#paced.want(UNFILLED_MS);
    } catch (failure) {
      if (request.signal.aborted) return;
      this.failure = failure;
      if (isPassing(failure)) {
        this.#paced.rest(failure.retryAfterMs ?? UNFILLED_MS);
        this.#paced.want();
      }
    }
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
