/**
 * One REST call: JSON there and back, a time limit, and one kind of failure.
 * Layer: net.
 */

const TIMEOUT_MS = 10_000;
/** Of requests that show a cookie of the node that the page came from, while another one is asked. */
const HOME_TIMEOUT_MS = 2_000;
const SHOWS_COOKIE = /^\/auth\/(guest|login|logout|refresh|signup)\b/;

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
   * @param {{status?: number, code?: string, details?: object, retryAfterMs?: number | null, cause?: unknown}} [more]
   */
  constructor(kind, message, { status = 0, code = "", details = {}, retryAfterMs = null, cause } = {}) {
    super(message, { cause });
    this.name = "ApiFailure";
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.details = details;
    /** How long the server asks us to stay away; null when it does not say. */ this.retryAfterMs = retryAfterMs;
  }
}

/**
 * `token` of the account that asks, `asker` who that is; `key` by which the same request is known when it comes again.
 * @typedef {{body?: object, signal?: AbortSignal, token?: string, asker?: {name: string, account: string, session_id:
 *   string}, key?: string, credentials?: RequestCredentials, timeoutMs?: number}} Options
 */

export class Http {
  /**
   * Called with every call when it is over.
   * @type {(call: import("../model/shell/api-log.js").Call) => void}
   */
  onCall = () => {};
  #node;
  #fetch;

  /**
   * @param {string | import("./nodes.js").Nodes} [node] origin of the server, this page's by default; or the nodes,
   *   which say whom to ask
   * @param {typeof fetch} [fetcher]
   */
  constructor(node = "", fetcher = (...request) => fetch(...request)) {
    this.#node = typeof node === "string" ? { base: node, sharesCookies: true } : node;
    this.#fetch = fetcher;
  }

  /** Whether another node is asked than the one that the page came from. */
  get away() {
    return this.#node.base !== "";
  }

  /**
   * Cookies are of the node that the page came from, so what shows one is asked there first, and elsewhere only where
   * the browser would show it as well: of another node no word on the session counts.
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<any>} the answer; throws ApiFailure
   */
  async call(method, path, options = {}) {
    const { base, sharesCookies } = this.#node;
    if (base === "" || !SHOWS_COOKIE.test(path)) return this.#ask(base, method, path, options);
    try {
      return await this.#ask("", method, path, { ...options, timeoutMs: HOME_TIMEOUT_MS });
    } catch (failure) {
      if (failure.kind === "refused" || !sharesCookies) throw failure;
    }
    try {
      return await this.#ask(base, method, path, { ...options, credentials: "include" });
    } catch (failure) {
      if (failure.status !== 401 || !path.startsWith("/auth/refresh")) throw failure;
      throw new ApiFailure("no_answer", "The node that this page came from does not answer.", { cause: failure });
    }
  }

  /**
   * @param {string} base
   * @param {string} method
   * @param {string} path
   * @param {Options} options
   */
  async #ask(base, method, path, { body, signal, token, asker, key, credentials, timeoutMs = TIMEOUT_MS }) {
    const timeout = AbortSignal.timeout(timeoutMs);
    const started = performance.now();
    /** @type {Response | undefined} */ let response;
    const over = (/** @type {string} */ text) => {
      const servedAt = Date.parse(response?.headers.get("Date") ?? "") || null;
      this.onCall({
        method,
        path,
        body,
        signed: token !== undefined,
        asker,
        status: response?.status ?? 0,
        text,
        tookMs: performance.now() - started,
        servedAt,
      });
    };
    let answer;
    try {
      response = await this.#fetch(base + path, {
        method,
        ...(credentials && { credentials }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        headers: {
          ...(body && { "Content-Type": "application/json" }),
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(key && { "Idempotency-Key": key }),
        },
        body: body && JSON.stringify(body),
      });
      answer = await bodyOf(response);
    } catch (cause) {
      if (signal?.aborted) throw cause;
      over("");
      throw new ApiFailure("no_answer", "The server did not answer.", { status: response?.status, cause });
    }
    over(answer.text);
    if (response.ok) return answer.value;
    const kind = response.status === 503 ? "not_accepting" : response.status >= 500 ? "no_answer" : "refused";
    throw new ApiFailure(kind, answer.value.error ?? `The server answered ${response.status}.`, {
      status: response.status,
      code: answer.value.error_code,
      details: answer.value.details,
      retryAfterMs: Number(response.headers.get("Retry-After")) * 1_000 || null,
    });
  }
}

/**
 * What was answered, and as which text: a number of many digits is whole there alone.
 * A failure may come from something before the server, in other words than JSON: its status says enough.
 * @param {Response} response
 */
async function bodyOf(response) {
  const text = await response.text();
  try {
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    if (response.ok) throw cause;
    return { text: "", value: {} };
  }
}
