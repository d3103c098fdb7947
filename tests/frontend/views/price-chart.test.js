/** What the chart has the library draw: no more than changed, own orders at their prices, and older candles in time. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Candles } from "../../../frontend/model/chart/candles.js";
import { UTC } from "../../../frontend/model/parts/times.js";
import { drawn } from "./page.js";

const { PriceChart } = await import("../../../frontend/view/chart/price-chart.js");

const PANE_HEIGHT = 100;
/** A pixel for each unit of price, 200 at the top. */
const TOP = 200;

/** The chart library as far as it is used: notes what it is told, and shows the prices from 100 to 200. */
function libraryOf() {
  const noted = { calls: [], lines: [], heard: {}, range: { from: 40, to: 90 }, shift: null };
  const series = (name) => {
    let options = {};
    return {
      setData: (data) => noted.calls.push([`${name} all`, data.length]),
      update: (bar) => noted.calls.push([`${name} one`, bar.time]),
      applyOptions: (more) => (options = { ...options, ...more }),
      options: () => options,
      attachPrimitive: () => {},
      createPriceLine: (first) => {
        const line = { ...first, applyOptions: (more) => Object.assign(line, more) };
        noted.lines.push(line);
        return line;
      },
      removePriceLine: (line) => noted.lines.splice(noted.lines.indexOf(line), 1),
      coordinateToPrice: (y) => TOP - y,
      priceToCoordinate: (price) => TOP - price,
    };
  };
  const scale = {
    subscribeVisibleLogicalRangeChange: (heard) => (noted.heard.range = heard),
    subscribeSizeChange: () => {},
    width: () => 600,
    getVisibleLogicalRange: () => noted.range,
    setVisibleLogicalRange: (range) => (noted.shift = range),
    applyOptions: () => {},
    options: () => ({ barSpacing: 7 }),
    scrollToRealTime: () => noted.calls.push(["newest"]),
  };
  const chart = {
    addSeries: (kind) => series(kind),
    applyOptions: (options) => noted.calls.push(["options", Object.keys(options)]),
    priceScale: () => ({ applyOptions: () => {} }),
    timeScale: () => scale,
    horzBehaviour: () => ({ fillWeightsForPoints: () => {}, convertHorzItemToInternal: (time) => time }),
    panes: () => [{ getHeight: () => PANE_HEIGHT }],
    subscribeCrosshairMove: (heard) => (noted.heard.crosshair = heard),
    setCrosshairPosition: (price, time) => noted.calls.push(["crosshair", price, time]),
    clearCrosshairPosition: () => noted.calls.push(["no crosshair"]),
    remove: () => noted.calls.push(["removed"]),
  };
  const library = {
    createChart: () => chart,
    createSeriesMarkers: () => ({ setMarkers: (marks) => (noted.marks = marks) }),
    CandlestickSeries: "candles",
    HistogramSeries: "volume",
    CrosshairMode: { Normal: 0 },
    LineStyle: { Dotted: 1, Dashed: 2 },
  };
  return { library, noted };
}

function chartOf() {
  const { library, noted } = libraryOf();
  const chart = new PriceChart(library, document.createElement("div"), UTC);
  chart.configure("0.01", "1m");
  const candles = new Candles();
  const row = (count) => Array.from({ length: count }, (_, at) => [at * 60, "150", "151", "149", "150", "1"]);
  candles.seed(row(100), 7, true);
  chart.draw(candles);
  const since = noted.calls.length;
  const calls = () => noted.calls.slice(since).filter(([name]) => name !== "options");
  return { chart, candles, noted, calls };
}

const order = (side, price, more = {}) => ({
  key: `${side} ${price}`,
  price: Number(price),
  text: price,
  side,
  stop: false,
  orders: 1,
  title: `${side} 1`,
  ...more,
});

test("what came at the end is drawn alone, and all when more changed", () => {
  const { chart, candles, calls } = chartOf();
  candles.apply({ candle: [100 * 60, "150", "152", "149", "151", "2"], seq: 8 });
  chart.draw(candles);
  const at = [99 * 60, 100 * 60].flatMap((time) => [
    ["candles one", time],
    ["volume one", time],
  ]);
  assert.deepEqual(calls(), at);
  candles.apply({ candle: [50 * 60, "150", "152", "149", "151", "2"], seq: 9 });
  chart.draw(candles);
  assert.deepEqual(calls().slice(at.length), [
    ["candles all", 101],
    ["volume all", 101],
  ]);
});

test("older candles are asked for before the oldest shows", () => {
  const { chart, noted } = chartOf();
  let asked = 0;
  chart.onOlder = () => {
    asked += 1;
  };
  for (const from of [60, 31, 29, -5]) noted.heard.range({ from, to: from + 50 });
  noted.heard.range(null);
  assert.equal(asked, 2);
});

test("own orders stand at their prices, a stop dotted; what went is taken away and what stays is kept", async () => {
  const { chart, noted } = chartOf();
  chart.drawOwn({ lines: [order("buy", "120"), order("sell", "180", { stop: true })], marks: [] });
  assert.deepEqual(
    noted.lines.map(({ price, lineStyle, title }) => [price, lineStyle, title]),
    [
      [120, 2, "buy 1"],
      [180, 1, "sell 1"],
    ],
  );
  const [kept] = noted.lines;
  chart.drawOwn({ lines: [order("buy", "120")], marks: [] });
  assert.deepEqual(noted.lines, [kept]);
  await drawn();
});

test("where labels would overlap one names the others, and what is out of sight is said", () => {
  const { chart, noted } = chartOf();
  const heard = [];
  chart.onBeyond = (beyond) => heard.push([beyond.above.text, beyond.below.text]);
  chart.drawOwn({ lines: [order("buy", "150"), order("buy", "149"), order("sell", "250")], marks: [] });
  assert.deepEqual(
    noted.lines.map(({ title, axisLabelVisible }) => [title, axisLabelVisible]),
    [
      ["buy 1 +1", true],
      [undefined, false],
      [undefined, false],
    ],
  );
  assert.deepEqual(heard, [["1 of yours above: sell 1 at 250", ""]]);
  chart.drawOwn({ lines: [order("buy", "150"), order("sell", "250")], marks: [] });
  assert.equal(heard.length, 1, "the same is not said again");
});

test("fills that stand close have one text, the newest; those before the first candle are left out", () => {
  const { chart, noted } = chartOf();
  const fill = (at, side, text) => ({ time: at * 60, side, text });
  const marks = [fill(-9, "buy", "old"), fill(10, "buy", "a"), fill(12, "buy", "b"), fill(12, "sell", "c")];
  chart.drawOwn({ lines: [], marks });
  assert.deepEqual(
    noted.marks.map(({ time, text, position }) => [time / 60, text, position]),
    [
      [10, "", "belowBar"],
      [12, "b", "belowBar"],
      [12, "c", "aboveBar"],
    ],
  );
});

test("a candle that is pointed at by keys is brought into view, and the pointer's time is handed on", () => {
  const { chart, candles, noted, calls } = chartOf();
  chart.pointAt(candles.at(20 * 60));
  assert.deepEqual(noted.shift, { from: 19, to: 69 });
  noted.shift = null;
  chart.pointAt(candles.at(50 * 60));
  assert.equal(noted.shift, null);
  chart.pointAt(null);
  assert.deepEqual(calls(), [["crosshair", 150, 1_200], ["crosshair", 150, 3_000], ["no crosshair"]]);
  const heard = [];
  chart.onHover = (time) => heard.push(time);
  noted.heard.crosshair({ time: 60 });
  noted.heard.crosshair({});
  assert.deepEqual(heard, [60, null]);
});

test("a chart that was removed labels nothing any more", () => {
  const { chart, noted } = chartOf();
  chart.remove();
  chart.drawOwn({ lines: [order("buy", "120")], marks: [] });
  assert.equal(noted.lines[0].title, undefined);
});
