/**
 * Who this tab is: signing in, out and over to another session, and the tokens that requests carry.
 *
 * A token is renewed before it ends, by one tab at a time, by the session's cookie, whose refresh token is good once.
 * A session that the server refuses is reported, and nobody else takes its place by itself.
 * In a sandbox one may also be the account that is traded without credentials: a session without a token.
 * Event "session": another session is current, or why there is none. Event "sessions": the list changed.
 * Layer: net.
 */

import { NOBODY, SANDBOX, sessionOf, withoutSession, withSession } from "../model/account/sessions.js";
import { ApiFailure } from "./http.js";
import { pause, pauseMs, untilAnswered } from "./retry.js";
import { alone } from "./saved-sessions.js";

/** @typedef {import("../model/account/sessions.js").Session} Session */

/** A token is renewed this long before it ends, or at three quarters of a shorter life. */
const MARGIN_MS = 60_000;

export class Access extends EventTarget {
  /** @type {Session | null} */ session = null;
  /**
   * "starting" until it is known who we are; "refused" when the server ended the session; "failed" when there
   * could be no guest.
   * @type {"starting" | "signed_in" | "signed_out" | "refused" | "failed"}
   */
  state = "starting";
  /**
   * Why there is no session.
   * @type {{code: string, message: string, session?: Session}}
   */
  why = { code: "", message: "" };
  /** "sandbox" or "secured"; "" until the server said so. */
  profile = "";
  #http;
  #saved;
  /**
   * By session id, `goodUntilMs` of performance.now().
   * @type {Map<string, {token: string, goodUntilMs: number}>}
   */
  #tokens = new Map();
  /** @type {Map<string, Promise<string>>} */ #renewals = new Map();
  /** The session whose token is waited for, to come back to the feed with. */ #awaited = "";

  /** @param {import("./http.js").Http} http @param {import("./saved-sessions.js").SavedSessions} saved */
  constructor(http, saved) {
    super();
    this.#http = http;
    this.#saved = saved;
    saved.onChange = () => this.#changedElsewhere();
  }

  /** Every session of this browser. @returns {readonly Session[]} */
  get sessions() {
    return this.#saved.read()?.sessions ?? [];
  }

  /**
   * The account that anybody acts for here, by showing no credentials; null where there is none.
   * @returns {Session | null}
   */
  get everybodys() {
    return this.profile === "sandbox" ? SANDBOX : null;
  }

  /**
   * Learn who this tab is: who it was before, or whom the browser used last, or in a sandbox on first sight a new
   * guest.
   */
  async start() {
    try {
      this.profile = (await untilAnswered(() => this.#http.call("GET", "/health"))).profile;
    } catch ({ code, message }) {
      this.why = { code, message };
      return this.#become(null, "failed");
    }
    if (this.profile === "sandbox")
      await alone("first-sight", async () => {
        if (this.#saved.read() === null) await this.#firstGuest();
      });
    if (this.state !== "starting") return;
    const signed = this.#saved.read();
    const session = signed && this.#known(this.#saved.chosen ?? signed.last);
    this.#become(session ?? null, session ? "signed_in" : "signed_out");
    for (const { session_id, refresh_token } of this.sessions)
      if (refresh_token) this.tokenOf(session_id).catch(() => {}); // it is said where the session is used
  }

  /** A new guest with paper money. Throws ApiFailure. */
  guest() {
    return this.#enter("/auth/guest");
  }

  /**
   * Throws ApiFailure, CODE_NEEDED where the second factor is on and there is no code.
   * @param {string} name
   * @param {string} password
   * @param {string} [code]
   */
  signIn(name, password, code) {
    return this.#enter("/auth/login", { name, password, ...(code && { code }) });
  }

  /** @param {string} name @param {string} password throws ApiFailure */
  signUp(name, password) {
    return this.#enter("/auth/signup", { name, password });
  }

  /** End the current session everywhere. Throws ApiFailure when the server could not be reached. */
  signOut() {
    return this.#leave("POST", "/auth/logout");
  }

  /** End every session of the current user, of other browsers too. Throws as `signOut`. */
  signOutEverywhere() {
    return this.#leave("DELETE", "/auth/sessions");
  }

  /** @param {string} method @param {string} path */
  async #leave(method, path) {
    const { session } = this;
    if (!session || session === SANDBOX) return;
    try {
      await this.#http.call(method, path, { token: await this.tokenOf(session.session_id) });
    } catch (failure) {
      if (failure.kind !== "refused") throw failure; // refused: it has ended already
    }
    this.#become(null, "signed_out");
    await this.#forget(session.session_id);
  }

  /** Show another session of this browser in this tab, or everybody's account. @param {string} sessionId */
  async use(sessionId) {
    const session = this.#known(sessionId);
    if (!session || sessionId === this.session?.session_id) return;
    this.#become(session, "signed_in");
    await this.#saved.update((signed) => ({ ...signed, last: sessionId }));
  }

  /**
   * A token that is good for a while yet; undefined for everybody's account, which shows none.
   * Throws ApiFailure; when the session is refused, that is reported too.
   * @param {string} sessionId
   * @returns {Promise<string | undefined>}
   */
  async tokenOf(sessionId) {
    if (sessionId === SANDBOX.session_id) return undefined;
    const held = this.#tokens.get(sessionId);
    if (held && performance.now() < held.goodUntilMs) return held.token;
    let renewal = this.#renewals.get(sessionId);
    if (!renewal) {
      renewal = alone(`session.${sessionId}`, () => this.#renew(sessionId)).finally(() =>
        this.#renewals.delete(sessionId),
      );
      this.#renewals.set(sessionId, renewal);
    }
    return renewal;
  }

  /** The server did not take this token. @param {string} sessionId @param {string} [token] the one that was refused */
  distrust(sessionId, token) {
    if (token === undefined || this.#tokens.get(sessionId)?.token === token) this.#tokens.delete(sessionId);
  }

  /** The server wants credentials for what everybody could ask without: it is no sandbox any more. */
  shut() {
    if (this.session !== SANDBOX) return;
    this.profile = "secured";
    this.#become(null, "signed_out");
  }

  /** The server closed our connection, or refused it: perhaps the session is over. */
  doubt() {
    if (this.session) this.distrust(this.session.session_id);
  }

  /**
   * What to show the feed: the current session's token; nothing when there is no session, or none that can be renewed
   * at another node than the page came from: then market data goes on, and the rest when that node is back.
   * Never throws.
   */
  async credentials() {
    for (let failures = 1; ; failures += 1) {
      const { session } = this;
      if (!session) return {};
      try {
        const token = await this.tokenOf(session.session_id);
        return token === undefined ? {} : { token };
      } catch (failure) {
        if (this.session !== session) continue;
        if (this.#http.away) {
          this.#announceWhenRenewed(session.session_id);
          return {};
        }
        await pause(pauseMs(failure, failures));
      }
    }
  }

  /** @param {string} sessionId */
  async #announceWhenRenewed(sessionId) {
    if (this.#awaited === sessionId) return;
    this.#awaited = sessionId;
    try {
      await untilAnswered(() => this.tokenOf(sessionId));
      if (this.session?.session_id === sessionId) this.#emit("session");
    } catch {
      // It is over, which has been said.
    }
    this.#awaited = "";
  }

  async #firstGuest() {
    try {
      await this.guest();
    } catch (failure) {
      this.why = { code: failure.code, message: failure.message };
      this.#become(null, "failed");
    }
  }

  /** @param {string} path @param {object} [body] */
  async #enter(path, body) {
    const answer = await this.#http.call("POST", path, { body });
    this.#hold(answer);
    await this.#saved.update((signed) => ({ ...withSession(signed, answer), last: answer.session_id }));
    this.#become(sessionOf(this.#saved.read() ?? NOBODY, answer.session_id) ?? null, "signed_in");
    this.#emit("sessions");
    return answer;
  }

  /** To be called by one tab at a time. @param {string} sessionId */
  async #renew(sessionId) {
    const known = this.sessions.find(({ session_id }) => session_id === sessionId);
    if (!known) {
      const gone = new ApiFailure("refused", "The session was ended in another tab.", {
        status: 401,
        code: "ENDED_ELSEWHERE",
      });
      await this.#lose(sessionId, gone);
      throw gone;
    }
    try {
      const answer = await (known.refresh_token
        ? this.#http.call("POST", "/auth/refresh?refresh=cookie", { body: { refresh_token: known.refresh_token } })
        : this.#http.call("POST", "/auth/refresh", { body: { session_id: sessionId } }));
      await this.#saved.update((signed) => withSession(signed, answer));
      this.#hold(answer);
      return answer.token;
    } catch (failure) {
      if (failure.status === 401) await this.#lose(sessionId, failure);
      throw failure;
    }
  }

  /** The session is over. @param {string} sessionId @param {ApiFailure} failure */
  async #lose(sessionId, { code, message }) {
    if (this.session?.session_id === sessionId) {
      this.why = { code, message, session: this.session };
      this.#become(null, "refused");
    }
    await this.#forget(sessionId);
  }

  /** @param {string} sessionId */
  async #forget(sessionId) {
    this.#tokens.delete(sessionId);
    await this.#saved.update((signed) => withoutSession(signed, sessionId));
    this.#emit("sessions");
  }

  #changedElsewhere() {
    const { session } = this;
    if (session && session !== SANDBOX && !this.sessions.some(({ session_id }) => session_id === session.session_id)) {
      this.#tokens.delete(session.session_id);
      const again = this.sessions.find(({ account }) => account === session.account); // the same user, signed in anew
      this.why = { code: "ENDED_ELSEWHERE", message: "", session };
      this.#become(again ?? null, again ? "signed_in" : "refused");
    }
    this.#emit("sessions");
  }

  /** @param {string | null} sessionId @returns {Session | undefined} */
  #known(sessionId) {
    if (sessionId === SANDBOX.session_id) return this.everybodys ?? undefined;
    return sessionOf({ sessions: [...this.sessions], last: null }, sessionId);
  }

  /** @param {Session | null} session @param {Access["state"]} state */
  #become(session, state) {
    this.session = session;
    this.state = state;
    this.#saved.chosen = session?.session_id ?? "";
    this.#emit("session");
  }

  /** @param {{session_id: string, token: string}} answer */
  #hold({ session_id, token }) {
    const lifeMs = lifeOf(token);
    this.#tokens.set(session_id, { token, goodUntilMs: performance.now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 4) });
  }

  /** @param {string} name */
  #emit(name) {
    this.dispatchEvent(new Event(name));
  }
}

/**
 * How long a token is good from its issue: by its own two times, for this machine's clock may be wrong.
 * @param {string} token a JWT
 * @returns {number} ms; 0 when it does not say
 */
export function lifeOf(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(exp - iat) ? Math.max(0, exp - iat) * 1_000 : 0;
  } catch {
    return 0;
  }
}
