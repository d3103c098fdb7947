/** What operators see, and what their forms send. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { checkForm, formOf, inWords, Series, symbolRows } from "../../frontend/model/operator/operator.js";
import { ApiFailure } from "../../frontend/net/http.js";
import { OperatorStore } from "../../frontend/stores/operator.js";

const ACCOUNT = {
  id: "7",
  tier: "vip",
  fees: { maker_percent: "-0.0025", taker_percent: "0.05" },
  limits: { max_open_orders: 5, max_orders_per_second: null, max_notional: "1000" },
  self_trade_prevention: "none",
  status: "active",
  open_orders: 2,
};
const SESSION = { limit_state: null, limit_price: null, band: null, next_change: null };

test("a form shows an account as it is, and sends the same back", () => {
  const form = formOf(ACCOUNT);
  assert.deepEqual([form.maker_fee_bps, form.taker_fee_bps, form.max_orders_per_second], ["-0.25", "5", ""]);
  const { body, problems } = checkForm(form);
  assert.deepEqual(problems, {});
  assert.deepEqual(body, {
    tier: "vip",
    maker_fee_bps: "-0.25",
    taker_fee_bps: "5",
    max_open_orders: 5,
    max_notional: "1000",
    self_trade_prevention: "none",
  });
});

test("what is no number is not sent", () => {
  const { body, problems } = checkForm({
    ...formOf(ACCOUNT),
    tier: " ",
    max_open_orders: "1.5",
    taker_fee_bps: "much",
  });
  assert.equal(body, null);
  assert.deepEqual(Object.keys(problems).sort(), ["max_open_orders", "taker_fee_bps", "tier"]);
});

test("symbols say their limit state, band and next change", () => {
  const [first, second] = symbolRows(
    {
      B: {
        status: "trading",
        session: {
          ...SESSION,
          limit_state: "buy",
          limit_price: "1100.00",
          band: ["900.00", "1100.00"],
          next_change: { status: "closed", at: 400 },
        },
        active_orders: 3,
        total_trades: 1,
      },
      A: { status: "halted", session: SESSION, active_orders: 0, total_trades: 0 },
    },
    100,
  );
  assert.deepEqual([first.symbol, first.limit, first.next], ["A", "", ""]);
  assert.deepEqual(
    [second.limit, second.band, second.next],
    ["Limit up at 1,100.00", "900.00 – 1,100.00", "Closed in 5 min"],
  );
  assert.deepEqual([inWords(-3), inWords(10_800), inWords(260_000)], ["in 0 s", "in 3 h", "in 3 d"]);
});

test("a plot keeps two minutes, and its newest point is to the right", () => {
  const series = new Series();
  for (let value = 0; value <= 200; value += 1) series.add(value);
  assert.equal(series.values.length, 120);
  assert.equal(series.line(119, 10).split(" ").at(-1), "119.0,0.0");
  assert.equal(new Series().line(1, 1), "");
});

test("what was done is said, the account is read anew, and a refusal is said too", async () => {
  const asked = [];
  const api = {
    operate: async (method, path) => {
      asked.push(`${method} ${path}`);
      if (path.endsWith("/stop"))
        throw Object.assign(new Error("Only operators may do this."), {
          kind: "refused",
          code: "OPERATOR_NEEDED",
          message: "Only operators may do this.",
        });
      return path.endsWith("/orders") ? { count: 2 } : { account: ACCOUNT, balances: [] };
    },
  };
  const operator = new OperatorStore(api, new EventTarget());
  await operator.find("7");
  await operator.cancelAll();
  assert.deepEqual(asked, ["GET /accounts/7", "DELETE /accounts/7/orders", "GET /accounts/7"]);
  assert.equal(operator.result.text, "2 orders cancelled.");
  await operator.stop(true);
  assert.deepEqual(operator.result, { tone: "bad", text: "Only operators may do this." });
  assert.equal(operator.busy, false);
});

test("an account is found by its number or its name, several by how a name begins, page after page", async () => {
  const asked = [];
  const everybody = [
    { account: "1000", name: "ada" },
    { account: "1001", name: "adam" },
    { account: "1002", name: "Bob" },
  ];
  const api = {
    operate: async (_method, path) => {
      asked.push(path);
      const url = new URL(path, "http://venue");
      if (url.pathname !== "/accounts")
        return { account: { ...ACCOUNT, id: url.pathname.split("/").at(-1) }, balances: [] };
      const [name, after] = ["name", "after"].map((key) => url.searchParams.get(key));
      const accounts = everybody.filter(
        (row) => row.name.toLowerCase().startsWith(name) && (after === "" || row.name.toLowerCase() > after),
      );
      return { accounts: accounts.slice(0, 2), next: accounts.length > 2 ? accounts[1].name : null };
    },
  };
  const operator = new OperatorStore(api, new EventTarget());
  await operator.find("");
  assert.deepEqual(
    [operator.account, operator.accounts.map(({ name }) => name), operator.moreAccounts],
    [null, ["ada", "adam"], "adam"],
  );
  await operator.findMore();
  assert.deepEqual([operator.accounts.map(({ name }) => name), operator.moreAccounts], [["ada", "adam", "Bob"], null]);
  await operator.find("ad");
  assert.deepEqual([operator.account, operator.accounts.length], [null, 2]);
  await operator.find("ada"); // a whole name, though another begins with it
  assert.equal(operator.account.account.id, "1000");
  await operator.find("b"); // the only one
  assert.equal(operator.account.account.id, "1002");
  await operator.find("nobody");
  assert.deepEqual([operator.account, operator.result.text], [null, "Nobody's name begins with nobody."]);
  await operator.find("1001");
  assert.equal(asked.at(-1), "/accounts/1001");
});

test("symbols and statistics are asked for every second, and not before the venue wants to be asked", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  const limited = async () => {
    asked += 1;
    throw new ApiFailure("refused", "No.", { status: 429, retryAfterMs: 5_000 });
  };
  const operator = new OperatorStore(
    { symbols: limited, statistics: async () => ({}), health: async () => ({}) },
    new EventTarget(),
  );
  const counts = [];
  operator.watch();
  for (const ms of [0, 4_999, 1]) {
    context.mock.timers.tick(ms);
    await new Promise((resolve) => setImmediate(resolve));
    counts.push(asked);
  }
  operator.unwatch();
  assert.deepEqual(counts, [1, 1, 2]);
});
