/**
 * Tokens and API keys for programs, made at a button of the API tab for an account of this browser.
 *
 * They are in memory alone, for as long as the page and the session they were made by: nothing writes them down, and
 * the log of calls covers them. Emits "change".
 * Layer: stores.
 */

import { lifeOf } from "../net/access.js";

/** @typedef {import("../model/account/sessions.js").Session} Session */
/** @typedef {import("../model/shell/snippets.js").Credentials} Credentials */
/** @typedef {Credentials & {goodUntilMs: number}} Made `goodUntilMs` of performance.now() */

export class CredentialStore extends EventTarget {
  /** By session id. @type {Map<string, Made>} */ #made = new Map();
  #api;
  #access;

  /**
   * @param {Pick<import("../net/api.js").Api, "makeKey" | "endKey">} api
   * @param {Pick<import("../net/access.js").Access, "sessions" | "tokenOf" | "distrust" | "addEventListener">} access
   */
  constructor(api, access) {
    super();
    this.#api = api;
    this.#access = access;
    access.addEventListener("sessions", () => this.#dropStrangers());
  }

  /** What was made for a session and is still good. @param {string} sessionId @returns {Made | null} */
  of(sessionId) {
    const made = this.#made.get(sessionId);
    return made && performance.now() < made.goodUntilMs ? made : null;
  }

  /**
   * Whether something can be made: the session is still in this browser, and not one that shows no credentials.
   * @param {string} sessionId
   */
  mayMake(sessionId) {
    return this.#sessionOf(sessionId) !== undefined;
  }

  /** A token of its whole life. Throws ApiFailure. @param {string} sessionId */
  async makeToken(sessionId) {
    this.#access.distrust(sessionId);
    const token = await this.#access.tokenOf(sessionId);
    if (token !== undefined)
      this.#keep(sessionId, { kind: "token", token, goodUntilMs: performance.now() + lifeOf(token) });
  }

  /** Throws ApiFailure. @param {string} sessionId */
  async makeKey(sessionId) {
    const { key_id, secret } = await this.#api.makeKey(/** @type {Session} */ (this.#sessionOf(sessionId)));
    this.#keep(sessionId, { kind: "key", key_id, secret, goodUntilMs: Infinity });
  }

  /**
   * A key is good for nothing from now on; a token, which ends by itself, is forgotten. Throws ApiFailure.
   * @param {string} sessionId
   */
  async end(sessionId) {
    const made = this.#made.get(sessionId);
    if (made?.kind === "key") await this.#api.endKey(/** @type {Session} */ (this.#sessionOf(sessionId)), made.key_id);
    this.#made.delete(sessionId);
    this.#emit();
  }

  /** @param {string} sessionId */
  #sessionOf(sessionId) {
    return this.#access.sessions.find(({ session_id }) => session_id === sessionId);
  }

  /** @param {string} sessionId @param {Made} made */
  #keep(sessionId, made) {
    this.#made.set(sessionId, made);
    this.#emit();
  }

  #dropStrangers() {
    for (const sessionId of this.#made.keys()) if (!this.mayMake(sessionId)) this.#made.delete(sessionId);
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}
