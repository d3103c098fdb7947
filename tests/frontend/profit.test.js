/** Profit and loss is the venue's own: shown as it is latest, asked for after each fill and not too often. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fillsIn, profitRows } from "../../frontend/model/account/profit.js";
import { ApiFailure } from "../../frontend/net/http.js";
import { PortfolioStore } from "../../frontend/stores/portfolio.js";
import { ProfitStore } from "../../frontend/stores/profit.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const INSTRUMENTS = new Map([
  ["BTC-USDT", { tick_size: "0.01" }],
  ["PEPE-USDT", { tick_size: "0.00000001" }],
]);
const POSITION = {
  symbol: "BTC-USDT",
  base: "BTC",
  quote: "USDT",
  position: "0.75000000",
  average_price: "30010.005",
  cost: "22507.50375",
  mark: "30020.005",
  value: "22515.00375",
  realised: "12.5",
  unrealised: "7.5",
  fees: "3.25",
  profit: "16.75",
  fills: 7312,
};
const TOTAL = { asset: "USDT", realised: "12.5", unrealised: "7.5", fees: "3.25", profit: "16.75", fills: 7312 };
const ANSWER = { account: "1000", positions: [POSITION], totals: [TOTAL], timestamp: 1_700_000_000.5, seq: 4711 };
const texts = (row) =>
  Object.fromEntries(
    ["position", "average", "mark", "unrealised", "realised", "fees", "profit"].map((name) => [name, row[name].text]),
  );

test("each symbol has its row and each asset of payment its total, as the venue tells them", () => {
  const [row, total] = profitRows(ANSWER, INSTRUMENTS);
  assert.deepEqual(texts(row), {
    position: "0.75",
    average: "30,010.01",
    mark: "30,020.01",
    unrealised: "+7.50",
    realised: "+12.50",
    fees: "3.25",
    profit: "+16.75",
  });
  assert.deepEqual(
    [row.name, row.fills, row.total, row.average.exact, row.profit.sign],
    ["BTC-USDT", "7,312", false, "30010.005 USDT", 1],
  );
  assert.deepEqual(
    [total.name, total.total, total.profit.text, total.position.text],
    ["All in USDT", true, "+16.75", ""],
  );
  assert.equal(fillsIn(ANSWER), 7312);
});

test("losses, sales beyond what was bought, rebates and what has no price are each latest apart", () => {
  const short = {
    ...POSITION,
    symbol: "PEPE-USDT",
    base: "PEPE",
    position: "-1000",
    average_price: "0.00001234",
    mark: null,
    value: null,
    realised: "-494.70",
    unrealised: null,
    fees: "-0.5",
    profit: null,
  };
  const [row] = profitRows({ positions: [short], totals: [] }, INSTRUMENTS);
  assert.deepEqual(texts(row), {
    position: "−1,000",
    average: "0.00001234",
    mark: "–",
    unrealised: "–",
    realised: "−494.70",
    fees: "+0.50",
    profit: "–",
  });
  assert.deepEqual([row.realised.sign, row.fees.sign, row.fees.exact], [-1, 1, "0.5 USDT, more rebates than fees"]);
  const [flat] = profitRows(
    { positions: [{ ...POSITION, position: "0", average_price: null, unrealised: "0", profit: "9.25" }], totals: [] },
    INSTRUMENTS,
  );
  assert.deepEqual(
    [flat.position.text, flat.average.text, flat.unrealised.text, flat.unrealised.sign],
    ["0", "–", "0.00", 0],
  );
  assert.equal(
    profitRows({ positions: [{ ...POSITION, symbol: "GONE-X" }], totals: [] }, INSTRUMENTS)[0].average.text,
    "30,010.01",
    "of a symbol that is not listed any more",
  );
});

/** A clock and timers of our own, moved together. */
function clockOf(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 100_000;
  context.mock.method(performance, "now", () => nowMs);
  return async (ms) => {
    for (let left = ms; left > 0; left -= 100) {
      nowMs += 100;
      context.mock.timers.tick(100);
      await settled();
    }
  };
}

test("it is asked for while somebody looks: after fills, once more after the last, and as prices move", async (context) => {
  const pass = clockOf(context);
  let asked = 0;
  const profit = new ProfitStore({ profit: async () => ((asked += 1), { ...ANSWER, seq: asked }) });
  profit.filled();
  await pass(1_000);
  assert.equal(asked, 0, "nobody looks");
  profit.watch();
  await pass(100);
  for (let fills = 0; fills < 20; fills += 1) {
    profit.filled();
    await pass(100);
  }
  assert.ok(asked <= 4, "not more than once a second");
  const before = asked;
  profit.filled();
  await pass(1_000);
  assert.deepEqual([asked, profit.latest.seq], [before + 1, before + 1]);
  await pass(5_000);
  assert.equal(asked, before + 2);
  profit.unwatch();
  await pass(20_000);
  assert.equal(asked, before + 2);
});

test("what fails for the moment is asked for again by itself, what is refused for good is not", async (context) => {
  const pass = clockOf(context);
  const slow = new ApiFailure("refused", "No.", { status: 429, code: "TOO_MANY_REQUESTS", retryAfterMs: 3_000 });
  const answers = [slow, ANSWER];
  const profit = new ProfitStore({
    profit: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  profit.watch();
  await settled();
  assert.deepEqual([profit.latest, profit.failure], [null, slow]);
  await pass(2_900);
  assert.equal(profit.latest, null);
  await pass(200);
  assert.deepEqual([profit.latest, profit.failure], [ANSWER, null]);
  let asked = 0;
  const barred = new ProfitStore({
    profit: async () => {
      asked += 1;
      throw new ApiFailure("refused", "No.", { status: 403 });
    },
  });
  barred.watch();
  await pass(30_000);
  assert.equal(asked, 1);
});

test("another account's figures are forgotten at once, and an answer that was under way is left alone", async () => {
  const answers = [];
  const profit = new ProfitStore({ profit: () => new Promise((answer) => answers.push(answer)) });
  profit.watch();
  profit.forget();
  answers[0](ANSWER);
  await settled();
  assert.equal(profit.latest, null);
  answers[1]({ ...ANSWER, account: "1001" });
  await settled();
  assert.equal(profit.latest.account, "1001");
  profit.unwatch();
});

test("a fill that is heard, and a connection that is new, have it asked for", async () => {
  const access = Object.assign(new EventTarget(), { session: { account: "1000" } });
  const listed = {
    orders: async () => ({ orders: [], seq: 1, next_cursor: null }),
    fills: async () => ({ fills: [], count: 0 }),
    account: async () => ({}),
    profit: async () => ANSWER,
  };
  const portfolio = new PortfolioStore(listed, { subscribe() {}, unsubscribe() {} }, access, { next: () => "1" });
  let wanted = 0;
  portfolio.profit.filled = () => (wanted += 1);
  const event = { event_type: "filled", order_id: "3", symbol: "BTC-USDT", side: "buy", status: "filled", seq: 2 };
  portfolio.foldOrderEvents([{ ...event, event_type: "accepted", status: "resting" }]);
  assert.equal(wanted, 0);
  portfolio.foldOrderEvents([
    { ...event, fill: { trade_id: "1", price: "1.00", quantity: "1", fee: "0", liquidity: "taker", timestamp: 1 } },
  ]);
  assert.equal(wanted, 1);
  await portfolio.load();
  assert.equal(wanted, 2);
});
