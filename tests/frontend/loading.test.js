/** What the page loads by itself is asked for until it is there; an order that came too soon waits for its trader. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDelay } from "../../frontend/model/parts/failures.js";
import { Access } from "../../frontend/net/access.js";
import { ApiFailure, Http } from "../../frontend/net/http.js";
import { isTransient, pause, pauseMs, untilAnswered } from "../../frontend/net/retry.js";
import { CandleStore } from "../../frontend/stores/candles.js";
import { MarketStore } from "../../frontend/stores/market.js";
import { OrderEntryStore } from "../../frontend/stores/order-entry.js";
import { OrderHistoryStore } from "../../frontend/stores/order-history.js";
import { PortfolioStore } from "../../frontend/stores/portfolio.js";

const refused = (status, more = {}) => new ApiFailure("refused", "No.", { status, code: "NO", ...more });
const tooMany = (retryAfterMs = null) => refused(429, { code: "TOO_MANY_REQUESTS", retryAfterMs });
const silent = new ApiFailure("no_answer", "The server did not answer.");
const closed = new ApiFailure("not_accepting", "Not now.", { status: 503 });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const LONG_MS = 60_000;

/** Answers in turn, the last one ever after; counts how often it was asked. */
function answering(...answers) {
  const ask = async (...question) => {
    const answer = answers[Math.min(ask.asked.length, answers.length - 1)];
    ask.asked.push(question);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  ask.asked = [];
  return ask;
}

/** Only timers stand still: promises go on, and `later` lets every pause be over. */
function stopped(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  return async () => {
    await settled();
    context.mock.timers.tick(LONG_MS);
    await settled();
  };
}

test("what fails for the moment is asked again, each time after a longer pause, up to a cap", async () => {
  const pauses = [];
  const ask = answering(...Array.from({ length: 6 }, () => silent), "there");
  assert.equal(await untilAnswered(ask, undefined, undefined, async (ms) => pauses.push(ms)), "there");
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  assert.equal(pauseMs(silent, 1e6), 8_000);
});

test("the server's Retry-After is kept, and does not make a growing pause shorter", async () => {
  const pauses = [];
  const failures = [];
  const ask = answering(tooMany(30_000), tooMany(1_000), closed, "there");
  await untilAnswered(
    ask,
    undefined,
    ({ status }) => failures.push(status),
    async (ms) => pauses.push(ms),
  );
  assert.deepEqual(pauses, [30_000, 2_000, 4_000]);
  assert.deepEqual(failures, [429, 429, 503]);
});

test("what is refused for good is not asked again, nor is a mistake of ours", async () => {
  for (const failure of [...[400, 401, 403, 404, 409, 422].map((status) => refused(status)), new TypeError("ours")]) {
    assert.ok(!isTransient(failure));
    const ask = answering(failure, "there");
    await assert.rejects(untilAnswered(ask), failure);
    assert.equal(ask.asked.length, 1);
  }
});

test("who is superseded stops, during a pause and while an answer is on its way, and gets no answer", async () => {
  const superseded = new AbortController();
  const ask = answering(silent, "there");
  const asking = untilAnswered(ask, superseded.signal);
  await settled();
  superseded.abort();
  await assert.rejects(asking, { name: "AbortError" });
  assert.equal(ask.asked.length, 1);
  await assert.rejects(untilAnswered(ask, superseded.signal), { name: "AbortError" });
  assert.equal(ask.asked.length, 1);
  const late = new AbortController();
  await assert.rejects(
    untilAnswered(async () => (late.abort(), "too late"), late.signal),
    { name: "AbortError" },
  );
});

test("a pause is never shorter than asked for, little longer, and over at once for who is superseded", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let over = 0;
  pause(1_000).then(() => (over += 1));
  context.mock.timers.tick(999);
  await settled();
  assert.equal(over, 0);
  context.mock.timers.tick(251);
  await settled();
  assert.equal(over, 1);
  await pause(LONG_MS, AbortSignal.abort());
});

test("a refusal by something before the server, not in JSON, is known by its status", async () => {
  const answers = (status, headers = {}) =>
    new Http("", async () => new Response("<h1>No</h1>", { status, headers }))
      .call("GET", "/x")
      .catch((failure) => failure);
  const limited = await answers(429, { "Retry-After": "7" });
  assert.deepEqual([limited.kind, limited.status, limited.retryAfterMs], ["refused", 429, 7_000]);
  assert.deepEqual(
    [(await answers(404)).kind, (await answers(502)).kind, (await answers(200)).kind],
    ["refused", "no_answer", "no_answer"],
  );
});

const ACCESS = () => Object.assign(new EventTarget(), { session: { account: "1000" } });
const FEED = () => ({ subscribe() {}, unsubscribe() {}, resubscribe() {}, reconnect() {}, open() {} });
const FILL = {
  trade_id: "7",
  order_id: "3",
  symbol: "BTC-USDT",
  side: "buy",
  price: "1.00",
  quantity: "1",
  fee: "0",
  liquidity: "taker",
  timestamp: 1,
};
const ORDER = { order_id: "3", symbol: "BTC-USDT", side: "buy", status: "resting" };

function portfolioOf(api) {
  const access = ACCESS();
  const listed = {
    orders: answering({ orders: [], seq: 1, next_cursor: null }),
    fills: answering({ fills: [], count: 0 }),
    account: answering({ tier: "vip" }),
    ...api,
  };
  return { portfolio: new PortfolioStore(listed, FEED(), access, { next: () => "1" }), access, api: listed };
}

test("orders page by page, fills and account are there after one failure of each", async (context) => {
  const later = stopped(context);
  const orders = answering({ orders: [ORDER], seq: 5, next_cursor: "c" }, tooMany(1_000), {
    orders: [{ ...ORDER, order_id: "2" }],
    seq: 6,
    next_cursor: null,
  });
  const { portfolio } = portfolioOf({
    orders,
    fills: answering(silent, { fills: [FILL], count: 1 }),
    account: answering(tooMany(), { tier: "vip" }),
  });
  const loading = portfolio.load();
  await settled();
  assert.deepEqual([portfolio.ordersLoaded, portfolio.fillsLoaded, portfolio.account], [false, false, null]);
  await later();
  await loading;
  assert.deepEqual([portfolio.ordersLoaded, portfolio.fillsLoaded, portfolio.account.tier], [true, true, "vip"]);
  assert.deepEqual(
    portfolio.orders.open().map(({ order_id: id }) => id),
    ["3", "2"],
  );
  assert.deepEqual(
    orders.asked.map(([{ cursor }]) => cursor),
    [undefined, "c", "c"],
    "a page that came is not asked again",
  );
});

test("a new connection, a lost one and another account end the asking of the former", async (context) => {
  const later = stopped(context);
  const { portfolio, access, api } = portfolioOf({ fills: answering(closed) });
  for (const [supersede, goesOn] of [
    [() => portfolio.load(), 1],
    [() => portfolio.disconnected(), 0],
    [() => access.dispatchEvent(new Event("session")), 0],
  ]) {
    portfolio.load();
    await settled();
    supersede();
    await settled();
    const { length } = api.fills.asked;
    await later();
    assert.equal(api.fills.asked.length, length + goesOn, String(supersede));
  }
  assert.equal(portfolio.fillsLoaded, false);
});

test("the fills of a venue that began anew are listed, whichever listing comes first", async () => {
  for (const first of ["orders", "fills"]) {
    const listed = {
      orders: answering({ orders: [], seq: 9, next_cursor: null }, { orders: [], seq: 2, next_cursor: null }),
      fills: answering({ fills: [FILL], count: 1 }),
    };
    const slow =
      (ask) =>
      async (...question) => (await settled(), ask(...question));
    const { portfolio } = portfolioOf(
      first === "orders" ? { ...listed, fills: slow(listed.fills) } : { ...listed, orders: slow(listed.orders) },
    );
    await portfolio.load();
    await portfolio.load();
    await settled();
    assert.deepEqual(
      [portfolio.fills.fills.length, portfolio.fillsLoaded, portfolio.fills.newsFrom],
      [1, true, "8"],
      `${first} first`,
    );
  }
});

const BTC = {
  symbol: "BTC-USDT",
  base: "BTC",
  quote: "USDT",
  tick_size: "0.01",
  lot_size: "0.01",
  status: "trading",
  maker_fee_percent: "0",
  taker_fee_percent: "0",
};
const TRADE = { trade_id: "1", symbol: "BTC-USDT", price: "1.00", quantity: "1", aggressor_side: "buy", timestamp: 1 };

function marketOf(api) {
  const feed = FEED();
  const { portfolio } = portfolioOf({});
  const candleStore = { show() {}, subscribed() {}, receive() {}, disconnected() {} };
  const all = {
    symbols: answering({ symbol_info: { "BTC-USDT": BTC, "ETH-USDT": { ...BTC } } }),
    health: answering({}),
    trades: answering({ trades: [] }),
    ticker: answering({ last: "1.00" }),
    ...api,
  };
  const market = new MarketStore(all, feed, portfolio, candleStore);
  return {
    market,
    feed,
    api: all,
    subscribed: () => feed.onEvent("subscribed", { type: "trades", symbol: market.instrument.symbol }),
  };
}

/** Started, without its poll of the venue. */
async function started(context, market) {
  context.mock.method(globalThis, "setInterval", () => 0);
  const starting = market.start("BTC-USDT", new Promise(() => {}));
  await settled();
  return starting;
}

test("the tape and the 24 hours come after a refusal; the tape says meanwhile why it is empty, and live trades are shown", async (context) => {
  const later = stopped(context);
  const { market, api, feed, subscribed } = marketOf({
    trades: answering(tooMany(2_000), { trades: [TRADE] }),
    ticker: answering(silent, { last: "1.00" }),
  });
  await started(context, market);
  subscribed();
  await settled();
  assert.equal(describeDelay(market.tapeFailure), "The venue asks us to slow down. It is asked again by itself.");
  feed.onEvent("trades", { symbol: "BTC-USDT", trades: [{ ...TRADE, trade_id: "2" }] });
  assert.deepEqual(
    market.tape.trades.map(({ trade_id: id }) => id),
    ["2"],
  );
  await later();
  assert.deepEqual(
    [market.tape.trades.map(({ trade_id: id }) => id), market.tapeLoaded, market.tapeFailure],
    [["2", "1"], true, null],
  );
  assert.deepEqual([api.trades.asked.length, api.ticker.asked.length, market.ticker.figures.last], [2, 2, "1.00"]);
});

test("what stands on the tape stays when it is loaded anew, until the listing takes its place", async (context) => {
  const later = stopped(context);
  const { market, feed, subscribed } = marketOf({
    trades: answering({ trades: [{ ...TRADE, trade_id: "9" }] }, silent, { trades: [TRADE] }),
  });
  await started(context, market);
  subscribed();
  await settled();
  subscribed();
  await settled();
  feed.onEvent("trades", { symbol: "BTC-USDT", trades: [{ ...TRADE, trade_id: "2" }] });
  assert.deepEqual(
    market.tape.trades.map(({ trade_id: id }) => id),
    ["9", "2"],
  );
  await later();
  assert.deepEqual(
    market.tape.trades.map(({ trade_id: id }) => id),
    ["2", "1"],
    "of a venue that began anew",
  );
});

test("another symbol, or a connection that is gone, ends the asking; a tape that is not to be had says so", async (context) => {
  const later = stopped(context);
  const { market, feed, api, subscribed } = marketOf({
    trades: answering(silent, silent, silent, silent, refused(404, { code: "" })),
  });
  await started(context, market);
  for (const [supersede, goesOn] of [
    [() => market.select("ETH-USDT"), 0],
    [() => feed.onDisconnect(), 0],
    [subscribed, 1],
  ]) {
    subscribed();
    await settled();
    supersede();
    await settled();
    const { length } = api.trades.asked;
    await later();
    assert.equal(api.trades.asked.length, length + goesOn);
  }
  assert.deepEqual([describeDelay(market.tapeFailure), market.tapeLoaded], ["No.", false]);
});

test("symbols are asked for until they are there; where they are refused that is said, and asked again when connected", async (context) => {
  const later = stopped(context);
  const info = { symbol_info: { "BTC-USDT": BTC } };
  const { market, feed, api } = marketOf({ symbols: answering(closed, refused(403), info) });
  started(context, market);
  await later();
  assert.deepEqual([market.notice, market.instrument], ["No.", null]);
  feed.onConnect();
  await settled();
  assert.deepEqual([market.notice, market.instrument.symbol], ["", "BTC-USDT"]);
  feed.onConnect();
  await settled();
  assert.equal(api.symbols.asked.length, 3);
});

test("what the venue changes in its symbols is taken over: when it says so, and when a list is looked at", async (context) => {
  stopped(context);
  const ticked = { ...BTC, tick_size: "0.05" };
  const listings = [
    { "BTC-USDT": { ...BTC, limits: { max_quantity: "7" } }, "NEW-USDT": BTC },
    { "BTC-USDT": ticked },
    { "ETH-USDT": BTC },
  ];
  const { market, feed, api } = marketOf({
    symbols: answering({ symbol_info: { "BTC-USDT": BTC } }, ...listings.map((symbol_info) => ({ symbol_info }))),
    tickers: answering({ tickers: [{ symbol: "LATER-USDT" }] }),
  });
  await started(context, market);
  const selected = [];
  market.addEventListener("symbol", () => selected.push(market.instrument.symbol));
  feed.onEvent("venue", { flows: [], accepting: true, symbols_seq: 0 });
  await settled();
  assert.equal(api.symbols.asked.length, 1, "what is told at connect is no news");
  feed.onEvent("venue", { flows: [], accepting: true, symbols_seq: 9 });
  await settled();
  assert.deepEqual(
    [[...market.instruments.keys()], market.instrument.limits, selected],
    [["BTC-USDT", "NEW-USDT"], { max_quantity: "7" }, []],
  );
  await market.tickers();
  await settled();
  assert.deepEqual([selected, market.instrument.tick_size], [["BTC-USDT"], "0.05"], "another grid is another book");
  await market.learnInstruments();
  assert.deepEqual([market.instrument.symbol, market.notice], ["ETH-USDT", "BTC-USDT is not listed here any more."]);
  market.learnInstruments();
  market.learnInstruments();
  await settled();
  assert.equal(api.symbols.asked.length, 6, "a change while the symbols are on their way is asked for after");
});

test("symbols that changed between their listing and the connection are asked for again", async (context) => {
  for (const [symbolsSeq, askedAfter] of [
    [7, 1],
    [8, 2],
  ]) {
    const { market, feed, api } = marketOf({ symbols: answering({ symbol_info: { "BTC-USDT": BTC }, seq: 7 }) });
    await started(context, market);
    feed.onEvent("venue", { flows: [], accepting: true, symbols_seq: symbolsSeq });
    await settled();
    assert.equal(api.symbols.asked.length, askedAfter);
    context.mock.restoreAll();
  }
});

test("the venue's state is not asked for while the venue wants no questions", async (context) => {
  let nowMs = 1_000;
  let poll;
  context.mock.method(globalThis, "setInterval", (each) => ((poll = each), 0));
  context.mock.method(performance, "now", () => nowMs);
  const { market, feed, api } = marketOf({ health: answering(tooMany(30_000), { flows: ["replay"] }) });
  await market.start("BTC-USDT", new Promise(() => {}));
  const asked = [];
  for (const afterMs of [0, 10_000, 19_000, 1_500]) {
    nowMs += afterMs;
    poll();
    await settled();
    if (afterMs === 10_000) feed.onConnect();
    asked.push(api.health.asked.length);
  }
  assert.deepEqual([asked, market.venue.flows], [[1, 1, 1, 2], ["replay"]]);
});

test("whether a time has passed is judged by the venue's clock, however wrong this machine's is", async (context) => {
  const { market } = marketOf({});
  await started(context, market);
  const entry = new OrderEntryStore(market);
  const hour = 3_600_000;
  const fields = {
    price: "1.00",
    quantity: "1",
    time_in_force: "gtd",
    expire_time: new Date(Date.now() - hour / 2).toISOString().slice(0, 19),
  };
  for (const [name, value] of Object.entries(fields)) entry.edit(name, value);
  market.clock.answered(performance.now(), performance.now(), (Date.now() - hour) / 1_000);
  assert.equal(entry.checked().problems.expire_time, undefined);
  market.clock.forget();
  market.clock.answered(performance.now(), performance.now(), Date.now() / 1_000);
  assert.equal(entry.checked().problems.expire_time, "That time has passed.");
});

test("candles are asked for once for each connection, however often one failed", async (context) => {
  const later = stopped(context);
  const candles = answering(tooMany(1_000), tooMany(1_000), { candles: [], seq: 1 });
  const workspace = { recall: () => "1m", remember() {} };
  const candleStore = new CandleStore({ candles }, FEED(), workspace);
  candleStore.show(BTC);
  candleStore.subscribed();
  await settled();
  assert.equal(candleStore.state, "waiting");
  candleStore.subscribed();
  await settled();
  await later();
  assert.deepEqual([candleStore.state, candleStore.failure, candles.asked.length], ["loaded", null, 3]);
  const gone = new CandleStore({ candles: answering(silent) }, FEED(), workspace);
  gone.show(BTC);
  gone.subscribed();
  await settled();
  gone.disconnected();
  let asked = 0;
  gone.addEventListener("candles", () => (asked += 1));
  await later();
  assert.equal(asked, 0);
});

test("the order history waits for a page that did not come, and another look at it takes the place of the wait", async (context) => {
  const later = stopped(context);
  const page = { orders: [ORDER], next_cursor: null };
  const orders = answering(closed, closed, page);
  const history = new OrderHistoryStore({ orders });
  history.load();
  await settled();
  assert.deepEqual([history.state, history.failure], ["waiting", closed]);
  history.load();
  await later();
  assert.deepEqual([history.state, history.orders.length, orders.asked.length], ["listed", 1, 3]);
});

test("the server is asked who it is until it says; where it refuses, there is no session, and why", async (context) => {
  const later = stopped(context);
  const saved = { read: () => null, chosen: null };
  const http = { call: answering(silent, { profile: "secured" }) };
  const access = new Access(http, saved);
  access.start();
  await later();
  assert.deepEqual([access.profile, access.state], ["secured", "signed_out"]);
  const barred = new Access({ call: answering(refused(403)) }, saved);
  await barred.start();
  assert.deepEqual([barred.state, barred.why], ["failed", { code: "NO", message: "No." }]);
});

test("after too many orders the ticket says when to try again, keeps the draft, and sends no other before", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { market } = marketOf({});
  await started(context, market);
  const enterOrder = answering(tooMany(2_000), {
    status: "resting",
    order_id: "5",
    quantity: "1.00",
    price: "1.00",
    filled_quantity: "0",
  });
  market.portfolio.enterOrder = enterOrder;
  const entry = new OrderEntryStore(market);
  for (const [name, value] of Object.entries({ price: "1.00", quantity: "1" })) entry.edit(name, value);
  const { fields } = entry;
  entry.submit();
  await settled();
  assert.match(
    entry.result.text,
    /^Rejected: that is more than the venue takes just now: too many requests, or attempts to sign in\. Try again in 2 s\.$/,
  );
  assert.deepEqual([entry.pausedS, entry.fields], [2, fields]);
  entry.submit();
  context.mock.timers.tick(1_000);
  assert.equal(entry.pausedS, 1);
  entry.submit();
  assert.equal(enterOrder.asked.length, 1);
  context.mock.timers.tick(1_000);
  assert.deepEqual([entry.pausedS, entry.result.text], [0, "The order was not taken. It can be sent again now."]);
  entry.submit();
  await settled();
  assert.equal(enterOrder.asked.length, 2);
  assert.match(entry.result.text, /^In the book/);
});

test("an order that came as the symbol stopped trading is refused with what it does now", async (context) => {
  const { market } = marketOf({});
  await started(context, market);
  market.portfolio.enterOrder = answering(refused(422, { code: "SYMBOL_NOT_TRADING" }));
  const entry = new OrderEntryStore(market);
  for (const [name, value] of Object.entries({ price: "1.00", quantity: "1" })) entry.edit(name, value);
  entry.submit();
  market.trading = { status: "halted" };
  await settled();
  assert.equal(entry.result.text, "Rejected: BTC-USDT is halted: no orders are taken; cancels work.");
  entry.preview.forget();
});

test("a draft that was taken is not sent again for a moment, unless it is touched", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { market } = marketOf({});
  await started(context, market);
  const enterOrder = answering({
    status: "resting",
    order_id: "5",
    quantity: "1.00",
    price: "1.00",
    filled_quantity: "0",
  });
  market.portfolio.enterOrder = enterOrder;
  const entry = new OrderEntryStore(market);
  const sent = async () => {
    entry.submit();
    await settled();
    return enterOrder.asked.length;
  };
  for (const [name, value] of Object.entries({ price: "1.00", quantity: "1" })) entry.edit(name, value);
  assert.deepEqual([await sent(), await sent(), entry.sent], [1, 1, true]);
  context.mock.timers.tick(599);
  assert.equal(await sent(), 1);
  context.mock.timers.tick(1);
  assert.deepEqual([entry.sent, await sent()], [false, 2]);
  entry.edit("quantity", "1");
  assert.equal(await sent(), 3, "touched, though the same");
  context.mock.timers.tick(600);
  entry.submit();
  entry.edit("quantity", "2");
  await settled();
  assert.deepEqual([entry.sent, await sent()], [false, 5], "changed while the last one was under way");
});
