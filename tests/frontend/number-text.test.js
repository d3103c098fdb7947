/** Numbers as people write and paste them: each is read exactly, asked about, or refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForm, formOf } from "../../frontend/model/operator/operator.js";
import { checkAmend } from "../../frontend/model/orders/amend.js";
import { isPlain, numberProblem, readNumber, readWhole } from "../../frontend/model/parts/number-text.js";
import { checkTicket, problemOf, stepped } from "../../frontend/model/ticket/ticket.js";

const BTC = {
  symbol: "BTC-USDT",
  base: "BTC",
  quote: "USDT",
  tick_size: "0.01",
  lot_size: "0.00000001",
  status: "trading",
};
const NBSP = "\u00a0";
const NARROW = "\u202f";
const THIN = "\u2009";
const CURLY = "\u2019";

/** @type {[typed: string, plain: string][]} */
const READ = [
  ["30,002.91", "30002.91"],
  ["1,234,567", "1234567"],
  ["1,234,567.89", "1234567.89"],
  ["1,234.5", "1234.5"],
  ["1,234.567", "1234.567"],
  ["1,234.", "1234"],
  ["29 000.50", "29000.50"],
  [`29${NBSP}000.50`, "29000.50"],
  [`29${NARROW}000,50`, "29000.50"],
  [`29${THIN}000.50`, "29000.50"],
  ["1 234 567", "1234567"],
  ["1 234,567", "1234.567"],
  ["29'000.50", "29000.50"],
  [`29${CURLY}000${CURLY}123`, "29000123"],
  ["29'000,5", "29000.5"],
  ["29000,5", "29000.5"],
  ["29000,500", "29000.500"],
  ["0,5", "0.5"],
  ["0,500", "0.500"],
  ["0,00000001", "0.00000001"],
  [",5", "0.5"],
  ["5,", "5"],
  ["1234,567", "1234.567"],
  ["1,23", "1.23"],
  ["29.000,50", "29000.50"],
  ["1.234.567", "1234567"],
  ["1.234.567,8", "1234567.8"],
  ["29.000,500", "29000.500"],
  ["1.234", "1.234"],
  ["29.000", "29.000"],
  ["12.5", "12.5"],
  [".5", "0.5"],
  ["5.", "5"],
  ["007", "7"],
  ["0", "0"],
  ["0.10", "0.10"],
  ["12345678901234567890.123456789", "12345678901234567890.123456789"],
  ["1,00,000.50", "100000.50"],
  ["12,34,567", "1234567"],
  [" 12.5 ", "12.5"],
  [`${NBSP}12.5\t`, "12.5"],
  ["-1.5", "-1.5"],
  ["\u22121.5", "-1.5"],
];
/** With a unit of the field behind. @type {[typed: string, units: string[], plain: string][]} */
const WITH_UNIT = [
  ["0.5 BTC", ["BTC"], "0.5"],
  ["0.5btc", ["BTC"], "0.5"],
  ["30,002.91 USDT", ["USDT"], "30002.91"],
  [`30${NARROW}002,91${NBSP}USDT`, ["USDT"], "30002.91"],
  ["1.5 %", ["%"], "1.5"],
  ["1,5%", ["%"], "1.5"],
  ["5 1INCH", ["1INCH"], "5"],
  ["2.5 bps", ["bps"], "2.5"],
  ["7", ["BTC"], "7"],
];
/** @type {[typed: string, one: string, other: string][]} */
const ASKED = [
  ["1,234", "1234", "1.234"],
  ["12,345", "12345", "12.345"],
  ["123,456", "123456", "123.456"],
  ["999,999", "999999", "999.999"],
  ["-1,234", "-1234", "-1.234"],
  [" 1,234 ", "1234", "1.234"],
];
const REFUSED = [
  "abc",
  "1e3",
  "NaN",
  "Infinity",
  "0x10",
  "1_000",
  "+5",
  "--1",
  "1-2",
  "1 2",
  "1 23",
  "12 34 567",
  "1,,234",
  "1,23,4",
  "12,34.5",
  "1.23,4",
  "1,234,5",
  "1.234,567.8",
  "1,234 567",
  "1'23",
  "1..5",
  "1.2.3",
  ".",
  ",",
  "-",
  "'",
  "1,234,",
  "5k",
  "987.6B",
  "0,123,456",
  "BTC",
  "5 BTC 5",
  "\u0661\u0662",
  "\uff12",
  "1/2",
  "1\u00bd",
  "0.5 0.6",
];

test("what people write and paste is read as the one number that it can be", () => {
  for (const [typed, plain] of READ) assert.deepEqual(readNumber(typed), { value: plain }, typed);
  for (const [typed, units, plain] of WITH_UNIT) assert.deepEqual(readNumber(typed, units), { value: plain }, typed);
});

test("what could be two numbers is asked about, with both", () => {
  for (const [typed, one, other] of ASKED) assert.deepEqual(readNumber(typed), { readings: [one, other] }, typed);
  assert.deepEqual(readNumber("1,234 BTC", ["BTC"]).readings, ["1234", "1.234"]);
  assert.equal(numberProblem("1,234", "price"), "1,234 could be 1234 or 1.234: which?");
});

test("what is no number is none, and nothing of it is guessed", () => {
  for (const typed of REFUSED) {
    const { value, readings, problem } = readNumber(typed);
    assert.deepEqual([value, readings], [undefined, undefined], typed);
    assert.ok(problem, typed);
  }
  assert.equal(readNumber("   ").problem, "");
});

test("what is read is what the venue's own grammar takes: ASCII digits, a point, digits", () => {
  for (const [typed] of READ) assert.match(readNumber(typed).value, /^-?\d+(?:\.\d+)?$/, typed);
});

test("another unit than the field's is named", () => {
  assert.equal(numberProblem("0.5 BTC", "price", ["USDT"]), "The unit here is USDT, not BTC.");
  assert.equal(numberProblem("5k", "price", ["USDT"]), "The price is a plain number such as 12.5.");
  assert.equal(numberProblem("30,002.91", "price", ["USDT"]), "");
});

test("a whole number, such as that of an order, may have its thousands parted as the page shows them", () => {
  for (const [typed, digits] of [
    ["1234", "1234"],
    ["1,234", "1234"],
    ["12,345,678", "12345678"],
    [" 1 234 ", "1234"],
    ["1'234", "1234"],
    ["#17", "17"],
  ])
    assert.equal(readWhole(typed), digits, typed);
  for (const typed of ["", "1.5", "1.234", "1,5", "12,34", "-1", "abc", "1e3"])
    assert.equal(readWhole(typed), null, typed);
});

const limit = { side: "buy", type: "limit", quantity: "0.5", price: "30000" };

test("each number of the ticket is read so, and a question keeps it from being sent", () => {
  const { order } = checkTicket(
    {
      ...limit,
      price: "30,002.91 USDT",
      quantity: "0,5 BTC",
      take_profit: "31 000,5",
      stop_loss: "29.000,50",
      display_quantity: "0,01",
    },
    BTC,
  );
  assert.deepEqual(order, {
    symbol: "BTC-USDT",
    side: "buy",
    order_type: "limit",
    price: "30002.91",
    quantity: "0.50000000",
    take_profit: "31000.50",
    stop_loss: "29000.50",
    display_quantity: "0.01000000",
  });
  for (const name of ["price", "quantity", "stop_loss"]) {
    const asked = checkTicket({ ...limit, [name]: "1,234" }, BTC);
    assert.deepEqual([asked.order, asked.problems[name]], [null, "1,234 could be 1234 or 1.234: which?"], name);
  }
  assert.equal(
    checkTicket({ side: "sell", type: "trailing_stop", quantity: "1", trail: "1,5 %", trail_in: "percent" }, BTC).order
      .trail_percent,
    "1.5",
  );
  assert.equal(
    checkTicket({ side: "buy", type: "market", quantity: "1.000,50 USDT", quantity_in: "quote" }, BTC).order
      .quote_quantity,
    "1000.5",
  );
  assert.equal(checkTicket({ ...limit, quantity: "5 USDT" }, BTC).problems.quantity, "The unit here is BTC, not USDT.");
});

test("how a number is read is told of every text that is not sent as it stands", () => {
  for (const text of ["30002.91", " .5", "5.", "007", ""]) assert.equal(isPlain(text), true, text);
  for (const text of ["1.234.567", "30,002.91", "29 000", "5 BTC"]) assert.equal(isPlain(text), false, text);
});

test("arrow keys step from what was typed, and not from what could be two", () => {
  assert.equal(stepped("30,002.91", "0.01", 1n), "30002.92");
  assert.equal(stepped("0,5 BTC", "0.1", 1n, ["BTC"]), "0.6");
  assert.equal(stepped("1,234", "0.01", 1n), null);
});

test("amends and the operator's limits read numbers likewise", () => {
  const order = {
    order_id: "1",
    side: "buy",
    order_type: "limit",
    status: "resting",
    price: "30000.00",
    quantity: "1.00000000",
  };
  assert.deepEqual(checkAmend(order, { price: "30,000.50 USDT", quantity: "1,00000000 BTC" }, BTC).changes, {
    price: "30000.50",
  });
  assert.equal(checkAmend(order, { price: "30,000", quantity: "1" }, BTC).changes, null);
  const form = formOf({
    tier: "vip",
    fees: { maker_percent: null, taker_percent: null },
    limits: {},
    self_trade_prevention: "none",
  });
  const checked = (fields) =>
    checkForm({ ...form, max_open_orders: "", max_orders_per_second: "", max_notional: "", ...fields });
  assert.deepEqual(
    checked({ max_open_orders: "1,000", max_notional: "1.000.000,50", maker_fee_bps: "-0,5 bps" }).body,
    {
      tier: "vip",
      self_trade_prevention: "none",
      max_open_orders: 1000,
      max_notional: "1000000.50",
      maker_fee_bps: "-0.5",
    },
  );
  assert.deepEqual(
    [checked({ max_notional: "1,000" }).body, checked({ max_notional: "1,000" }).problems.max_notional],
    [null, "1,000 could be 1000 or 1.000: which?"],
  );
  assert.equal(checked({ max_open_orders: "1.5" }).problems.max_open_orders, "A whole number, or nothing.");
});

test("a problem names the nearest right values of what was read", () => {
  assert.equal(problemOf("30,000.005", "0.01", "price"), "Steps of 0.01: 30000.00 or 30000.01.");
});
