/**
 * A call of the page as a person or a program would make it: by curl, or by Python. Tokens are read from the environment.
 * Layer: model.
 */

/** @typedef {Pick<import("./api-log.js").Call, "method" | "path" | "body" | "signed">} Call */

const LIST_MAX = 20;
const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
/** @type {Record<string, string>} */ const CLOSING = { "[": "]", "{": "}" };

/** @param {Call} call @param {string} origin such as "http://127.0.0.1:5000" */
export function curlOf({ method, path, body, signed }, origin) {
  const parts = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(origin + path)}`];
  if (signed) parts.push(`-H "Authorization: Bearer $OPENBELL_TOKEN"`);
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

/** For a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @param {Call} call @param {string} origin */
export function pythonOf({ method, path, body, signed }, origin) {
  const lines = [
    ...(signed ? ["import os", ""] : []),
    "import requests",
    "",
    `answer = requests.${method.toLowerCase()}(`,
    `    ${literal(origin + path)},`,
    ...(signed ? [`    headers={"Authorization": f"Bearer {os.environ['OPENBELL_TOKEN']}"},`] : []),
    ...(body === undefined ? [] : [`    json=${literal(body, 1)},`]),
    "    timeout=10,",
    ")",
    "print(answer.status_code, answer.json())",
  ];
  return lines.join("\n");
}

/**
 * A JSON value as Python writes it.
 * @param {unknown} value
 * @param {number} [depth] of indentation
 * @returns {string}
 */
function literal(value, depth = 0) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = "    ".repeat(depth + 1);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const parts = Array.isArray(value)
    ? value.map((each) => literal(each, depth + 1))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each, depth + 1)}`);
  if (parts.length === 0) return open + close;
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${"    ".repeat(depth)}${close}`;
}

/**
 * JSON as it is read: indented, and long lists cut. Nothing in it is understood, so every number stays as it was told.
 * @param {string} json
 */
export function pretty(json) {
  const tokens = json.match(TOKENS) ?? [];
  let at = 0;
  /** @param {string} margin @returns {string} */
  const value = (margin) => {
    const open = tokens[at++];
    const close = CLOSING[open];
    if (!close) return open;
    const parts = [];
    for (; at < tokens.length && tokens[at] !== close; at += tokens[at] === "," ? 1 : 0) {
      const name = open === "{" ? `${tokens[at]}: ` : "";
      at += open === "{" ? 2 : 0;
      parts.push(name + value(`${margin}  `));
    }
    at += 1;
    if (parts.length === 0) return open + close;
    const more = open === "[" ? Math.max(0, parts.length - LIST_MAX) : 0;
    const shown = more ? [...parts.slice(0, LIST_MAX), `… ${more} more`] : parts;
    return `${open}\n${shown.map((part) => `${margin}  ${part}`).join(",\n")}\n${margin}${close}`;
  };
  return tokens.length === 0 ? "" : value("");
}
