/**
 * The REST calls the page makes. Every failure is an `ApiFailure`; answers are the wire's records.
 * Layer: net.
 */

const TIMEOUT_MS = 10_000;

/**
 * A request that did not give what was asked for.
 *
 * `kind`: "no_answer" (network, timeout, a server error: what happened to an order is unknown),
 * "not_accepting" (503: nothing happened), "refused" (4xx: nothing happened, `message` says why).
 */
export class ApiFailure extends Error {
  /**
   * @param {"no_answer" | "not_accepting" | "refused"} kind
   * @param {string} message a sentence
   * @param {{status?: number, code?: string, details?: object, cause?: unknown}} [more]
   */
  constructor(kind, message, { status = 0, code = "", details = {}, cause } = {}) {
    super(message, { cause });
    this.name = "ApiFailure";
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export class Api {
  #base;
  #fetch;

  /**
   * @param {string} [base] origin of the server; this page's by default
   * @param {typeof fetch} [fetcher]
   */
  constructor(base = "", fetcher = (...request) => fetch(...request)) {
    this.#base = base;
    this.#fetch = fetcher;
  }

  health() {
    return this.#call("GET", "/health");
  }

  symbols() {
    return this.#call("GET", "/symbols");
  }

  /** @param {string} symbol @param {AbortSignal} [signal] */
  ticker(symbol, signal) {
    return this.#call("GET", `/ticker/${encodeURIComponent(symbol)}`, { signal });
  }

  /** @param {string} symbol @param {number} limit @param {AbortSignal} [signal] */
  trades(symbol, limit, signal) {
    return this.#call("GET", `/trades/${encodeURIComponent(symbol)}?limit=${limit}`, { signal });
  }

  /** @param {string} symbol @param {string} side @param {string} quantity @param {AbortSignal} [signal] */
  quote(symbol, side, quantity, signal) {
    const query = new URLSearchParams({ side, quantity });
    return this.#call("GET", `/quote/${encodeURIComponent(symbol)}?${query}`, { signal });
  }

  /**
   * One page of orders, newest first.
   * @param {{status?: string, limit: number, cursor?: string}} filter
   */
  orders(filter) {
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== undefined));
    return this.#call("GET", `/orders?${query}`);
  }

  /** One order, open or done, with its fills. @param {string} orderId */
  order(orderId) {
    return this.#call("GET", `/order/${encodeURIComponent(orderId)}`);
  }

  /** @param {object} order the body of POST /order; repeating it under one client_order_id enters it once */
  enterOrder(order) {
    return this.#call("POST", "/order", { body: order });
  }

  /** @param {string} orderId */
  cancelOrder(orderId) {
    return this.#call("DELETE", `/order/${encodeURIComponent(orderId)}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: object, signal?: AbortSignal}} [options]
   */
  async #call(method, path, { body, signal } = {}) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let response;
    let answer;
    try {
      response = await this.#fetch(this.#base + path, {
        method,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
      });
      answer = await response.json();
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new ApiFailure("no_answer", "The server did not answer.", { status: response?.status, cause });
    }
    if (response.ok) return answer;
    const kind = response.status === 503 ? "not_accepting" : response.status >= 500 ? "no_answer" : "refused";
    throw new ApiFailure(kind, answer.error ?? `The server answered ${response.status}.`, {
      status: response.status,
      code: answer.error_code,
      details: answer.details,
    });
  }
}
