/** Candles, what the account has in a chart, the depth curve. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Candles, describeCandle, drawnCandle, rose } from "../../frontend/model/chart/candles.js";
import { fillMarks, labelled, orderLines, ordersBeyond } from "../../frontend/model/chart/chart-marks.js";
import { ALL, depthAt, depthCurve, nextStep } from "../../frontend/model/chart/depth-curve.js";
import { CandleStore } from "../../frontend/stores/candles.js";
import { golden } from "./golden.js";

const { page, before, running, late, next, corrected } = golden("candles");
const { fills } = golden("account");
const times = (candles) => candles.row.map(({ time }) => time - 1_700_000_000);
const seeded = () => {
  const candles = new Candles();
  candles.seed(page.candles, page.seq, true);
  return candles;
};

test("a page and the page before it make one row, oldest first, each time once", () => {
  const candles = seeded();
  candles.add(before.candles, before.seq);
  candles.add(before.candles, before.seq);
  assert.deepEqual(times(candles), [-80, -20, 40, 100, 220]);
});

test("the running candle is replaced in its place, and the next one follows it", () => {
  const candles = seeded();
  const { revision } = candles;
  assert.equal(candles.apply(running), true);
  assert.equal(candles.last.close, "30020.00");
  assert.equal(candles.apply(next), true);
  assert.deepEqual(times(candles), [40, 100, 220, 280]);
  assert.equal(candles.revision, revision, "only the end changed");
});

test("of two that tell the same candle the later holds, whichever comes first", () => {
  const candles = seeded();
  assert.equal(candles.apply(late), false);
  candles.apply(running);
  candles.add(page.candles, page.seq);
  assert.equal(candles.last.close, "30020.00");
});

test("a candle that comes again after the next one is put right, and all is drawn anew", () => {
  const candles = seeded();
  candles.apply(next);
  const { revision } = candles;
  candles.apply(corrected);
  assert.equal(candles.at(1_700_000_220).volume, "3.00000000");
  assert.equal(candles.last.time, 1_700_000_280);
  assert.ok(candles.revision > revision);
});

test("the oldest are let go some dozens at a time, and can be asked for again", () => {
  const candles = new Candles();
  candles.seed(
    Array.from({ length: 100 }, (_, index) => [index, "1", "1", "1", "1", "1"]),
    7,
    true,
  );
  const { revision } = candles;
  candles.forget(29);
  assert.deepEqual([candles.row.length, candles.complete, candles.revision], [100, true, revision]);
  candles.forget(30);
  assert.deepEqual([candles.row.length, candles.row[0].time, candles.complete], [70, 30, false]);
  assert.ok(candles.revision > revision, "all is drawn anew");
});

test("a page that does not join on to what stands takes its place, so that there is no hole", () => {
  const candles = seeded();
  candles.seed([next.candle], next.seq, false);
  assert.deepEqual(times(candles), [280]);
  assert.deepEqual([seeded().complete, candles.complete], [true, false]);
});

test("a venue that began anew has none of the candles we knew", () => {
  const candles = seeded();
  candles.seed([next.candle], 3, true);
  assert.deepEqual(times(candles), [280]);
});

test("a candle is read by its decimals and drawn by floats", () => {
  const [, candle] = seeded().row;
  const said = describeCandle(candle, "BTC");
  assert.deepEqual(said, {
    open: "30,005.00",
    high: "30,005.00",
    low: "29,980.00",
    close: "29,985.00",
    change: "−0.07 %",
    volume: "0.25 BTC",
  });
  assert.deepEqual(drawnCandle(candle), { time: 1_700_000_100, open: 30005, high: 30005, low: 29980, close: 29985 });
  assert.equal(rose(candle), false);
  assert.equal(rose({ ...candle, close: candle.open }), true);
});

const order = { symbol: "BTC-USDT", side: "buy", status: "resting", price: "29990.00", remaining: "0.10000000" };

test("orders of one side and price are one line with what is left of all of them", () => {
  const lines = orderLines(
    [order, { ...order, remaining: "0.25000000" }, { ...order, side: "sell" }, { ...order, symbol: "ETH-USDT" }],
    "BTC-USDT",
  );
  assert.deepEqual(
    lines.map(({ price, title }) => [price, title]),
    [
      [29990, "Buy 0.35"],
      [29990, "Sell 0.1"],
    ],
  );
});

test("what simulated traders quote as the same account is no line of one's own", () => {
  const flow = { ...order, client_order_id: "flow-1a2-BTC-USDT-7", price: "29991.00" };
  assert.deepEqual(
    orderLines([flow, { ...order, client_order_id: "tour-1" }], "BTC-USDT").map(({ price }) => price),
    [29990],
  );
});

test("a stop stands at the price that sets it off, and an order without a price nowhere", () => {
  const stop = { ...order, status: "pending_trigger", price: null, stop_price: "28000.00" };
  assert.deepEqual(
    orderLines([stop, { ...order, price: null }], "BTC-USDT").map(({ price, stop: is, title }) => [price, is, title]),
    [[28000, true, "Buy stop 0.1"]],
  );
});

test("a line that changed is another line", () => {
  const [was] = orderLines([order], "BTC-USDT");
  const [is] = orderLines([{ ...order, remaining: "0.05000000" }], "BTC-USDT");
  assert.notEqual(was.key, is.key);
});

test("own orders where a chart does not reach are counted, each of them, and named nearest first", () => {
  const at = (price, side) => ({ ...order, price, side });
  const lines = orderLines(
    [
      at("100.00", "buy"),
      at("90.00", "buy"),
      at("90.00", "buy"),
      at("50.00", "buy"),
      at("10.00", "buy"),
      at("1.00", "buy"),
      at("30010.00", "sell"),
    ],
    "BTC-USDT",
  );
  const { above, below } = ordersBeyond(lines, 95, 200);
  assert.deepEqual(above, { orders: 1, text: "1 of yours above: Sell 0.1 at 30,010" });
  assert.deepEqual(below, { orders: 5, text: "5 of yours below: Buy 0.2 at 90, Buy 0.1 at 50, Buy 0.1 at 10, …" });
  assert.deepEqual(ordersBeyond(lines, 1, 30_010), { above: { orders: 0, text: "" }, below: { orders: 0, text: "" } });
  const many = Array.from({ length: 500 }, (_, index) => at(`${1_000 + index}.00`, "sell"));
  assert.equal(ordersBeyond(orderLines(many, "BTC-USDT"), 1, 2).above.orders, 500, "more than are drawn");
});

test("a label stands at its own price or not at all: where they would overlap the first counts the others", () => {
  const places = [
    ["d", 100],
    ["a", 10],
    ["b", 20],
    ["c", 26.9],
    ["e", 27],
  ].map(([key, y]) => ({ key, y }));
  assert.deepEqual(
    [...labelled(places, 17)],
    [
      ["a", 2],
      ["e", 0],
      ["d", 0],
    ],
  );
  assert.equal(labelled([], 17).size, 0);
});

test("fills are marked at their candle, one mark for each side", () => {
  const twice = [...fills, { ...fills[1], trade_id: "13", timestamp: fills[1].timestamp + 1 }];
  assert.deepEqual(fillMarks(twice, "BTC-USDT", 60), [
    { time: 1_699_999_980, side: "sell", quantity: "0.05", text: "Sell 0.05" },
    { time: 1_699_999_980, side: "buy", quantity: "0.1", text: "Buy 0.1" },
  ]);
  assert.deepEqual(fillMarks(fills, "SOL-USDT", 60), []);
});

const level = (price, quantity, cumulative) => ({ price, quantity, orders: 1, cumulative, share: 0 });
const levels = {
  bids: [level("99.00", "1.0", "1.0"), level("98.00", "2.0", "3.0"), level("50.00", "9.0", "12.0")],
  asks: [level("101.00", "0.5", "0.5"), level("103.00", "1.5", "2.0")],
};

test("the curve is centred at the middle and reaches as far as the nearer end", () => {
  const curve = depthCurve(levels, 1);
  assert.equal(curve.middle, 100);
  assert.ok(curve.high > 103 && curve.high < 104 && curve.low > 96 && curve.low < 97);
  assert.ok(curve.most > 3 && curve.most < 12, "what is far out does not squeeze the rest");
  assert.ok(depthCurve(levels, 2).high < curve.high);
  assert.ok(depthCurve(levels, 64).high > 101, "the best prices are always seen");
});

test("one order far out does not stretch the curve, wherever it stands; what is not drawn is counted, and can be asked for", () => {
  const near = (side, count) =>
    Array.from({ length: count }, (_, index) =>
      level(`${side === "buy" ? 99 - index : 101 + index}.00`, "1.0", `${index + 1}.0`),
    );
  const farBid = level("1.00", "1.0", "9.0");
  const farAsk = level("90000.00", "1.0", "9.0");
  for (const [bids, asks, beyond] of [
    [[...near("buy", 3), farBid], [...near("sell", 3), farAsk], { below: 1, above: 1 }],
    [[], [...near("sell", 3), farAsk], { below: 0, above: 1 }],
    [[...near("buy", 1), farBid], [...near("sell", 1), farAsk], { below: 1, above: 1 }],
    [[farBid], near("sell", 0), { below: 0, above: 0 }],
  ]) {
    const curve = depthCurve({ bids, asks }, 1);
    assert.deepEqual(curve.beyond, beyond);
    if (asks.length) assert.ok(curve.high < 110 && curve.low > 89, `${curve.low} to ${curve.high}`);
    const whole = depthCurve({ bids, asks }, ALL);
    assert.deepEqual(whole.beyond, { below: 0, above: 0 });
    if (beyond.above) assert.ok(whole.high > 90_000);
  }
  assert.equal(
    depthCurve({ bids: near("buy", 90), asks: near("sell", 90) }, 1).beyond.above,
    0,
    "a deep book is seen to its end",
  );
});

test("a reading has what stands from the best price on, and what it costs, exactly", () => {
  const curve = depthCurve(levels, 1);
  assert.equal(depthAt(curve, 100.5).step, null);
  const { side, step } = depthAt(curve, 103.2);
  assert.deepEqual([side, step.text, step.total, step.cost], ["sell", "103.00", "2.0", "205"]);
  assert.equal(depthAt(curve, 98.5).step.total, "1.0");
  assert.deepEqual(
    [depthAt(curve, 103).step.total, depthAt(curve, 98).step.total],
    ["2.0", "3.0"],
    "a level counts at its own price",
  );
  assert.equal(depthAt(curve, 97).side, "buy");
});

test("keys walk from level to level over the middle, and stop where the curve ends", () => {
  const curve = depthCurve(levels, 1);
  assert.equal(nextStep(curve, 100, 1), 101);
  assert.equal(nextStep(curve, 101, -1), 99);
  assert.equal(nextStep(curve, 101, 1), 103);
  assert.equal(nextStep(curve, 103, 1), 103);
  assert.equal(nextStep(curve, 98, -1), 98);
});

test("a book with one side, one level or none has a curve, or none", () => {
  assert.equal(depthCurve({ bids: [], asks: [] }, 1), null);
  for (const some of [
    { bids: levels.bids, asks: [] },
    { bids: [], asks: levels.asks.slice(0, 1) },
  ]) {
    const curve = depthCurve(some, 1);
    assert.ok(curve.low < curve.high && Number.isFinite(curve.low) && curve.most > 0);
  }
});

/** CandleStore against an API that answers as told, where `chosen` was remembered. */
function chartingWith(answers, chosen = "1m") {
  const asked = [];
  const subscriptions = [];
  const kept = new Map(chosen ? [["chart.interval", chosen]] : []);
  const api = { candles: async (...question) => (asked.push(question), answers.shift()) };
  const feed = {
    subscribe: (wanted) => subscriptions.push(wanted),
    unsubscribe: (wanted) =>
      subscriptions.splice(
        subscriptions.findIndex((each) => each.interval === wanted.interval),
        1,
      ),
  };
  const workspace = {
    recall: (name, otherwise) => kept.get(name) ?? otherwise,
    remember: (name, value) => kept.set(name, value),
  };
  return { candleStore: new CandleStore(api, feed, workspace), asked, subscriptions };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("history is asked for once the feed follows, and what the feed said meanwhile stays", async () => {
  const { candleStore, subscriptions } = chartingWith([page]);
  candleStore.show({ symbol: "BTC-USDT" });
  assert.deepEqual(subscriptions, [{ type: "candles", symbol: "BTC-USDT", interval: "1m" }]);
  candleStore.receive(running);
  candleStore.receive({ ...next, interval: "5m" });
  candleStore.subscribed();
  await settled();
  assert.equal(candleStore.state, "loaded");
  assert.equal(candleStore.candles.last.close, "30020.00");
  assert.equal(candleStore.candles.row.length, 3);
});

test("an older page that comes when what it joins on was let go of is dropped, and asked for again", async () => {
  const rows = Array.from({ length: 500 }, (_, index) => [60 * (1_000 + index), "1", "1", "1", "1", "1"]);
  const older = { candles: [[60, "1", "1", "1", "1", "1"]], seq: 7 };
  const { candleStore, asked } = chartingWith([{ candles: rows, seq: 7 }, older, older]);
  candleStore.show({ symbol: "BTC-USDT" });
  candleStore.subscribed();
  await settled();
  const first = candleStore.loadOlder();
  candleStore.candles.forget(300);
  await first;
  assert.deepEqual([candleStore.candles.row.length, candleStore.candles.complete], [200, false]);
  await candleStore.loadOlder();
  assert.deepEqual([candleStore.candles.row.length, candleStore.candles.complete], [201, true]);
  assert.equal(asked.length, 3);
});

test("another interval is another subscription, and what was on its way for the former is dropped", async () => {
  const { candleStore, subscriptions } = chartingWith([page]);
  candleStore.show({ symbol: "BTC-USDT" });
  candleStore.subscribed();
  candleStore.interval = "1h";
  await settled();
  assert.deepEqual(
    subscriptions.map(({ interval }) => interval),
    ["1h"],
  );
  assert.equal(candleStore.candles.row.length, 0);
  assert.equal(candleStore.state, "loading");
});

test("until an interval is chosen, a market too young for minutes is shown by the second", async () => {
  const { candleStore, asked, subscriptions } = chartingWith([page, page, page], "");
  candleStore.show({ symbol: "BTC-USDT" });
  candleStore.subscribed();
  await settled();
  assert.equal(candleStore.interval, "1s");
  assert.deepEqual(
    subscriptions.map(({ interval }) => interval),
    ["1s"],
  );
  candleStore.subscribed();
  await settled();
  assert.equal(candleStore.state, "loaded");
  assert.deepEqual(
    asked.map(([, { interval }]) => interval),
    ["1m", "1s"],
  );
  candleStore.interval = "1m"; // chosen: few as they are, that is what is shown
  candleStore.subscribed();
  await settled();
  assert.deepEqual([candleStore.interval, candleStore.state], ["1m", "loaded"]);
});
