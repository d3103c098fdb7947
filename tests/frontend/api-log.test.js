/** Calls are kept without their secrets, and are told as curl and Python. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { CallLog } from "../../frontend/model/shell/api-log.js";
import { curlOf, pretty, pythonOf } from "../../frontend/model/shell/snippets.js";
import { VenueClock } from "../../frontend/model/shell/venue-clock.js";
import { Http } from "../../frontend/net/http.js";
import { ApiLogStore } from "../../frontend/stores/api-log.js";

const CALL = {
  method: "POST",
  path: "/order",
  body: { symbol: "BTC-USDT", price: "1.00" },
  signed: true,
  status: 200,
  text: '{"order_id":"7"}',
  tookMs: 3,
  servedAt: null,
};
const ORIGIN = "http://127.0.0.1:1";

test("no secret is kept, wherever it stands", () => {
  const log = new CallLog();
  const answer = {
    token: "hush-3",
    refresh_token: "hush-4",
    keys: ["a", ":", { secret: 'hush-5 \\" of \\\\' }],
    token_type: "Bearer",
    uri: "otpauth://totp/ada?secret=hush-8",
    qr: "hush-9\n0101",
    note: '"token":"shown"',
  };
  log.add(
    {
      ...CALL,
      path: "/auth/login?token=hush-1&limit=2",
      body: { name: "ada", password: "hush-2", code: "hush-10", signature: "hush-6", Authorization: "hush-7" },
      text: JSON.stringify(answer),
    },
    0,
  );
  assert.deepEqual(JSON.parse(log.entries[0].text), {
    ...answer,
    token: "<token>",
    refresh_token: "<refresh_token>",
    uri: "<uri>",
    qr: "<qr>",
    keys: ["a", ":", { secret: "<secret>" }],
  });
  const text =
    JSON.stringify(log.entries) + log.entries.map((entry) => curlOf(entry, ORIGIN) + pythonOf(entry, ORIGIN)).join("");
  assert.doesNotMatch(text, /hush/);
  assert.match(text, /<password>/);
  assert.match(text, /limit=2/);
});

test("the log is bounded, and what the page asks by itself drives out no click", () => {
  const log = new CallLog();
  log.add(CALL, 0);
  for (let index = 0; index < 300; index += 1) log.add({ ...CALL, method: "GET", path: "/health", body: undefined }, 0);
  assert.equal(log.entries.length, 101);
  assert.deepEqual(
    log.matching(false, "").map(({ path }) => path),
    ["/order"],
  );
  for (let index = 0; index < 300; index += 1) log.add(CALL, 0);
  assert.equal(log.entries.length, 200);
  log.clear();
  assert.equal(log.entries.length, 0);
});

test("the filter looks at method, path and status; previews and renewals are nobody's clicks", () => {
  const log = new CallLog();
  for (const path of ["/order/test", "/auth/refresh", "/orders", "/account/deposit"]) log.add({ ...CALL, path }, 0);
  log.add({ ...CALL, method: "GET", path: "/order/7/explain", status: 404 }, 0);
  assert.equal(log.matching(false, "").length, 3);
  assert.equal(log.matching(true, "").length, 5);
  assert.deepEqual(
    log.matching(false, "post /ORD").map(({ path }) => path),
    ["/orders"],
  );
  assert.deepEqual(
    log.matching(false, "404").map(({ path }) => path),
    ["/order/7/explain"],
  );
});

test("a long list is cut and says how long it was", () => {
  const lines = pretty(JSON.stringify({ rows: Array.from({ length: 50 }, (_, index) => index), after: 1 })).split("\n");
  assert.deepEqual([lines.length, ...lines.slice(21)], [26, "    19,", "    … 30 more", "  ],", '  "after": 1', "}"]);
});

test("an answer is told as it came, every digit of it, and laid out as JSON always is", () => {
  const told =
    '{"ts_ns":1795273563788693220,"price":1.10,"note":"a \\"b\\": {[,","none":[],"empty":{},"legs":[{"x":null},[true,-2e+5]]}';
  assert.match(
    pretty(told),
    /^ {2}"ts_ns": 1795273563788693220,\n {2}"price": 1.10,\n {2}"note": "a \\"b\\": {\[,",$/m,
  );
  const plain = told.replace("1795273563788693220", "17").replace("1.10", "1.1").replace("-2e+5", "-2");
  assert.equal(pretty(plain), JSON.stringify(JSON.parse(plain), null, 2));
  assert.deepEqual([pretty(""), pretty("[]"), pretty('"text"')], ["", "[]", '"text"']);
});

test("the log keeps the venue's time: by the feed's clock, by the answer's date before, by this machine's last", async () => {
  const clock = new VenueClock();
  const http = new Http("", async () => Response.json({}, { headers: { Date: "Sat, 01 Jan 2000 00:00:07 GMT" } }));
  const log = new ApiLogStore(http, clock);
  await http.call("GET", "/symbols");
  assert.equal(log.calls.entries[0].at, Date.UTC(2000, 0, 1, 0, 0, 7));
  clock.answered(performance.now(), performance.now(), Date.UTC(2001, 0, 1) / 1_000);
  await http.call("GET", "/symbols");
  assert.equal(new Date(log.calls.entries[0].at).getUTCFullYear(), 2001);
  http.onCall({ ...CALL, servedAt: null });
  assert.equal(new Date(log.calls.entries[0].at).getUTCFullYear(), 2001);
});

test("curl gets what a shell reads back as the same body", () => {
  const body = { note: `it's "quoted" $HOME` };
  const command = curlOf({ ...CALL, body }, ORIGIN);
  assert.match(command, /Bearer \$\{OPENBELL_TOKEN:\?/);
  const told = execFileSync(
    "sh",
    ["-c", `OPENBELL_TOKEN=x; curl() { while [ "$1" != -d ]; do shift; done; printf %s "$2"; }\n${command}`],
    { encoding: "utf-8" },
  );
  assert.deepEqual(JSON.parse(told), body);
  assert.equal(curlOf({ ...CALL, method: "GET", body: undefined, signed: false }, ORIGIN), `curl '${ORIGIN}/order'`);
});

test("Python gets its own words for nothing, true and false", () => {
  const told = pythonOf({ ...CALL, body: { a: null, b: [true, false], c: {}, d: 'say "x"' } }, ORIGIN);
  assert.match(told, /"a": None,/);
  assert.match(told, /True,\n\s+False,/);
  assert.match(told, /"c": \{\},/);
  assert.match(told, /from urllib.request import Request, urlopen/);
});

test("every call is told once it is over, answered or not, and never its token", async () => {
  const calls = [];
  const answers = [
    async () => Response.json({ ok: true }),
    async () => Response.json({ error: "no", error_code: "X" }, { status: 400 }),
    async () => {
      throw new TypeError("gone");
    },
  ];
  const http = new Http("", (...request) => answers.shift()(...request));
  http.onCall = (call) => calls.push(call);
  await http.call("POST", "/order", { body: { a: 1 }, token: "hush" });
  await http.call("DELETE", "/order/1", { token: "hush" }).catch(() => {});
  await http.call("GET", "/health").catch(() => {});
  assert.deepEqual(
    calls.map(({ method, status, signed }) => [method, status, signed]),
    [
      ["POST", 200, true],
      ["DELETE", 400, true],
      ["GET", 0, false],
    ],
  );
  assert.doesNotMatch(JSON.stringify(calls), /hush/);
});
