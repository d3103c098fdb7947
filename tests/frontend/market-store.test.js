/** The shown symbol is kept current by the feed, and asked for again where something was missed. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { golden } from "./golden.js";
import { INSTRUMENT, pageOf, SYMBOL } from "./venue.js";

const { snapshot, deltas } = golden("l2_feed");
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A market with a live book; `emitted` has what it said since. */
async function liveMarket(answers = {}) {
  const page = await pageOf(answers);
  const { market } = page.services;
  page.feed.onEvent("l2_snapshot", { ...snapshot, symbol: SYMBOL });
  await settled();
  const emitted = [];
  for (const part of ["book", "link", "status", "symbol", "instruments", "tape", "notice", "venue"])
    market.addEventListener(part, () => emitted.push(part));
  page.asked.length = 0;
  return { ...page, market, emitted };
}

test("a change that fits is folded in, and one that misses another has the book asked for anew", async () => {
  const { market, feed, asked, emitted } = await liveMarket();
  feed.onEvent("l2_delta", { ...deltas[0].message, symbol: SYMBOL });
  assert.deepEqual([emitted, market.linkState, asked], [["book"], "live", []]);
  const { seq } = market.book;
  feed.onEvent("l2_delta", { symbol: SYMBOL, prev_seq: seq + 5, seq: seq + 6, bids: [], asks: [] });
  assert.deepEqual([market.linkState, market.connection.gaps], ["resyncing", 1]);
  assert.deepEqual(asked, [["resubscribe", { type: "l2_deltas", symbol: SYMBOL }]]);
});

test("what is heard of another symbol changes nothing", async () => {
  const { feed, emitted } = await liveMarket();
  feed.onEvent("l2_delta", { ...deltas[0].message, symbol: "ETH-USDT" });
  feed.onEvent("trades", { symbol: "ETH-USDT", trades: [{ trade_id: "1", price: "1" }] });
  assert.deepEqual(emitted, []);
});

test("who reads too slowly is told so, and subscribes anew to what it was", async () => {
  const { market, feed, asked } = await liveMarket();
  feed.onEvent("resync", { type: "l2_deltas", symbol: SYMBOL });
  feed.onEvent("resync", { type: "orders", symbol: null });
  assert.equal(market.book.state, "stale");
  assert.deepEqual(
    asked.map(([name, { type }]) => [name, type]),
    [
      ["resubscribe", "l2_deltas"],
      ["resubscribe", "orders"],
    ],
  );
});

test("a connection that is gone leaves the last levels, which are not to be trusted", async () => {
  const { market, feed } = await liveMarket();
  feed.onDisconnect();
  assert.deepEqual([market.linkState, market.book.state], ["disconnected", "stale"]);
  assert.equal(market.book.bestBid.price, "30000.00");
});

test("another status is the symbol's from then on, in every list", async () => {
  const { market, feed, emitted } = await liveMarket();
  feed.onEvent("status", { symbol: SYMBOL, status: "halted" });
  assert.deepEqual([market.trading.status, market.instruments.get(SYMBOL).status], ["halted", "halted"]);
  assert.deepEqual(emitted, ["instruments", "status"]);
});

test("another symbol leaves nothing of the last one, neither what is shown nor what is subscribed", async () => {
  const infos = { [SYMBOL]: INSTRUMENT, "ETH-USDT": { ...INSTRUMENT, base: "ETH" } };
  const { market, asked, emitted } = await liveMarket({ symbols: () => ({ symbol_info: infos, seq: 1 }) });
  assert.equal(market.follow("eth-usdt"), true);
  assert.deepEqual([market.instrument.symbol, market.book.state, market.tapeLoaded], ["ETH-USDT", "empty", false]);
  const of = (wanted) => asked.filter(([name]) => name === wanted).map(([, { type, symbol }]) => `${type} ${symbol}`);
  const types = ["l2_deltas", "trades", "ticker", "candles"];
  assert.deepEqual(
    of("unsubscribe"),
    types.map((type) => `${type} ${SYMBOL}`),
  );
  assert.deepEqual(
    of("subscribe"),
    types.map((type) => `${type} ETH-USDT`),
  );
  assert.ok(emitted.includes("symbol"));
});

test("a symbol that is not listed is said, and the shown one stays", async () => {
  const { market } = await liveMarket();
  assert.equal(market.follow("NONE"), false);
  assert.deepEqual([market.unknown, market.instrument.symbol], ["NONE", SYMBOL]);
  market.dismissNotice();
  assert.equal(market.unknown, "");
  assert.throws(() => market.select("NONE"), RangeError);
});
