/** Keys do what they say, and nothing while somebody types; own fills are told once. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FillNotices, describeFills } from "../../frontend/model/fill-notices.js";
import { Fills } from "../../frontend/model/fills.js";
import { SHORTCUTS, actionOf, describeOpen, keyHint } from "../../frontend/model/shortcuts.js";
import { Tape } from "../../frontend/model/trades.js";
import { compare } from "../../frontend/model/decimal.js";
import { golden } from "./golden.js";

const press = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });

test("every key does its work when nothing has the focus, capital or not", () => {
  for (const { key, does } of SHORTCUTS) assert.equal(actionOf(press(key), "nothing"), does);
  assert.equal(actionOf(press("B"), "nothing"), "buy");
  assert.equal(actionOf(press("ArrowUp"), "nothing"), "price_up");
  assert.equal(actionOf(press("x"), "nothing"), null);
});

test("no key does anything while a text is typed, or with a modifier", () => {
  for (const { key } of SHORTCUTS) {
    assert.equal(actionOf(press(key), "text"), null);
    for (const modifier of ["ctrlKey", "metaKey", "altKey"]) assert.equal(actionOf(press(key, { [modifier]: true }), "nothing"), null);
  }
});

test("a key that is held down moves the price and does nothing else", () => {
  const held = SHORTCUTS.filter(({ key }) => actionOf(press(key, { repeat: true }), "nothing"));
  assert.deepEqual(held.map(({ does }) => does), ["price_up", "price_down"]);
});

test("enter is left to a focused button, arrows to what walks by them", () => {
  for (const focused of ["control", "choice", "scroller"]) assert.equal(actionOf(press("Enter"), focused), null);
  for (const focused of ["choice", "scroller"]) assert.equal(actionOf(press("ArrowUp"), focused), null);
  assert.equal(actionOf(press("s"), "choice"), "sell");
  assert.equal(actionOf(press("ArrowDown"), "control"), "price_down");
});

test("what would be cancelled is counted by symbol", () => {
  assert.equal(describeOpen(golden("orders").listing.orders), "2 in BTC-USDT, 1 in ETH-USDT");
});

const BASES = new Map([["BTC-USDT", { base: "BTC" }]]);
const fill = (trade_id, more = {}) => ({
  trade_id, order_id: "98", symbol: "BTC-USDT", side: "buy", price: "29990.00", quantity: "0.25000000", ...more,
});

test("the fill of an order event is told in a sentence", () => {
  const { fill: filled, ...event } = golden("orders").partial_fill;
  const { order_id, symbol, side } = event;
  assert.deepEqual(describeFills([{ ...filled, order_id, symbol, side }], BASES), ["Bought 0.25 BTC at 29,990.00."]);
});

test("fills of one order are one sentence with their average, of two orders two", () => {
  const fills = [fill("7"), fill("8", { price: "29991.00", quantity: "0.50000000" }), fill("9", { order_id: "99", side: "sell" })];
  assert.deepEqual(describeFills(fills, BASES), ["Bought 0.75 BTC at 29,990.6667 on average, in 2 fills.", "Sold 0.25 BTC at 29,990.00."]);
});

const heard = (trade_id, more = {}) => {
  const { order_id, symbol, side, ...filled } = fill(trade_id, more);
  return { order_id, symbol, side, event_type: "filled", fill: filled };
};
const ids = (fills) => fills.map(({ trade_id: id, order_id: order }) => (order === "98" ? id : `${id}/${order}`));
/** What is told after each step: a listing's ids newest first, or one id heard live. */
const told = (...steps) => {
  const [fills, notices] = [new Fills(), new FillNotices()];
  return steps.map((step) => {
    if (Array.isArray(step)) fills.seed(step.map((id) => fill(id)));
    else fills.apply(heard(step));
    return ids(notices.take(fills)).join(" ");
  });
};

test("what only the first listing tells is of the past, what is heard afterwards is told once", () => {
  assert.deepEqual(told(["9", "7"], "10", "11"), ["", "10", "11"]);
  assert.deepEqual(told(["9", "7"], ["11", "10", "9", "7"], "11"), ["", "10 11", ""]);
});

test("a fill that is heard before the first listing is told, and what that lists before it is not", () => {
  assert.deepEqual(told("10", ["10", "9", "7"]), ["10", ""]);
  assert.deepEqual(told("9", "10", ["9", "7"]), ["9", "10", ""]);
});

test("a fill that the first listing tells before it is heard is told when it is heard", () => {
  assert.deepEqual(told(["10", "9"], "10", "11"), ["", "10", "11"]);
});

test("what was missed is told when it is listed, though a later one was heard first", () => {
  assert.deepEqual(told(["9"], "12", ["12", "11", "10", "9"]), ["", "12", "10 11"]);
  assert.deepEqual(told("9", "12", ["12", "11", "9", "8"]), ["9", "12", "11"], "also where the first listing never came");
});

test("the first fill of an account that had none is told", () => {
  assert.deepEqual(told([], "1"), ["", "1"]);
  assert.deepEqual(told([], ["1"]), ["", "1"]);
});

test("both fills of a trade with oneself are told, and fills that are loaded from before are not", () => {
  const [fills, notices] = [new Fills(), new FillNotices()];
  fills.apply(heard("11"));
  assert.deepEqual(ids(notices.take(fills)), ["11"]);
  fills.apply(heard("11", { order_id: "99", side: "sell" }));
  assert.deepEqual(ids(notices.take(fills)), ["11/99"]);
  fills.add([fill("3"), fill("2")]);
  assert.deepEqual(notices.take(fills), []);
});

test("another account's fills of the past are not told, nor those of a venue that began anew", () => {
  const notices = new FillNotices();
  const [one, other] = [new Fills(), new Fills()];
  one.seed([fill("9")]);
  notices.take(one);
  other.seed([fill("12")]);
  assert.deepEqual(notices.take(other), []);
  other.apply(heard("13"));
  assert.deepEqual(ids(notices.take(other)), ["13"]);
  other.forget();
  other.seed([fill("2"), fill("1")]);
  assert.deepEqual(notices.take(other), []);
  other.apply(heard("3"));
  assert.deepEqual(ids(notices.take(other)), ["3"]);
});

test("a tape that is held knows how many came since, as far as it keeps them", () => {
  const { listing, live } = golden("trades");
  const tape = new Tape(3);
  tape.add(listing.trades);
  const [held] = tape.trades;
  assert.equal(tape.newerThan(held), 0);
  tape.add(live.trades);
  assert.equal(tape.newerThan(held), 1);
  assert.ok(!tape.lost(held));
  tape.add(["12", "13", "14"].map((trade_id) => ({ ...live.trades[0], trade_id })));
  assert.ok(tape.lost(held));
  assert.equal(tape.newerThan(undefined), 3);
});

test("the last trade's direction is from the last other price", () => {
  const tape = new Tape(10);
  assert.equal(tape.direction(compare), 0);
  tape.add(["5", "6", "7"].map((price, index) => ({ trade_id: String(index + 1), price })));
  tape.add([{ trade_id: "4", price: "7" }]);
  assert.equal(tape.direction(compare), 1);
});

test("a control tells its key, and one without a key nothing", () => {
  assert.deepEqual(keyHint("buy"), { title: "Buy (B)", "aria-keyshortcuts": "B" });
  assert.equal(keyHint("price_up")["aria-keyshortcuts"], "ArrowUp");
  assert.deepEqual(keyHint("stop"), {});
});
