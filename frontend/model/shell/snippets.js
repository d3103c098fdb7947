/**
 * A call of the page as a person or a program would make it: by curl in a POSIX shell, or by Python without anything
 * installed. Both run as they are pasted; without credentials of ours they read a token from the environment.
 *
 * An order gets an id of its own each time: under the page's own id the answer would be the page's order.
 * Comments are `: '…'` in the shell, for an interactive zsh knows no #.
 * Layer: model.
 */

/** @typedef {{name: string, account: string}} Asker */
/** @typedef {Pick<import("./api-log.js").Call, "method" | "path" | "body" | "signed"> & {asker?: Asker}} Call */
/** @typedef {{kind: "token", token: string} | {kind: "key", key_id: string, secret: string}} Credentials */

const LIST_MAX = 20;
const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
/** @type {Record<string, string>} */ const CLOSING = { "[": "]", "{": "}" };
/** What an API key is not good for, or not those of the scopes that the page asks for. */
const WITHOUT_KEY = /^\/(?:auth|admin)\/|^\/account\/withdraw/;
const MASK = "•".repeat(16);
/** Stands in place of a secret, as `shown` of api-log.js does. */
const LEFT_OUT = /"<\w+>"/;
/** Stands for the fresh id while JSON is made; no body has it. */
const FRESH_ID = "\u0000fresh id\u0000";
const WHY_FRESH = "A fresh id: this is a new order. Sent again under one id, an order is entered once";

/** @param {string} path @param {Credentials | null} credentials whether a call is made with an API key */
export function takesKey(path, credentials) {
  return credentials?.kind === "key" && !WITHOUT_KEY.test(path);
}

/** The same with what is secret covered, for showing. @param {Credentials} credentials @returns {Credentials} */
export function masked(credentials) {
  return credentials.kind === "key" ? { ...credentials, secret: MASK } : { ...credentials, token: MASK };
}

/** In whose name it is asked, as a sentence without its end; "" of what anybody may ask. @param {Call} call */
function whose({ asker, signed }) {
  if (!asker) return "";
  return signed
    ? `As ${asker.name}, account ${asker.account}`
    : `Without credentials, as ${asker.name}, account ${asker.account}`;
}

/** What is to be known before it is sent. @param {Call} call @returns {string[]} */
function remarksOn(call) {
  const left = LEFT_OUT.exec(JSON.stringify(call.body) ?? "")?.[0];
  return [whose(call), left ? `Put your own in place of ${left.slice(1, -1)}` : ""].filter(Boolean);
}

/** The body with an id that is made anew each time. @param {Call} call @returns {{body: any, fresh: boolean}} */
function asNew({ method, path, body }) {
  const fresh =
    method === "POST" &&
    /^\/order(?:\/test)?(?:\?|$)/.test(path) &&
    typeof (/** @type {any} */ (body)?.client_order_id) === "string";
  return { body: fresh ? { .../** @type {any} */ (body), client_order_id: FRESH_ID } : body, fresh };
}

/**
 * @param {Call} call
 * @param {string} origin such as "http://127.0.0.1:5000"
 * @param {Credentials | null} [credentials] of the account that asked
 */
export function curlOf(call, origin, credentials = null) {
  const { method, path, signed } = call;
  const { body, fresh } = asNew(call);
  const lines = remarksOn(call).map((remark) => `: ${quoted(remark)}`);
  if (fresh) lines.push(`: ${quoted(WHY_FRESH)}`, `id="paste-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')"`);
  const data =
    body === undefined
      ? null
      : quoted(JSON.stringify(body)).replace(JSON.stringify(FRESH_ID).slice(1, -1), () => `'"$id"'`);
  const parts = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(origin + path)}`];
  if (signed && credentials?.kind === "key" && takesKey(path, credentials)) {
    lines.push(
      `OPENBELL_KEY=${quoted(credentials.key_id)}`,
      `OPENBELL_SECRET=${quoted(credentials.secret)}`,
      `body=${data ?? "''"}`,
      `stamp="$(date +%s)000"`,
      `signature="$(printf '%s\\n%s\\n%s\\n%s' "$stamp" ${method} ${quoted(path)} "$body" \\\n` +
        `  | openssl dgst -sha256 -hmac "$OPENBELL_SECRET" | sed 's/^.* //')"`,
    );
    parts.push(
      `-H "X-Openbell-Key: $OPENBELL_KEY"`,
      `-H "X-Openbell-Timestamp: $stamp"`,
      `-H "X-Openbell-Signature: $signature"`,
    );
    if (data) parts.push("-H 'Content-Type: application/json'", `-d "$body"`);
    return [...lines, parts.join(" \\\n  ")].join("\n");
  }
  if (signed && credentials?.kind === "token") lines.push(`OPENBELL_TOKEN=${quoted(credentials.token)}`);
  if (signed) parts.push(`-H "Authorization: Bearer \${OPENBELL_TOKEN:?is to be set}"`);
  if (data) parts.push("-H 'Content-Type: application/json'", `-d ${data}`);
  return [...lines, parts.join(" \\\n  ")].join("\n");
}

/** For a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param {Call} call
 * @param {string} origin
 * @param {Credentials | null} [credentials] of the account that asked
 */
export function pythonOf(call, origin, credentials = null) {
  const { method, path, signed } = call;
  const { body, fresh } = asNew(call);
  const byKey = signed && takesKey(path, credentials);
  const modules = [
    "json",
    ...(byKey ? ["hashlib", "hmac", "time"] : []),
    ...(signed && !byKey && credentials?.kind !== "token" ? ["os"] : []),
    ...(fresh ? ["secrets"] : []),
  ];
  const lines = [
    ...remarksOn(call).map((remark) => `# ${remark}.`),
    ...modules.sort().map((name) => `import ${name}`),
    "from urllib.error import HTTPError",
    "from urllib.request import Request, urlopen",
    "",
    ...(body === undefined ? [] : [`body = json.dumps(${freshly(literal(body))}).encode()`]),
    ...headersOf(call, credentials, body !== undefined),
    `request = Request(${literal(origin + path)}, ${body === undefined ? "" : "data=body, "}` +
      `headers=headers, method="${method}")`,
    "try:",
    "    with urlopen(request, timeout=10) as answer:",
    "        print(answer.status, json.load(answer))",
    "except HTTPError as refusal:",
    "    print(refusal.code, json.load(refusal))",
  ];
  return `${lines.join("\n")}\n`;
}

/** @param {string} code of a body @returns {string} */
function freshly(code) {
  return code.replace(`${JSON.stringify(FRESH_ID)},`, () => `"paste-" + secrets.token_hex(8),  # ${WHY_FRESH}.`);
}

/**
 * The lines that make `headers`.
 * @param {Call} call
 * @param {Credentials | null} credentials
 * @param {boolean} hasBody
 */
function headersOf({ method, path, signed }, credentials, hasBody) {
  const json = hasBody ? [["Content-Type", '"application/json"']] : [];
  if (!signed) return [headers(json)];
  if (credentials?.kind !== "key" || !takesKey(path, credentials)) {
    const token = credentials?.kind === "token" ? literal(credentials.token) : `os.environ["OPENBELL_TOKEN"]`;
    return [headers([...json, ["Authorization", `"Bearer " + ${token}`]])];
  }
  return [
    `stamp = str(time.time_ns() // 1_000_000)`,
    `signed = (stamp + ${literal(`\n${method}\n${path}\n`)}).encode()${hasBody ? " + body" : ""}`,
    `secret = ${literal(credentials.secret)}.encode()`,
    headers([
      ...json,
      ["X-Openbell-Key", literal(credentials.key_id)],
      ["X-Openbell-Timestamp", "stamp"],
      ["X-Openbell-Signature", "hmac.new(secret, signed, hashlib.sha256).hexdigest()"],
    ]),
  ];
}

/** @param {string[][]} rows names and Python expressions */
function headers(rows) {
  if (rows.length === 0) return "headers = {}";
  return `headers = {\n${rows.map(([name, code]) => `    "${name}": ${code},\n`).join("")}}`;
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
 * JSON as it is read: indented, and long lists cut. Nothing in it is understood, so every number stays as it came.
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
