/** Where a symbol stands in words, the venue's clock, the list of symbols. */
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  countdown,
  describeNext,
  describeState,
  statusSentence,
  statusWord,
} from "../../frontend/model/market/trading-status.js";
import { Times, UTC } from "../../frontend/model/parts/times.js";
import { VenueClock } from "../../frontend/model/shell/venue-clock.js";
import { toggled, watchlist } from "../../frontend/model/shell/watchlist.js";

const instrument = { symbol: "BTC-USDT", base: "BTC", quote: "USDT" };
const indicative = { price: "30000.00", quantity: "1.50000000", imbalance: "0.25000000", imbalance_side: "buy" };

test("a symbol that simply trades needs no banner", () => {
  assert.equal(describeState({ status: "trading", limit_state: null }, instrument), null);
  assert.deepEqual(statusWord({ status: "trading" }), { tone: "good", word: "Trading" });
});

test("an auction says its price, its volume and which side has too much", () => {
  const { title, text } = describeState({ status: "auction", indicative }, instrument);
  assert.equal(title, "BTC-USDT: Auction");
  assert.match(text, /Indicative price 30,000\.00 USDT, volume 1\.5 BTC, 0\.25 BTC more to buy\./);
  const even = describeState(
    { status: "auction", indicative: { ...indicative, imbalance: "0.00000000", imbalance_side: null } },
    instrument,
  );
  assert.match(even.text, /in balance\./);
  assert.match(describeState({ status: "pre_open", indicative: null }, instrument).text, /No price yet/);
});

test("halted, closed, at a price limit and unheard-of states have words of their own", () => {
  const texts = ["halted", "closed", "paused_by_moon"].map((status) => describeState({ status }, instrument).text);
  assert.equal(new Set(texts).size, 3);
  assert.equal(statusWord({ status: "paused_by_moon" }).word, "Paused by moon");
  const up = { status: "trading", limit_state: "buy", limit_price: "33000.00" };
  assert.equal(statusWord(up).word, "Limit up");
  assert.match(describeState(up, instrument).text, /upper limit at 33,000\.00 USDT/);
});

test("what comes next is told with the time that is left", () => {
  const next_change = { status: "trading", at: 1_700_000_000 };
  assert.equal(
    describeNext({ status: "auction", next_change }, 1_699_999_875_000, UTC),
    "Trading at 22:13:20 UTC, in 2:05",
  );
  assert.equal(describeNext({ status: "auction", next_change }, null, UTC), "Trading at 22:13:20 UTC");
  assert.equal(
    describeNext({ status: "auction", next_change }, 1_700_000_001_000, UTC),
    "Trading at 22:13:20 UTC, in 0:00",
  );
  assert.equal(describeNext({ status: "trading", next_change: null }, 0, UTC), "");
  assert.equal(
    describeNext({ status: "auction", next_change }, 1_699_999_875_000, new Times("America/New_York")),
    "Trading at 17:13:20 UTC−5, in 2:05",
  );
  assert.equal(
    describeNext({ status: "closed", next_change }, 1_699_800_000_000, UTC),
    "Trading at 14 Nov, 22:13 UTC",
    "of another day",
  );
  assert.equal(countdown(3_725), "1:02:05");
});

test("the venue's clock goes by the quickest answer, and forgets another venue's", () => {
  const clock = new VenueClock();
  assert.equal(clock.at(5), null);
  clock.answered(1_000, 1_400, 50); // slow: 50 s is somewhere in these 400 ms
  clock.answered(2_000, 2_010, 51.005);
  clock.answered(3_000, 3_200, 52.3);
  clock.answered(4_000, 4_001, Number.NaN);
  assert.equal(clock.at(2_005), 51_005);
  assert.equal(clock.at(3_005), 52_005);
  clock.forget();
  assert.equal(clock.at(5), null);
});

const instruments = ["BTC-USDT", "ETH-USDT", "AAPL-USD"].map((symbol) => ({
  symbol,
  base: symbol.split("-")[0],
  quote: symbol.split("-")[1],
  status: "trading",
}));
const symbols = (favourites, sought) => watchlist(instruments, {}, favourites, sought).map(({ symbol }) => symbol);

test("favourites come first, else the venue's order", () => {
  assert.deepEqual(symbols([], ""), ["BTC-USDT", "ETH-USDT", "AAPL-USD"]);
  assert.deepEqual(symbols(["AAPL-USD", "GONE"], ""), ["AAPL-USD", "BTC-USDT", "ETH-USDT"]);
});

test("a symbol is found by its asset, by a part, and however it is written", () => {
  assert.deepEqual(symbols([], "eth"), ["ETH-USDT"]);
  assert.deepEqual(symbols([], "btcus"), ["BTC-USDT"]);
  assert.deepEqual(symbols([], "BTC/USDT"), ["BTC-USDT"]);
  assert.deepEqual(symbols([], " usd aap "), ["AAPL-USD"]);
  assert.deepEqual(symbols([], "doge"), []);
});

test("the list has each symbol's last price and change, or none", () => {
  const [btc, eth] = watchlist(instruments, { "BTC-USDT": { last: "30000.00", change_percent: "1.2" } }, [], "");
  assert.deepEqual([btc.last, btc.change_percent, eth.last], ["30000.00", "1.2", null]);
});

test("a star is set and taken away", () => {
  assert.deepEqual(toggled(["A"], "B"), ["A", "B"]);
  assert.deepEqual(toggled(["A", "B"], "A"), ["B"]);
});

test("every status has its sentence", () => {
  const told = ["trading", "pre_open", "auction", "halted", "closed", "paused_by_moon"].map((status) =>
    statusSentence("X", status),
  );
  assert.deepEqual(told, [
    "X is trading.",
    "X is in its pre-open.",
    "X is in an auction.",
    "X is halted.",
    "X is closed.",
    "X is paused by moon.",
  ]);
});
