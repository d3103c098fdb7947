/** Every order type and option of the ticket: what is sent, what is refused beside its field, what it holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeAmend, describeAnswer } from "../../frontend/model/orders/answers.js";
import { costOfSpending, holdPrice, spendable } from "../../frontend/model/ticket/funds.js";
import { ORDER_TYPES, selfTradeModes } from "../../frontend/model/ticket/order-types.js";
import { checkTicket, chosenOptions, stepOf, timeInForce } from "../../frontend/model/ticket/ticket.js";

const RULES = { uncollared_percent: "10", max_slices: 100, max_trail_percent: "100" };
const LIMITS = {
  min_quantity: "0.00001000",
  max_quantity: "100.00000000",
  min_notional: "10",
  max_notional: "5000000",
  collar_percent: "10",
};
const BTC = {
  symbol: "BTC-USDT",
  base: "BTC",
  quote: "USDT",
  tick_size: "0.01",
  lot_size: "0.00000001",
  quote_scale: 10,
  status: "trading",
  limits: LIMITS,
  rules: RULES,
};
const sent = (fields, nowMs) => {
  const { problems, order } = checkTicket({ quantity: "0.5", ...fields }, BTC, nowMs);
  assert.deepEqual(problems, {});
  const { symbol, side, order_type, quantity, ...rest } = order;
  return rest;
};
const problems = (fields, nowMs) => checkTicket({ quantity: "0.5", ...fields }, BTC, nowMs).problems;

test("each type sends the fields that it has, and nothing that is left in the others", () => {
  const left = {
    price: "30000",
    stop_price: "29000",
    stop_limit_price: "28900",
    trail: "50",
    post_only: "reject",
    display_quantity: "",
    take_profit: "",
  };
  assert.deepEqual(sent({ ...left, type: "stop", side: "sell" }), { stop_price: "29000.00" });
  assert.deepEqual(sent({ ...left, type: "stop_limit", side: "sell" }), { stop_price: "29000.00", price: "30000.00" });
  assert.deepEqual(sent({ ...left, type: "trailing_stop" }), { trail_amount: "50.00" });
  assert.deepEqual(sent({ ...left, type: "take_profit" }), { stop_price: "29000.00" });
  assert.deepEqual(sent({ ...left, type: "take_profit_limit" }), { stop_price: "29000.00", price: "30000.00" });
  assert.deepEqual(sent({ ...left, type: "oco", side: "sell" }), {
    price: "30000.00",
    stop_price: "29000.00",
    stop_limit_price: "28900.00",
  });
  assert.deepEqual(sent({ ...left, type: "market" }), {});
  assert.deepEqual(sent({ ...left, type: "limit" }), { price: "30000.00", post_only: true });
});

test("a trail in percent, an amount to spend, a time to end: each in the venue's words", () => {
  assert.deepEqual(sent({ type: "trailing_stop", trail: "1.50", trail_in: "percent" }), { trail_percent: "1.5" });
  const spending = checkTicket({ type: "market", quantity: "1500.25", quantity_in: "quote" }, BTC).order;
  assert.deepEqual([spending.quote_quantity, spending.quantity], ["1500.25", undefined]);
  const ends = "2031-01-01T12:00";
  assert.deepEqual(sent({ price: "30000", time_in_force: "gtd", expire_time: ends }), {
    price: "30000.00",
    time_in_force: "gtd",
    expire_time: String(Date.parse(ends) / 1000),
  });
  assert.deepEqual(sent({ price: "30000", time_in_force: "fok" }), { price: "30000.00", time_in_force: "fok" });
  assert.deepEqual(
    sent({ type: "stop", stop_price: "29000", time_in_force: "fok" }),
    { stop_price: "29000.00" },
    "a stop has no FOK",
  );
});

test("options are sent as they are chosen", () => {
  assert.deepEqual(sent({ price: "30000", post_only: "slide", self_trade_prevention: "decrement" }), {
    price: "30000.00",
    post_only: "slide",
    self_trade_prevention: "decrement",
  });
  assert.deepEqual(sent({ price: "30000", display_quantity: "0.1" }), {
    price: "30000.00",
    display_quantity: "0.10000000",
  });
  assert.deepEqual(sent({ type: "market", take_profit: "31000", stop_loss: "29000", stop_loss_limit: "28900" }), {
    take_profit: "31000.00",
    stop_loss: "29000.00",
    stop_loss_limit: "28900.00",
  });
});

test("what is missing or contradicts itself is named beside its field", () => {
  assert.match(problems({ type: "stop_limit" }).stop_price, /Enter a stop price/);
  assert.match(problems({ price: "30000", post_only: "reject", time_in_force: "ioc" }).post_only, /IOC never does/);
  assert.match(
    problems({ price: "30000", display_quantity: "0.1", time_in_force: "fok" }).display_quantity,
    /FOK never does/,
  );
  assert.match(
    problems({ price: "30000", post_only: "slide", display_quantity: "0.1" }).display_quantity,
    /do not go together/,
  );
  assert.match(problems({ price: "30000", display_quantity: "0.6" }).display_quantity, /more than there is/);
  assert.match(problems({ price: "30000", display_quantity: "0.00499999" }).display_quantity, /hundredth/);
  assert.deepEqual(problems({ price: "30000", display_quantity: "0.005" }), {});
  assert.match(problems({ price: "30000", stop_loss_limit: "29000" }).stop_loss, /stop loss price/);
  assert.match(problems({ type: "trailing_stop", trail: "100", trail_in: "percent" }).trail, /below 100/);
  assert.match(problems({ price: "30000", time_in_force: "gtd" }).expire_time, /day and time/);
  assert.match(
    problems({ price: "30000", time_in_force: "gtd", expire_time: "2020-01-01T00:00" }, Date.UTC(2026, 0)).expire_time,
    /passed/,
  );
});

test("the legs of a pair and the exits of a bracket lie on the right sides", () => {
  const oco = { type: "oco", side: "sell", price: "29000", stop_price: "29500" };
  assert.equal(problems(oco).price, "It must be above the stop price, 29,500.00.");
  assert.deepEqual(problems({ ...oco, side: "buy" }), {});
  const bracket = { side: "buy", price: "30000", take_profit: "29900", stop_loss: "29800" };
  assert.equal(problems(bracket).take_profit, "It must be above the price, 30,000.00.");
  assert.equal(
    problems({ ...bracket, take_profit: "31000", stop_loss: "30000" }).stop_loss,
    "It must be below the price, 30,000.00.",
  );
  assert.equal(problems({ ...bracket, side: "sell" }).stop_loss, "It must be above the price, 30,000.00.");
  assert.match(
    problems({ type: "market", side: "buy", take_profit: "29000", stop_loss: "29500" }).take_profit,
    /above the stop loss price/,
  );
});

test("the least and the most of the symbol are told before the venue would", () => {
  assert.equal(problems({ price: "30000", quantity: "0.000001" }).quantity, "At least 0.00001 BTC an order.");
  assert.equal(problems({ price: "30000", quantity: "101" }).quantity, "At most 100 BTC an order.");
  assert.equal(problems({ price: "100", quantity: "0.05" }).quantity, "At least 10 USDT an order; this is 5.");
  assert.match(problems({ type: "stop", stop_price: "90000", quantity: "99" }).quantity, /At most 5,000,000 USDT/);
});

test("what a type does not have does not count, and the options in use are told in a few words", () => {
  assert.equal(timeInForce({ type: "market", time_in_force: "gtc" }), "ioc");
  assert.deepEqual(chosenOptions({ type: "limit", time_in_force: "gtd", post_only: "slide", stop_loss: "1" }), [
    "GTD",
    "post only",
    "bracket",
  ]);
  assert.deepEqual(chosenOptions({ type: "stop", post_only: "slide", stop_loss: "1", time_in_force: "day" }), ["day"]);
  for (const [name, { times }] of Object.entries(ORDER_TYPES)) assert.ok(times.length > 0, name);
});

test("arrow keys step by what the field is in", () => {
  const step = (name, fields = {}) => stepOf(name, { type: "market", ...fields }, BTC);
  assert.deepEqual(
    [step("stop_price"), step("quantity"), step("quantity", { quantity_in: "quote" })],
    ["0.01", "0.00000001", "1"],
  );
  assert.deepEqual([step("trail"), step("trail", { trail_in: "percent" }), step("expire_time")], ["0.01", "0.1", null]);
});

test("a waiting buy holds up to the collar above its stop, a pair the dearer of its legs", () => {
  assert.equal(holdPrice({ order_type: "limit", price: "30000.00" }, BTC), "30000.00");
  assert.equal(holdPrice({ order_type: "stop", stop_price: "30000.01" }, BTC), "33000.01", "in whole ticks, downwards");
  assert.equal(holdPrice({ order_type: "stop_limit", stop_price: "30000.00", price: "30100.00" }, BTC), "30100.00");
  assert.equal(holdPrice({ order_type: "take_profit", stop_price: "30000.01" }, BTC), "33000.01");
  assert.equal(
    holdPrice({ order_type: "take_profit_limit", stop_price: "30000.00", price: "29900.00" }, BTC),
    "29900.00",
  );
  assert.equal(holdPrice({ order_type: "oco", price: "29000.00", stop_price: "30000.00" }, BTC), "33000.00");
  assert.equal(
    holdPrice({ order_type: "oco", price: "29000.00", stop_price: "30000.00", stop_limit_price: "30010.00" }, BTC),
    "30010.00",
  );
  assert.equal(holdPrice({ order_type: "trailing_stop", trail_amount: "10.00" }, BTC), null);
  const uncollared = { ...BTC, limits: { collar_percent: null } };
  const stop = { order_type: "stop", stop_price: "30000.00" };
  assert.equal(
    holdPrice(stop, { ...uncollared, rules: { uncollared_percent: "20" } }),
    "36000.00",
    "as the venue says",
  );
  assert.equal(holdPrice(stop, { ...uncollared, rules: {} }), null, "what is not known is not guessed");
});

test("what a part of the money can buy at market costs no more than that part, fee included", () => {
  const rates = { maker: 500n, taker: 1000n };
  const amount = spendable("1001.0000000000", 100, BTC, rates);
  assert.equal(amount, "1000");
  assert.deepEqual(costOfSpending(amount, BTC, rates), { asset: "USDT", amount: "1001" });
  assert.equal(spendable("0", 100, BTC, rates), null);
});

test("every kind of answer has its sentence", () => {
  const say = (answer, order) =>
    describeAnswer(
      { filled_quantity: "0", remaining_quantity: "0.5", average_price: null, ...answer },
      { side: "sell", quantity: "0.5", ...order },
      BTC,
    ).text;
  assert.equal(
    say({ status: "pending_trigger", stop_price: "29000.00" }, { order_type: "stop" }),
    "Waiting: sell 0.5 BTC when a trade falls to 29,000.00.",
  );
  assert.equal(
    say({ status: "pending_trigger", stop_price: "31000.00" }, { order_type: "take_profit" }),
    "Waiting: sell 0.5 BTC when a trade rises to 31,000.00.",
  );
  assert.match(
    say({ status: "pending_trigger", stop_price: "29000.00" }, { order_type: "trailing_stop", trail_percent: "1" }),
    /follows the market/,
  );
  assert.match(
    say({ status: "resting", price: "30000.02" }, { price: "29990.00", post_only: "slide" }),
    /at 30,000\.02\. You asked for 29,990\.00\./,
  );
  assert.match(
    say({ status: "resting", price: "31000.00" }, { order_type: "oco", price: "31000.00", stop_price: "29000.00" }),
    /Its stop waits at 29,000\.00/,
  );
  const legs = [
    { status: "resting", price: "31000.00" },
    { status: "pending_trigger", price: null, stop_price: "28000.00" },
  ];
  assert.match(
    say({ status: "filled", filled_quantity: "0.5", average_price: "30000", legs }, {}),
    /Exits are in: take profit 31,000\.00, stop 28,000\.00\.$/,
  );
  assert.match(say({ status: "cancelled", reason: "self_trade" }, {}), /self-trade prevention/);
  assert.match(say({ status: "cancelled", reason: "price_band" }, { time_in_force: "ioc" }), /price band/);
});

test("an amend tells whether priority was kept", () => {
  assert.equal(
    describeAmend({ status: "resting", priority: "kept", queue_position: { orders_ahead: 3 } }).text,
    "Amended: priority kept; 3 ahead of it.",
  );
  assert.equal(
    describeAmend({ status: "resting", priority: "lost", queue_position: { orders_ahead: 0 } }).text,
    "Amended: priority lost; next in line.",
  );
  assert.match(describeAmend({ status: "filled", priority: "lost" }).text, /traded at once/);
  assert.match(describeAmend({ status: "pending_trigger", priority: "kept" }).text, /waits for its trigger/);
});

test("to trade with oneself is offered to an account that is set so, or shown where it was chosen before", () => {
  const offered = (...asked) => selfTradeModes(...asked).map(([mode]) => mode);
  const all = offered({ self_trade_prevention: "none" }, "");
  assert.ok(all.includes("none"));
  const others = all.filter((mode) => mode !== "none");
  assert.deepEqual(offered({ self_trade_prevention: "cancel_newest" }, ""), others);
  assert.deepEqual(offered(null, "decrement"), others);
  assert.deepEqual(offered({ self_trade_prevention: "cancel_newest" }, "none"), all);
});
