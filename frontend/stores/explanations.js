/**
 * What the Why tab explains: asks for it, and asks again while the venue still reads its journal. Emits every change
 * "change".
 * Layer: stores.
 */

/**
 * @typedef {{trade_id?: string, order_id?: string, seq?: string, symbol?: string}} Subject a trade, else an order, else
 *   a command
 */

const RETRY_MS = 2_000;

export class ExplanationStore extends EventTarget {
  /** @type {Subject | null} */ subject = null;
  /** @type {"idle" | "asking" | "waiting" | "answered" | "failed"} */ state = "idle";
  /** The answer of the explain routes. @type {any} */ explanation = null;
  /** @type {import("../net/http.js").ApiFailure | null} */ failure = null;
  #api;
  #asked = 0;
  #timer = 0;

  /**
   * @param {import("../net/api.js").Api} api
   * @param {import("./portfolio.js").PortfolioStore} portfolio whose account asks
   */
  constructor(api, portfolio) {
    super();
    this.#api = api;
    portfolio.addEventListener("switch", () => this.forget());
  }

  /** @param {Subject} subject */
  async ask(subject) {
    this.#asked += 1;
    const asked = this.#asked;
    clearTimeout(this.#timer);
    this.subject = subject;
    this.failure = null;
    this.#become("asking");
    try {
      const explanation = await this.#answer(subject);
      if (asked !== this.#asked) return;
      this.explanation = explanation;
      this.#become("answered");
    } catch (failure) {
      if (asked !== this.#asked) return;
      this.failure = failure;
      this.#become(failure.kind === "not_accepting" ? "waiting" : "failed");
      if (this.state === "waiting") this.#timer = setTimeout(() => this.ask(subject), failure.retryAfterMs ?? RETRY_MS);
    }
  }

  /** The same again: more may have happened since. */
  again() {
    if (this.subject) this.ask(this.subject);
  }

  /** Another account: what was explained was the former one's. */
  forget() {
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.subject = this.explanation = this.failure = null;
    this.#become("idle");
  }

  /** @param {Subject} subject */
  #answer({ trade_id: trade, order_id: order, seq }) {
    if (trade) return this.#api.explainTrade(trade);
    return order ? this.#api.explainOrder(order) : this.#api.explainCommand(String(seq));
  }

  /** @param {ExplanationStore["state"]} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
