/**
 * Previews: what is in reach of a market order, how an order ends, what keeps one from being taken.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNotTaken } from "../../frontend/model/market/trading-status.js";
import { abbreviated } from "../../frontend/model/parts/decimal.js";
import { affordable, costNow, isHoldCertain, withinReach } from "../../frontend/model/ticket/funds.js";
import { describeEnd, isEnded, previewOfQuote, previewOfTest } from "../../frontend/model/ticket/preview.js";

const SOL = {
  symbol: "SOL-USDT",
  base: "SOL",
  quote: "USDT",
  tick_size: "0.01",
  lot_size: "0.000001",
  quote_scale: 10,
  limits: { collar_percent: "10" },
};
const RATES = { maker: 0n, taker: 0n };
const level = ([price, quantity]) => ({ price, quantity });
const BOOK = {
  asks: [
    ["107.00", "60.500000"],
    ["125.00", "1000.000000"],
    ["126.00", "1000.000000"],
  ].map(level),
  bids: [
    ["99.00", "1.000000"],
    ["60.00", "5.000000"],
  ].map(level),
};
const prices = (side, market = {}, instrument = SOL, book = BOOK) =>
  withinReach(side, book, { last: "107.00", band: null, ...market }, instrument).map(({ price }) => price);

test("a market order reaches to the collar around the last trade, brought inside the best prices, and to the band", () => {
  assert.deepEqual(prices("buy"), ["107.00"]);
  assert.deepEqual(prices("buy", { last: "1.00" }), ["107.00"], "not below the best bid: up to 108.90");
  assert.deepEqual(
    prices("buy", { last: "1.00" }, SOL, {
      ...BOOK,
      bids: [level(["98.00", "1"])],
      asks: [...BOOK.asks, level(["107.81", "1"])].sort((a, b) => a.price - b.price),
    }),
    ["107.00"],
  );
  assert.deepEqual(prices("buy", { last: "500.00" }), ["107.00"], "not above the best ask: up to 117.70");
  assert.deepEqual(prices("buy", { last: null }), ["107.00"]);
  assert.deepEqual(prices("sell", { last: "99.00" }), ["99.00"]);
  assert.deepEqual(prices("buy", {}, { ...SOL, limits: { collar_percent: null } }), ["107.00", "125.00", "126.00"]);
  assert.deepEqual(prices("buy", { band: ["90.00", "125.00"] }, { ...SOL, limits: {} }), ["107.00", "125.00"]);
  assert.deepEqual(prices("sell", { band: ["70.00", "125.00"] }, { ...SOL, limits: {} }), ["99.00"]);
  assert.deepEqual(prices("buy", {}, SOL, { asks: [], bids: BOOK.bids }), []);
});

test("what is beyond the collar costs nothing and is not bought with a part of what is available", () => {
  const asks = withinReach("buy", BOOK, { last: "107.00", band: null }, SOL);
  assert.equal(costNow({ side: "buy", quantity: "1000.000000" }, asks, SOL, RATES).amount, "6473.5");
  assert.equal(affordable({ side: "buy", price: null }, "100000", 75, asks, SOL, RATES), "60.500000");
});

test("only a hold that the venue would reckon likewise is reason enough not to send", () => {
  const limit = { order_type: "limit", price: "100.00" };
  assert.ok(
    isHoldCertain(limit, null) &&
      isHoldCertain(limit, ["90.00", "100.00"]) &&
      isHoldCertain({ ...limit, post_only: true }, null),
  );
  assert.ok(!isHoldCertain({ order_type: "market" }, null));
  assert.ok(!isHoldCertain({ ...limit, post_only: "slide" }, null), "it may slide to a lower price");
  assert.ok(!isHoldCertain(limit, ["90.00", "99.99"]), "the band brings it to a lower price");
});

const ANSWER = {
  accepted: true,
  repeated: false,
  status: "cancelled",
  reason: "immediate_or_cancel",
  quantity: "80.000000",
  filled_quantity: "50.000000",
  average_price: "190",
  slippage_percent: "0.1",
  notional: "9500",
  taker_fee: "4.75",
  held: "0",
  held_asset: "USDT",
  protections: [],
};
const told = (answer, order, offered = "50.000000") =>
  describeEnd(
    previewOfTest({ ...ANSWER, ...answer }),
    { side: "buy", order_type: "limit", quantity: "80.000000", ...order },
    offered,
    "SOL",
  );
const NONE = { filled_quantity: "0.000000", average_price: null };

test("it is told that the rest would be cancelled, or all of it, and why", () => {
  assert.equal(
    told({}, { time_in_force: "ioc" }),
    "Only 50 of 80 SOL would trade within your price; the rest would be cancelled.",
  );
  assert.equal(
    told(NONE, { time_in_force: "ioc" }, "0.000000"),
    "It would be cancelled: nothing is offered within your price.",
  );
  assert.equal(
    told(NONE, { time_in_force: "ioc", side: "sell" }, "0"),
    "It would be cancelled: nothing is wanted within your price.",
  );
  assert.equal(
    told({ ...NONE, reason: "fill_or_kill" }, { time_in_force: "fok" }),
    "It would be cancelled: only 50 of 80 SOL is offered within your price. What others hide is not counted.",
  );
  assert.equal(
    told({ ...NONE, reason: "fill_or_kill" }, { time_in_force: "fok", order_type: "market" }),
    "It would be cancelled: only 50 of 80 SOL is offered. What others hide is not counted.",
  );
  assert.equal(told({ ...NONE, reason: "self_trade" }, { time_in_force: "fok" }, "90"), "It would be cancelled.");
  assert.equal(
    told({ reason: "no_liquidity" }, { order_type: "market" }),
    "Only 50 of 80 SOL would trade; the rest would be cancelled.",
  );
  assert.equal(
    told({}, { order_type: "market", quantity: undefined, quote_quantity: "99999" }),
    "The book has only 50 SOL of it; the rest would be cancelled.",
  );
  assert.equal(told({ status: "filled", filled_quantity: "80.000000" }, { time_in_force: "ioc" }), "");
  assert.equal(told({ status: "partially_filled" }, {}), "");
  const quote = previewOfQuote(
    { quantity: "80", filled_quantity: "50", average_price: "1", notional: "50", taker_fee: "0" },
    "buy",
    "1",
  );
  assert.match(describeEnd(quote, { side: "buy", order_type: "market" }, "50", "SOL"), /^Only 50 of 80/);
  assert.deepEqual(
    [isEnded(previewOfTest(ANSWER)), isEnded(previewOfTest({ ...ANSWER, status: "resting" })), isEnded(quote)],
    [true, false, false],
  );
});

test("what an order would bring with it and set off is told", () => {
  const notes = (answer) => previewOfTest({ ...ANSWER, ...answer }).notes.join(" ");
  const leg = { order_type: "stop", status: "pending_trigger", filled_quantity: "0", reason: null, protections: [] };
  assert.equal(notes({ order_type: "limit", legs: [leg], would_trigger: 0 }), "");
  assert.match(
    notes({ order_type: "limit", legs: [{ ...leg, status: "filled", filled_quantity: "1" }] }),
    /^Its stop loss would trigger at once\.$/,
  );
  assert.match(
    notes({ order_type: "limit", legs: [{ ...leg, order_type: "limit", status: "filled", filled_quantity: "1" }] }),
    /^Its take profit would trade at once\.$/,
  );
  assert.match(
    notes({ order_type: "oco", reason: "one_cancels_other", legs: [{ ...leg, status: "filled" }] }),
    /^Its stop price is reached already/,
  );
  assert.match(
    notes({
      order_type: "oco",
      status: "filled",
      legs: [{ ...leg, status: "cancelled", reason: "one_cancels_other" }],
    }),
    /^Its limit would trade at once/,
  );
  assert.equal(notes({ would_trigger: 1 }), "Its trades would reach the trigger of a waiting order of yours.");
  const held = { held: "0.02", held_asset: "USDT" };
  assert.match(notes({ ...held, held_rounding: "0.009995" }), /^0\.009995 USDT of what is set aside is rounding/);
  assert.equal(notes({ ...held, held_rounding: "0.0002" }), "", "no more than a hundredth");
  assert.match(notes({ would_trigger: 3 }), /of 3 waiting orders of yours\.$/);
  assert.match(
    notes({ protections: ["self_trade"], legs: [{ ...leg, protections: ["self_trade"] }] }),
    /^It meets [^.]*\.$/,
    "once",
  );
  const exits = { entered: "when_it_ends", quantity: "50.000000", held: "50", held_asset: "SOL", reason: null };
  assert.deepEqual(previewOfTest({ ...ANSWER, exits }).exits, { at_once: false, quantity: "50.000000" });
  assert.match(
    notes({ exits: { ...exits, entered: "at_once", reason: "insufficient_funds" } }),
    /^Its exits could not be paid for/,
  );
});

test("what a status does not take is told with the status", () => {
  const why = (status, order) => whyNotTaken(status, "SOL-USDT", order);
  assert.equal(why("halted", null), "SOL-USDT is halted: no orders are taken; cancels work.");
  assert.match(why("closed", { order_type: "limit" }), /^SOL-USDT is closed/);
  for (const status of ["pre_open", "auction"]) {
    assert.match(why(status, { order_type: "market" }), /but not a market order\.$/);
    assert.match(why(status, { order_type: "limit", time_in_force: "fok" }), /but not FOK\.$/);
    assert.match(why(status, { order_type: "limit", post_only: "slide" }), /but not post only\.$/);
    assert.deepEqual(
      [why(status, null), why(status, { order_type: "limit" }), why(status, { order_type: "stop" })],
      ["", "", ""],
    );
  }
  assert.equal(why("trading", { order_type: "market" }), "");
});

test("a number that has no room is short, cut and not rounded, and others are left as they are", () => {
  assert.deepEqual(
    ["999999", "1234567.5", "0.5", "12"].map((text) => abbreviated(text, 8)),
    ["999999", "1234567.5", "0.5", "12"],
  );
  assert.deepEqual(
    ["987646666791", "123456789", "1999999999999", "1000000000"].map((text) => abbreviated(text, 8)),
    ["987.6B", "123.4M", "1.999T", "1B"],
  );
  assert.equal(abbreviated("12345678901234567890", 8), "12345678T");
  assert.equal(abbreviated("987646666791", 5, 3), "987B");
});
