/** Keys do what they say, and nothing while somebody types; own fills are told once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tape } from "../../frontend/model/market/tape.js";
import { describeFills, FillNotices } from "../../frontend/model/orders/fill-notices.js";
import { Fills } from "../../frontend/model/orders/fills.js";
import { compare } from "../../frontend/model/parts/decimal.js";
import { RowMoves } from "../../frontend/model/parts/row-moves.js";
import { Attention, SETTLING_MS } from "../../frontend/model/shell/attention.js";
import { actionOf, describeOpen, keyHint, SHORTCUTS } from "../../frontend/model/shell/shortcuts.js";
import { golden } from "./golden.js";

const press = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });
const ON_TICKET = { onTicket: true, settling: false };
const does = (event, focused, attention = ON_TICKET) => actionOf(event, focused, attention);

test("every key does its work when nothing has the focus, capital or not", () => {
  for (const shortcut of SHORTCUTS) assert.equal(does(press(shortcut.key), "nothing"), shortcut.does);
  assert.equal(does(press("B"), "nothing"), "buy");
  assert.equal(does(press("ArrowUp"), "nothing"), "price_up");
  assert.equal(does(press("x"), "nothing"), null);
});

test("no key does anything while a text is typed, or with a modifier", () => {
  for (const { key } of SHORTCUTS) {
    assert.equal(does(press(key), "text"), null);
    for (const modifier of ["ctrlKey", "metaKey", "altKey"])
      assert.equal(does(press(key, { [modifier]: true }), "nothing"), null);
  }
});

test("a key that is held down moves the price and does nothing else", () => {
  const held = SHORTCUTS.filter(({ key }) => does(press(key, { repeat: true }), "nothing"));
  assert.deepEqual(
    held.map((shortcut) => shortcut.does),
    ["price_up", "price_down"],
  );
});

test("enter is left to a focused button, arrows to what walks by them", () => {
  for (const focused of ["control", "choice", "scroller"]) assert.equal(does(press("Enter"), focused), null);
  for (const focused of ["choice", "scroller"]) assert.equal(does(press("ArrowUp"), focused), null);
  assert.equal(does(press("s"), "choice"), "sell");
  assert.equal(does(press("ArrowDown"), "control"), "price_down");
});

test("enter sends what was touched last, and nothing after anything else was", () => {
  const attention = new Attention();
  const enter = (nowMs) =>
    does(press("Enter"), "nothing", { onTicket: attention.onTicket, settling: attention.settling(nowMs) });
  assert.equal(enter(0), null, "nothing was touched yet");
  attention.touched(true);
  assert.equal(enter(1), "send");
  attention.touched(false);
  assert.equal(enter(2), null);
  attention.touched(true);
  attention.closed(10);
  assert.equal(enter(10 + SETTLING_MS), null, "what closed was touched later than the ticket");
});

test("enter and escape rest a moment after something closed, unless another key or the pointer came between", () => {
  const attention = new Attention();
  const pressed = (key, nowMs) => does(press(key), "nothing", { onTicket: true, settling: attention.settling(nowMs) });
  attention.closed(1_000);
  for (const key of ["Enter", "Escape"]) assert.equal(pressed(key, 999 + SETTLING_MS), null);
  assert.equal(pressed("b", 1_001), "buy");
  assert.equal(pressed("Enter", 1_000 + SETTLING_MS), "send");
  assert.equal(pressed("Escape", 1_000 + SETTLING_MS), "cancel_all");
  attention.closed(2_000);
  attention.began(true);
  assert.equal(pressed("Escape", 2_001), "cancel_all");
});

test("a click is kept from a row that just came under the lying pointer, and from no other", () => {
  const moves = new RowMoves();
  const [there, elsewhere] = [
    { x: 500, y: 40 },
    { x: 500, y: 90 },
  ];
  moves.drawn(["3", "2", "1"], 1_000, null);
  assert.ok(!moves.cameUnder("3", there, 1_001), "the pointer was not on the table");
  moves.drawn(["2", "1"], 5_000, there);
  moves.drawn(["2", "1"], 5_100, there);
  assert.ok(moves.cameUnder("2", { x: 503, y: 38 }, 5_499), "where the first was");
  assert.ok(!moves.cameUnder("2", there, 5_500), "there was time to see it");
  assert.ok(!moves.cameUnder("1", elsewhere, 5_100), "it was aimed at");
  moves.drawn(["2", "1", "0"], 6_000, there);
  assert.ok(!moves.cameUnder("2", there, 6_001), "it stayed where it was");
});

test("what would be cancelled is counted by symbol", () => {
  assert.equal(describeOpen(golden("orders").listing.orders), "2 in BTC-USDT, 1 in ETH-USDT");
});

const BASES = new Map([["BTC-USDT", { base: "BTC" }]]);
const fill = (trade_id, more = {}) => ({
  trade_id,
  order_id: "98",
  symbol: "BTC-USDT",
  side: "buy",
  price: "29990.00",
  quantity: "0.25000000",
  ...more,
});

test("the fill of an order event is told in a sentence", () => {
  const { fill: filled, ...event } = golden("orders").partial_fill;
  const { order_id, symbol, side } = event;
  assert.deepEqual(describeFills([{ ...filled, order_id, symbol, side }], BASES), ["Bought 0.25 BTC at 29,990.00."]);
});

test("fills of one order are one sentence with their average, of two orders two", () => {
  const fills = [
    fill("7"),
    fill("8", { price: "29991.00", quantity: "0.50000000" }),
    fill("9", { order_id: "99", side: "sell" }),
  ];
  assert.deepEqual(describeFills(fills, BASES), [
    "Bought 0.75 BTC at 29,990.6667 on average, in 2 fills.",
    "Sold 0.25 BTC at 29,990.00.",
  ]);
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
  assert.deepEqual(
    told("9", "12", ["12", "11", "9", "8"]),
    ["9", "12", "11"],
    "also where the first listing never came",
  );
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
