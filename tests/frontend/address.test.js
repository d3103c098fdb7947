/** The symbol in the address: read however it is broken, followed in any case, gone back to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fragmentOf, nameIn, symbolCalled } from "../../frontend/model/shell/symbol-address.js";
import { MarketStore } from "../../frontend/stores/market.js";
import { SymbolAddress } from "../../frontend/stores/symbol-address.js";

const INFO = Object.freeze({ tick_size: "0.01", lot_size: "0.01", base: "A", quote: "B", status: "trading" });

test("a name is read from any fragment, and what can't be decoded is taken as it is written", () => {
  assert.deepEqual(["", "#", "#BTC-USDT", "#%42TC-USDT", "# btc-usdt "].map(nameIn), [
    "",
    "",
    "BTC-USDT",
    "BTC-USDT",
    "btc-usdt",
  ]);
  assert.equal(nameIn("#%E0%A4%A"), "%E0%A4%A");
  assert.equal(nameIn("#%"), "%");
  assert.equal(nameIn("#<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>");
  assert.equal(nameIn(`#${"A".repeat(1_000_000)}`).length, 40);
  assert.equal(nameIn(`#${"%C3%A4".repeat(30)}`), "ä".repeat(30));
  assert.equal(nameIn(fragmentOf("A/B C")), "A/B C");
});

test("a symbol is found in any case, the one that is written so before others", () => {
  assert.equal(symbolCalled(["ABC", "abc"], "abc"), "abc");
  assert.equal(symbolCalled(["ABC"], "aBc"), "ABC");
  assert.equal(symbolCalled(["ABC"], ""), undefined);
  assert.equal(symbolCalled(["__PROTO__"], "__proto__"), "__PROTO__");
});

/** A window with a history, and a market of two symbols before it. @param {string} hash that the page is opened with */
async function opened(hash) {
  const stack = [hash];
  const window = Object.assign(new EventTarget(), {
    location: {
      get hash() {
        return stack.at(-1);
      },
    },
    history: {
      pushState: (_state, _title, url) => stack.push(url),
      replaceState: (_state, _title, url) => stack.splice(-1, 1, url),
    },
  });
  const goes = (change) => (change(), window.dispatchEvent(new Event("hashchange")));
  const feed = { subscribe() {}, unsubscribe() {}, open() {} };
  const candleStore = { show() {} };
  const portfolio = new EventTarget();
  const api = {
    symbols: async () => ({ symbol_info: { "BTC-USDT": INFO, "ETH-USDT": INFO } }),
    health: async () => ({}),
  };
  const market = new MarketStore(api, feed, portfolio, candleStore);
  const address = new SymbolAddress(market, window);
  market.start = undefined; // it would set a timer
  market.follow(address.name);
  await market.learnInstruments();
  return { market, stack, types: (text) => goes(() => stack.push(text)), back: () => goes(() => stack.pop()) };
}

test("an address that is edited, followed or gone back to shows its symbol, in any case", async () => {
  const { market, stack, types, back } = await opened("#eth-usdt");
  assert.equal(market.instrument.symbol, "ETH-USDT");
  assert.deepEqual(stack, ["#ETH-USDT"]);
  types("#btc-usdt");
  assert.equal(market.instrument.symbol, "BTC-USDT");
  assert.deepEqual(stack, ["#ETH-USDT", "#BTC-USDT"]);
  back();
  assert.equal(market.instrument.symbol, "ETH-USDT");
  market.select("BTC-USDT"); // chosen on the page
  assert.deepEqual(stack, ["#ETH-USDT", "#BTC-USDT"], "a step of its own");
  back();
  assert.equal(market.instrument.symbol, "ETH-USDT");
});

test("an unknown name is told and the shown symbol stays, at the start the first one; it is forgotten with the next symbol", async () => {
  for (const broken of ["#DOGE", "#%E0%A4%A", `#${"x".repeat(5_000)}`, "#<b>BTC</b>"]) {
    const { market, stack, types } = await opened(broken);
    assert.deepEqual([market.instrument.symbol, market.unknown], ["BTC-USDT", nameIn(broken)]);
    assert.deepEqual(stack, ["#BTC-USDT"], "the address says what is shown");
    market.select("ETH-USDT");
    assert.equal(market.unknown, "");
    types(broken);
    assert.deepEqual(
      [market.instrument.symbol, market.unknown, stack.at(-1)],
      ["ETH-USDT", nameIn(broken), "#ETH-USDT"],
    );
    market.dismissNotice();
    assert.equal(market.unknown, "");
  }
  const { market, stack, types } = await opened("");
  assert.deepEqual([market.instrument.symbol, market.unknown, stack], ["BTC-USDT", "", ["#BTC-USDT"]]);
  types("");
  assert.deepEqual([market.instrument.symbol, stack.at(-1)], ["BTC-USDT", "#BTC-USDT"]);
});
