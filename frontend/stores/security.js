/**
 * Password, second factor and sessions of whoever is signed in, as a dialog shows them. Emits "change".
 * Layer: stores.
 */

import { describeFailure } from "../model/parts/failures.js";

const NOTHING = Object.freeze({ tone: "plain", text: "" });

export class SecurityStore extends EventTarget {
  /** Of GET /auth/user; null until it is there. @type {any} */ user = null;
  /** Of GET /auth/sessions. @type {readonly any[]} */ sessions = [];
  /** A second factor that was begun: its secret, URI and QR code. @type {any} */ begun = null;
  /** What became of the last request. @type {{tone: string, text: string}} */ result = NOTHING;
  busy = false;
  #api;

  /** @param {import("../net/api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** Look anew, as when the dialog opens. */
  open() {
    this.user = this.begun = null;
    this.sessions = [];
    return this.#do(async () => "");
  }

  /** @param {{password: string, new_password: string, code?: string}} body */
  changePassword(body) {
    return this.#do(async () => {
      await this.#api.changePassword(body);
      return "The password is changed; your other sessions have ended.";
    });
  }

  /** @param {string} password */
  beginSecondFactor(password) {
    return this.#do(async () => {
      this.begun = await this.#api.beginSecondFactor(password);
      return "";
    });
  }

  /** @param {string} code */
  confirmSecondFactor(code) {
    return this.#do(async () => {
      await this.#api.confirmSecondFactor(code);
      this.begun = null;
      return "The second factor is on: signing in asks for a code from now on.";
    });
  }

  /** @param {string} password @param {string} code */
  endSecondFactor(password, code) {
    return this.#do(async () => {
      await this.#api.endSecondFactor(password, code);
      return "The second factor is off.";
    });
  }

  /** @param {string} sessionId */
  endSession(sessionId) {
    return this.#do(async () => {
      await this.#api.endSession(sessionId);
      return "That session has ended.";
    });
  }

  /**
   * One thing at a time, then everything as it is.
   * @param {() => Promise<string>} work what became of it
   * @returns {Promise<boolean>} whether it was done
   */
  async #do(work) {
    if (this.busy) return false;
    this.busy = true;
    this.#say(NOTHING);
    try {
      const text = await work();
      const [user, { sessions }] = await Promise.all([this.#api.user(), this.#api.sessions()]);
      Object.assign(this, { user, sessions, busy: false });
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
    this.dispatchEvent(new Event("change"));
  }
}
