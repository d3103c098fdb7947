/**
 * Faults on demand: what is active for who looks, one's own, and for operators those of everybody. Emits "change".
 *
 * Layer: stores.
 */

import { kindsText, NO_FAULTS } from "../model/operator/faults.js";
import { describeFailure } from "../model/parts/failures.js";

const NOTHING = Object.freeze({ tone: "plain", text: "" });

export class FaultStore extends EventTarget {
  /** As the feed says. @type {import("../model/operator/faults.js").FaultState} */ state = NO_FAULTS;
  /** Of GET /admin/faults, for operators. @type {any} */ all = null;
  /** Whether one may set some for oneself; null while that is not known. @type {boolean | null} */ allowed = null;
  /** What became of the last command. @type {{tone: string, text: string}} */ result = NOTHING;
  busy = false;
  #api;

  /**
   * @param {import("../net/api.js").Api} api
   * @param {import("./portfolio.js").PortfolioStore} portfolio whose they are
   */
  constructor(api, portfolio) {
    super();
    this.#api = api;
    portfolio.addEventListener("switch", () => {
      this.all = this.allowed = null;
      this.#say(NOTHING);
    });
  }

  /**
   * The feed's `fault`, or that a new connection knows of none yet.
   * @param {import("../model/operator/faults.js").FaultState} state
   */
  fold(state) {
    this.state = state;
    this.#emit();
  }

  loadOwn() {
    return this.#do(
      () => this.#api.ownFaults("GET"),
      ({ allowed }) => {
        this.allowed = allowed;
        return "";
      },
    );
  }

  /** @param {object} plan */
  setOwn(plan) {
    return this.#do(
      () => this.#api.ownFaults("PUT", plan),
      ({ kinds }) => `Set: ${kindsText(kinds)}.`,
    );
  }

  endOwn() {
    return this.#do(
      () => this.#api.ownFaults("DELETE"),
      () => "Your faults are ended.",
    );
  }

  loadAll() {
    return this.#do(
      () => this.#api.operate("GET", "/faults"),
      (all) => {
        this.all = all;
        return "";
      },
    );
  }

  /** @param {string} target "" for the venue, `/` and a number for an account @param {object} plan */
  async set(target, plan) {
    const done = await this.#do(
      () => this.#api.operate("PUT", `/faults${target}`, plan),
      ({ kinds }) => `Set: ${kindsText(kinds)}.`,
    );
    if (done) await this.#reload();
  }

  /** @param {string} target as of `set` */
  async end(target) {
    const done = await this.#do(
      () => this.#api.operate("DELETE", `/faults${target}`),
      ({ ended }) => (ended ? "Ended." : "There were none."),
    );
    if (done) await this.#reload();
  }

  async #reload() {
    try {
      this.all = await this.#api.operate("GET", "/faults");
      this.#emit();
    } catch {
      // What was done is said; the list is asked for again with the next command.
    }
  }

  /** @param {() => Promise<any>} ask @param {(answer: any) => string} take the answer, and say what became of it */
  async #do(ask, take) {
    this.busy = true;
    this.#say(NOTHING);
    try {
      const text = take(await ask());
      this.busy = false;
      this.#say({ tone: "good", text });
      return true;
    } catch (failure) {
      this.busy = false;
      this.#say({ tone: "bad", text: describeFailure(failure, "ask") });
      return false;
    }
  }

  /** @param {{tone: string, text: string}} result */
  #say(result) {
    this.result = result;
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}
