/** Keys do what they say, and nothing while somebody types; own fills are told once. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FillNotices, describeFills } from "../../frontend/model/fill-notices.js";
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

test("what was filled before is not told, what comes after is told once", () => {
  const notices = new FillNotices();
  assert.deepEqual(notices.take([fill("9"), fill("7")]), []);
  assert.deepEqual(notices.take([fill("9"), fill("7")]), []);
  const later = [fill("11"), fill("10"), fill("9"), fill("7")];
  assert.deepEqual(notices.take(later).map((each) => each.trade_id), ["10", "11"]);
  assert.deepEqual(notices.take([...later, fill("3")]), []);
  assert.deepEqual(notices.take([fill("11", { order_id: "99" }), ...later]).map((each) => each.order_id), ["99"]);
});

test("the first fill of an account that had none is told", () => {
  const notices = new FillNotices();
  assert.ok(!notices.started);
  assert.deepEqual(notices.take([]), []);
  assert.ok(notices.started);
  assert.equal(notices.take([fill("1")]).length, 1);
});

test("another account's fills of the past are not told either", () => {
  const notices = new FillNotices();
  notices.take([fill("9")]);
  notices.forget();
  assert.deepEqual(notices.take([fill("12")]), []);
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
