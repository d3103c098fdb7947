/**
 * The calls the page made, as they can be shown: no secret is kept, long answers are cut, the oldest are forgotten.
 * Layer: model.
 */

/**
 * @typedef {object} Call as it is told
 * @property {string} method
 * @property {string} path with its query
 * @property {unknown} [body]
 * @property {boolean} signed whether it carried a token
 * @property {number} status 0 when no answer came
 * @property {unknown} [answer]
 * @property {number} tookMs
 * @property {number} at epoch milliseconds
 */
/** @typedef {Call & {id: number, clicked: boolean}} Entry */

const SECRETS = /^(?:.*token|.*password|.*secret|signature|authorization)$/i;
/** Kept of what a person caused, and as many of the rest, so that neither drives the other out. */
const KEPT = 100;
const LIST_MAX = 20;
/** Sent by themselves while a ticket is filled in, or while a session goes on. */
const BY_THEMSELVES = Object.freeze(["/order/test", "/auth/refresh"]);

export class CallLog {
  /** Newest first. @type {readonly Entry[]} */ entries = [];
  #last = 0;

  /** @param {Call} call */
  add(call) {
    const entry = Object.freeze({ ...call, path: withoutSecrets(call.path), body: shown(call.body), answer: shown(call.answer), id: (this.#last += 1), clicked: isClick(call) });
    const kept = { true: 0, false: 0 };
    this.entries = [entry, ...this.entries].filter(({ clicked }) => (kept[String(clicked)] += 1) <= KEPT);
  }

  clear() {
    this.entries = [];
  }

  /** @param {boolean} all those too that nobody clicked for @param {string} text that method, path or status contain */
  matching(all, text) {
    const wanted = text.trim().toLowerCase();
    return this.entries.filter(({ clicked, method, path, status }) => (all || clicked) && `${method} ${path} ${status}`.toLowerCase().includes(wanted));
  }
}

/** Whether a person caused it: it changes something, or asks for what was clicked. @param {Call} call */
function isClick({ method, path }) {
  const [route] = path.split("?");
  if (BY_THEMSELVES.includes(route)) return false;
  return method !== "GET" || route.endsWith("/explain");
}

/**
 * A value that may be shown: secrets are named, not told; long lists are cut.
 * @param {unknown} value
 * @returns {unknown}
 */
export function shown(value) {
  if (Array.isArray(value)) {
    const kept = value.slice(0, LIST_MAX).map(shown);
    return value.length > LIST_MAX ? [...kept, `… ${value.length - LIST_MAX} more`] : kept;
  }
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, SECRETS.test(name) && typeof each === "string" ? `<${name}>` : shown(each)]));
}

/** @param {string} path */
function withoutSecrets(path) {
  const [route, query] = path.split("?");
  if (!query) return path;
  return `${route}?${query.split("&").map((pair) => (SECRETS.test(pair.split("=")[0]) ? `${pair.split("=")[0]}=<hidden>` : pair)).join("&")}`;
}
