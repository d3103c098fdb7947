/**
 * The calls the page made, as they can be shown: no secret is kept, and the oldest are forgotten.
 * An answer is kept as the text it was, for reading it would spoil numbers of many digits.
 * Layer: model.
 */

/**
 * @typedef {object} Call as Http reports it
 * @property {string} method
 * @property {string} path with its query
 * @property {unknown} [body]
 * @property {boolean} signed whether it carried a token
 * @property {{name: string, account: string, session_id: string}} [asker] whose call it was, where it matters
 * @property {number} status 0 when no answer came
 * @property {string} text the answer's JSON; "" when none came
 * @property {number} tookMs
 * @property {number | null} servedAt epoch milliseconds at the server, by its answer; in whole seconds
 */
/** @typedef {Call & {at: number, id: number, clicked: boolean}} Entry `at` in epoch milliseconds */

const SECRETS = /^(?:.*token|.*password|.*secret|signature|authorization|code|uri|qr)$/i;
/** Without one of these nothing in an answer needs a closer look. */
const SECRET_WORDS = /token|password|secret|signature|authorization|"(?:code|uri|qr)"/i;
/** Kept of what a person caused, and as many of the rest, so that neither drives the other out. */
const KEPT = 100;
/** A name, or any other text; and, of a name whose value is a text, that. */
const TEXTS = /("(?:[^"\\]|\\.)*")(\s*:\s*"(?:[^"\\]|\\.)*")?/g;
/** Sent by themselves while a ticket is filled in, or while a session goes on. */
const BY_THEMSELVES = Object.freeze(["/order/test", "/auth/refresh"]);

export class CallLog {
  /** Newest first. @type {readonly Entry[]} */ entries = [];
  #last = 0;

  /** @param {Call} call @param {number} at when it was over, epoch milliseconds */
  add(call, at) {
    this.#last += 1;
    const entry = Object.freeze({
      ...call,
      at,
      path: withoutSecrets(call.path),
      body: shown(call.body),
      text: textWithoutSecrets(call.text),
      id: this.#last,
      clicked: isClick(call),
    });
    const kept = { clicked: 0, others: 0 };
    this.entries = [entry, ...this.entries].filter(({ clicked }) => {
      kept[clicked ? "clicked" : "others"] += 1;
      return kept[clicked ? "clicked" : "others"] <= KEPT;
    });
  }

  clear() {
    this.entries = [];
  }

  /** @param {boolean} all those too that nobody clicked for @param {string} text that method, path or status contain */
  matching(all, text) {
    const wanted = text.trim().toLowerCase();
    return this.entries.filter(
      ({ clicked, method, path, status }) =>
        (all || clicked) && `${method} ${path} ${status}`.toLowerCase().includes(wanted),
    );
  }
}

/** Whether a person caused it: it changes something, or asks for what was clicked. @param {Call} call */
function isClick({ method, path }) {
  const [route] = path.split("?");
  if (BY_THEMSELVES.includes(route)) return false;
  return method !== "GET" || route.endsWith("/explain");
}

/**
 * A value that may be shown: secrets are named, not shown.
 * @param {unknown} value
 * @returns {unknown}
 */
export function shown(value) {
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      SECRETS.test(name) && typeof each === "string" ? `<${name}>` : shown(each),
    ]),
  );
}

/** @param {string} json */
function textWithoutSecrets(json) {
  if (!SECRET_WORDS.test(json)) return json;
  return json.replace(TEXTS, (all, quoted, value) => {
    const name = quoted.slice(1, -1);
    return value && SECRETS.test(name) ? `${quoted}: "<${name}>"` : all;
  });
}

/** @param {string} path */
function withoutSecrets(path) {
  const [route, query] = path.split("?");
  if (!query) return path;
  return `${route}?${query
    .split("&")
    .map((pair) => (SECRETS.test(pair.split("=")[0]) ? `${pair.split("=")[0]}=<hidden>` : pair))
    .join("&")}`;
}
