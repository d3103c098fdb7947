/**
 * The REST calls the page makes. Every failure is an `ApiFailure`; answers are the wire's records.
 *
 * Market data is asked for by nobody in particular; what is an account's, with the token of the session
 * that was current when the call was made. A token that is refused is renewed once.
 * Layer: net.
 */

import { ApiFailure } from "./http.js";
import { pause } from "./retry.js";

/** The venue itself gives up after 20 seconds. */
const EXPLAIN_TIMEOUT_MS = 25_000;
/** Where there are several nodes, what changes something is sent again for so long, to whichever is asked by then. */
const REPEATED_FOR_MS = 10_000;
const REPEATED_TIMEOUT_MS = 4_000;
const REPEATED_AFTER_MS = 250;

export class Api {
  #http;
  #access;
  #nodes;

  /**
   * @param {import("./http.js").Http} http
   * @param {Pick<import("./access.js").Access, "session" | "tokenOf" | "distrust" | "shut">} access
   * @param {{several: boolean}} [nodes]
   */
  constructor(http, access, nodes = { several: false }) {
    this.#http = http;
    this.#access = access;
    this.#nodes = nodes;
  }

  health() {
    return this.#http.call("GET", "/health");
  }

  symbols() {
    return this.#http.call("GET", "/symbols");
  }

  /** @param {string} symbol @param {AbortSignal} [signal] */
  ticker(symbol, signal) {
    return this.#http.call("GET", `/ticker/${encodeURIComponent(symbol)}`, { signal });
  }

  /** @param {string} symbol @param {number} limit @param {AbortSignal} [signal] */
  trades(symbol, limit, signal) {
    return this.#http.call("GET", `/trades/${encodeURIComponent(symbol)}?limit=${limit}`, { signal });
  }

  /**
   * Depth by order, in the order in which they would trade: of one level, or the best of each side.
   * @param {string} symbol
   * @param {{price?: string, limit?: number}} which
   * @param {AbortSignal} [signal]
   */
  bookOrders(symbol, { price, limit }, signal) {
    const query = new URLSearchParams({
      ...(price !== undefined && { price }),
      ...(limit !== undefined && { limit: String(limit) }),
    });
    return this.#http.call("GET", `/book/${encodeURIComponent(symbol)}/orders?${query}`, { signal });
  }

  /** The 24 hours of every symbol. @param {AbortSignal} [signal] */
  tickers(signal) {
    return this.#http.call("GET", "/ticker", { signal });
  }

  /**
   * One page of candles, the newest before `end`.
   * @param {string} symbol
   * @param {{interval: string, limit: number, end?: number}} page `end` in epoch seconds
   * @param {AbortSignal} [signal]
   */
  candles(symbol, { interval, limit, end }, signal) {
    const query = new URLSearchParams({
      interval,
      limit: String(limit),
      ...(end !== undefined && { end: String(end) }),
    });
    return this.#http.call("GET", `/candles/${encodeURIComponent(symbol)}?${query}`, { signal });
  }

  /** @param {string} symbol @param {string} side @param {string} quantity @param {AbortSignal} [signal] */
  quote(symbol, side, quantity, signal) {
    const query = new URLSearchParams({ side, quantity });
    return this.#http.call("GET", `/quote/${encodeURIComponent(symbol)}?${query}`, { signal });
  }

  /** Tier, fees, limits and status. @param {AbortSignal} [signal] */
  account(signal) {
    return this.#own("GET", "/account", { signal });
  }

  /** What all fills of the account come to, by symbol and in all. @param {AbortSignal} [signal] */
  profit(signal) {
    return this.#own("GET", "/account/profit", { signal });
  }

  /** @param {string} asset @param {string} amount */
  deposit(asset, amount) {
    return this.#once("POST", "/account/deposit", { body: { asset, amount } });
  }

  /** @param {string} asset @param {string} amount */
  withdraw(asset, amount) {
    return this.#once("POST", "/account/withdraw", { body: { asset, amount } });
  }

  /**
   * The newest fills, or those before a trade.
   * @param {number} limit
   * @param {string} [before] trade id
   * @param {AbortSignal} [signal]
   */
  fills(limit, before, signal) {
    return this.#own("GET", `/account/fills?limit=${limit}${before ? `&before=${encodeURIComponent(before)}` : ""}`, {
      signal,
    });
  }

  /**
   * One page of orders, newest first.
   * @param {{symbol?: string, status?: string, limit: number, cursor?: string}} filter
   * @param {AbortSignal} [signal]
   */
  orders(filter, signal) {
    const query = new URLSearchParams(
      Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    );
    return this.#own("GET", `/orders?${query}`, { signal });
  }

  /** @param {object} order the body of POST /order; repeating it under one client_order_id enters it once */
  enterOrder(order) {
    return this.#once("POST", "/order", { body: order }, false);
  }

  /**
   * What an order would do now; nothing is entered.
   * @param {object} order the body of POST /order
   * @param {AbortSignal} signal
   */
  testOrder(order, signal) {
    return this.#own("POST", "/order/test", { body: order, signal });
  }

  /** @param {string} orderId @param {{price?: string, quantity?: string, stop_price?: string}} changes */
  amendOrder(orderId, changes) {
    return this.#once("PATCH", `/order/${encodeURIComponent(orderId)}`, { body: changes });
  }

  /** @param {string} orderId */
  cancelOrder(orderId) {
    return this.#once("DELETE", `/order/${encodeURIComponent(orderId)}`);
  }

  /** Every open order of the account, or of one symbol. @param {string} [symbol] */
  cancelAll(symbol) {
    return this.#own("DELETE", symbol ? `/orders?${new URLSearchParams({ symbol })}` : "/orders");
  }

  /** @param {string} orderId */
  explainOrder(orderId) {
    return this.#own("GET", `/order/${encodeURIComponent(orderId)}/explain`, { timeoutMs: EXPLAIN_TIMEOUT_MS });
  }

  /** @param {string} tradeId */
  explainTrade(tradeId) {
    return this.#own("GET", `/trade/${encodeURIComponent(tradeId)}/explain`, { timeoutMs: EXPLAIN_TIMEOUT_MS });
  }

  /** A command by the `seq` of its answer, such as an order that was refused. @param {string} seq */
  explainCommand(seq) {
    return this.#own("GET", `/command/${encodeURIComponent(seq)}/explain`, { timeoutMs: EXPLAIN_TIMEOUT_MS });
  }

  /**
   * An API key for programs: it may look and trade. Its secret is given this once.
   * @param {import("../model/account/sessions.js").Session} session whose it is
   */
  makeKey(session) {
    return this.#as(session, "POST", "/auth/keys", { body: { label: "made on the page", scopes: ["read", "trade"] } });
  }

  /** @param {import("../model/account/sessions.js").Session} session @param {string} keyId */
  endKey(session, keyId) {
    return this.#as(session, "DELETE", `/auth/keys/${encodeURIComponent(keyId)}`);
  }

  /** Who I am, as I am now. */
  user() {
    return this.#own("GET", "/auth/user");
  }

  /** Where I am signed in. */
  sessions() {
    return this.#own("GET", "/auth/sessions");
  }

  /** @param {string} sessionId */
  endSession(sessionId) {
    return this.#own("DELETE", `/auth/sessions/${encodeURIComponent(sessionId)}`);
  }

  /** @param {{password: string, new_password: string, code?: string}} body */
  changePassword(body) {
    return this.#own("POST", "/auth/password", { body });
  }

  /** A secret for an authenticator app, with its URI and QR code. @param {string} password */
  beginSecondFactor(password) {
    return this.#own("POST", "/auth/totp", { body: { password } });
  }

  /** @param {string} code */
  confirmSecondFactor(code) {
    return this.#own("POST", "/auth/totp/confirm", { body: { code } });
  }

  /** @param {string} password @param {string} code */
  endSecondFactor(password, code) {
    return this.#own("POST", "/auth/totp/off", { body: { password, code } });
  }

  /** What the venue has done, and how fast. */
  statistics() {
    return this.#http.call("GET", "/statistics");
  }

  /** One's own faults on demand. @param {"GET" | "PUT" | "DELETE"} method @param {object} [body] a plan */
  ownFaults(method, body) {
    return this.#own(method, "/account/faults", { body });
  }

  /** What only operators may ask. @param {string} method @param {string} path below /admin @param {object} [body] */
  operate(method, path, body) {
    return this.#own(method, `/admin${path}`, { body });
  }

  /**
   * What changes something, and must be done once however often it is sent: where there are several nodes, it goes to
   * the next one when no answer came.
   * @param {string} method
   * @param {string} path
   * @param {object} [options]
   * @param {boolean} [keyed] false where the body has a name of its own by which it is known again
   */
  async #once(method, path, options, keyed = true) {
    const { session } = this.#access;
    if (!session || !this.#nodes.several) return this.#own(method, path, options);
    const again = { ...options, timeoutMs: REPEATED_TIMEOUT_MS, ...(keyed && { key: newKey() }) };
    for (const untilMs = performance.now() + REPEATED_FOR_MS; ; ) {
      try {
        return await this.#as(session, method, path, again);
      } catch (failure) {
        if (failure.kind === "refused" || performance.now() > untilMs) throw failure;
        await pause(failure.retryAfterMs ?? REPEATED_AFTER_MS);
      }
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [options]
   */
  async #own(method, path, options) {
    const { session } = this.#access;
    if (!session) throw new ApiFailure("refused", "Sign in first.", { status: 401, code: "UNAUTHENTICATED" });
    return this.#as(session, method, path, options);
  }

  /**
   * @param {import("../model/account/sessions.js").Session} session
   * @param {string} method
   * @param {string} path
   * @param {object} [options]
   */
  async #as({ name, account, session_id }, method, path, options) {
    const session = { name, account, session_id };
    const token = await this.#access.tokenOf(session_id);
    try {
      return await this.#http.call(method, path, { ...options, token, asker: session });
    } catch (failure) {
      if (failure.status !== 401) throw failure;
      if (token === undefined) {
        this.#access.shut();
        throw failure;
      }
      this.#access.distrust(session_id, token);
      return this.#http.call(method, path, {
        ...options,
        token: await this.#access.tokenOf(session_id),
        asker: session,
      });
    }
  }
}

/** A key that nobody uses twice. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
