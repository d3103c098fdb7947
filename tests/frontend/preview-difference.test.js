/** What was foretold of an order is never left at an old answer, and what came otherwise is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Book } from "../../frontend/model/market/book.js";
import { NOTHING } from "../../frontend/model/ticket/preview.js";
import { differenceFrom } from "../../frontend/model/ticket/preview-difference.js";
import { ApiFailure } from "../../frontend/net/http.js";
import { LevelQueueStore } from "../../frontend/stores/level-queue.js";
import { OrderEntryStore } from "../../frontend/stores/order-entry.js";

const BTC = { symbol: "BTC-USDT", base: "BTC", quote: "USDT", tick_size: "0.01", lot_size: "0.01", status: "trading" };
const settled = () => new Promise((resolve) => setImmediate(resolve));
const ANSWER = {
  accepted: true,
  status: "filled",
  reason: null,
  quantity: "1.00",
  filled_quantity: "1.00",
  average_price: "111.00",
  slippage_percent: "0.1",
  notional: "111.00",
  taker_fee: "0",
  held: "0",
  held_asset: "USDT",
  protections: [],
};
const averaging = (price) => ({ ...ANSWER, average_price: price });

/** A clock and timers of our own, moved together. */
function clockOf(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 100_000;
  context.mock.method(performance, "now", () => nowMs);
  return async (ms) => {
    await settled();
    for (let left = ms; left > 0; left -= 50) {
      nowMs += Math.min(50, left);
      context.mock.timers.tick(Math.min(50, left));
      await settled();
    }
  };
}

/** A market whose venue answers `test` each time it is asked what an order would do. */
function marketOf(test) {
  const asked = [];
  const portfolio = Object.assign(new EventTarget(), {
    access: { session: { account: "1000" } },
    account: null,
    balances: { loaded: false, available: () => "0" },
    orders: { open: () => [] },
    testOrder: async (order) => (asked.push(order), test(asked.length)),
    enterOrder: async () => ({
      status: "filled",
      order_id: "5",
      filled_quantity: "1.00",
      remaining_quantity: "0.00",
      average_price: "116.00",
    }),
    nextClientOrderId: () => "1",
  });
  const market = Object.assign(new EventTarget(), {
    instrument: BTC,
    portfolio,
    book: new Book(2, 2),
    tape: { trades: [] },
    trading: { status: "trading" },
    linkState: "live",
    clock: { at: () => null },
  });
  return { market, portfolio, asked, tell: (part, of = market) => of.dispatchEvent(new Event(part)) };
}

/** Its ticket, with a market order of one. */
function entryOf(market) {
  const entry = new OrderEntryStore(market);
  entry.edit("type", "market");
  entry.edit("quantity", "1");
  return entry;
}

test("what moved just after the preview came is asked about, though nothing moves ever after", async (context) => {
  const pass = clockOf(context);
  const { market, asked, tell } = marketOf((count) => averaging(count === 1 ? "111.00" : "116.00"));
  const entry = entryOf(market);
  await pass(200);
  assert.deepEqual([asked.length, entry.preview.now.average], [1, "111.00"]);
  await pass(50);
  tell("book");
  tell("book");
  await pass(850);
  assert.equal(asked.length, 1, "not more than once a second");
  await pass(200);
  assert.deepEqual([asked.length, entry.preview.now.average], [2, "116.00"]);
  await pass(10_000);
  assert.equal(asked.length, 2, "and not without a reason");
});

test("what moves while the answer is on its way is asked about after it, and a slow answer is waited for", async (context) => {
  const pass = clockOf(context);
  const answers = [];
  const { market, asked, tell } = marketOf(() => new Promise((answer) => answers.push(answer)));
  const entry = entryOf(market);
  await pass(200);
  for (let moves = 0; moves < 30; moves += 1) {
    tell("book");
    await pass(100);
  }
  assert.equal(asked.length, 1, "a market that moves does not take back a question that is not answered yet");
  answers[0](averaging("111.00"));
  await pass(50);
  assert.deepEqual([entry.preview.now.average, asked.length], ["111.00", 2]);
});

test("whatever a preview depends on renews it: the book, the last trade, the band, own orders, the balances", async (context) => {
  const pass = clockOf(context);
  const { market, portfolio, asked, tell } = marketOf(() => ANSWER);
  entryOf(market);
  await pass(200);
  for (const [part, of] of [
    ["book", market],
    ["tape", market],
    ["status", market],
    ["orders", portfolio],
    ["balances", portfolio],
  ]) {
    const before = asked.length;
    await pass(1_000);
    tell(part, of);
    await pass(100);
    assert.equal(asked.length, before + 1, part);
  }
});

test("a preview that failed for the moment is asked for again by itself, as late as the venue wants", async (context) => {
  const pass = clockOf(context);
  const tooMany = new ApiFailure("refused", "No.", { status: 429, code: "TOO_MANY_REQUESTS", retryAfterMs: 7_000 });
  const { market, asked, tell } = marketOf((count) => (count === 1 ? Promise.reject(tooMany) : ANSWER));
  const entry = entryOf(market);
  await pass(200);
  tell("book");
  await pass(6_900);
  assert.deepEqual([asked.length, entry.preview.now], [1, null]);
  await pass(200);
  assert.deepEqual([asked.length, entry.preview.now.average], [2, "111.00"]);
});

test("a draft that is still typed is not asked about because the market moves", async (context) => {
  const pass = clockOf(context);
  const { market, asked, tell } = marketOf(() => ANSWER);
  const entry = entryOf(market);
  for (const quantity of ["1", "12", "123"]) {
    entry.edit("quantity", quantity);
    tell("book");
    await pass(150);
  }
  assert.equal(asked.length, 0);
  await pass(50);
  assert.deepEqual(
    asked.map(({ quantity }) => quantity),
    ["123.00"],
  );
});

test("the queue of a level is not taken back before it is answered, and asked for after the last change", async (context) => {
  const pass = clockOf(context);
  const { market } = marketOf(() => ANSWER);
  const answers = [];
  const api = { bookOrders: () => new Promise((answer) => answers.push(answer)) };
  const book = (seq) => market.book.applySnapshot({ seq, bids: [["100.00", `${seq}.00`, 1]], asks: [] });
  book(1);
  const queue = new LevelQueueStore(api, market);
  queue.open({ side: "buy", price: "100.00", grouping: "0.01" });
  for (let seq = 2; seq < 20; seq += 1) {
    await pass(100);
    book(seq);
    market.dispatchEvent(new Event("book"));
  }
  assert.equal(answers.length, 1);
  answers[0]({ bids: [], asks: [] });
  await pass(50);
  assert.deepEqual([answers.length, queue.orders], [2, []]);
  queue.close();
});

const sell = { side: "sell", order_type: "market", quantity: "1.00" };
const buy = { ...sell, side: "buy" };
const filled = (average_price, filled_quantity = "1.00") => ({ status: "filled", filled_quantity, average_price });
const foretold = { ...NOTHING, filled: "1.00", average: "111" };

test("the answer says by how much it is worse or better than the preview, and only then", () => {
  const said = (answer, order = buy, told = foretold) => differenceFrom(answer, order, told, BTC).text;
  assert.equal(said(filled("116")), "That is 4.5 % worse than the preview's 111.");
  assert.equal(said(filled("116"), sell), "That is 4.5 % better than the preview's 111.");
  assert.equal(said(filled("110.5")), "That is 0.45 % better than the preview's 111.");
  assert.equal(said(filled("111.001")), "That is less than 0.01 % worse than the preview's 111.");
  assert.equal(said(filled("111.00")), "");
  assert.equal(said(filled("111.00000001")), "", "as both are shown they are the same");
  assert.equal(said(filled("116"), buy, null), "", "nothing was on the screen");
  assert.equal(
    said({ status: "cancelled", filled_quantity: "0.00", average_price: null }),
    "",
    "that nothing was filled is said already",
  );
  assert.equal(said(filled("111", "0.40")), "That is 0.4 BTC where the preview told 1 BTC.");
  assert.equal(said(filled("116"), buy, NOTHING), "The preview foretold no trade.");
  assert.deepEqual(
    [filled("112"), filled("112.2"), filled("100")].map((answer) => differenceFrom(answer, buy, foretold, BTC).costly),
    [false, true, false],
  );
});

test("who bought at 116 where the ticket told 111 reads so, and sees no green", async (context) => {
  const pass = clockOf(context);
  const { market } = marketOf(() => ANSWER);
  const entry = entryOf(market);
  await pass(200);
  entry.submit();
  await pass(50);
  assert.deepEqual(
    [entry.result.tone, entry.result.text],
    ["plain", "Bought 1 BTC at 116.00 on average. That is 4.5 % worse than the preview's 111.00."],
  );
});
