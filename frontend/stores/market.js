/**
 * The market: one symbol looked at, its models kept current by feed and REST.
 *
 * What is the account's own is handed on to the portfolio. Emits what changed by events named after
 * the part: "instruments", "symbol", "status", "book", "tape", "ticker", "link", "venue", "notice". Views read the
 * fields.
 * Layer: stores.
 */

import { Book } from "../model/market/book.js";
import { Tape } from "../model/market/tape.js";
import { Ticker } from "../model/market/ticker.js";
import { NO_FAULTS } from "../model/operator/faults.js";
import { scaleOf } from "../model/parts/decimal.js";
import { Connection } from "../model/shell/connection.js";
import { symbolCalled } from "../model/shell/symbol-address.js";
import { VenueClock } from "../model/shell/venue-clock.js";
import { Nodes } from "../net/nodes.js";
import { untilAnswered } from "../net/retry.js";
import { ORDERS } from "./portfolio.js";

/** @typedef {import("../model/types.js").Instrument} Instrument */

const TAPE_LENGTH = 80;
/** Whether orders are taken is asked this often, or less where the venue asks for it. */
const VENUE_EVERY_MS = 10_000;
/** The symbols are not asked for twice because the page starts and connects at once. */
const JUST_LEARNT_MS = 2_000;

/** @typedef {import("../model/market/flow-sources.js").FlowSource} FlowSource */

export class MarketStore extends EventTarget {
  /** @type {Map<string, Instrument>} */ instruments = new Map();
  /** @type {Instrument | null} */ instrument = null;
  book = new Book(0, 0);
  tape = new Tape(TAPE_LENGTH);
  /** Whether the tape's first listing came. */
  tapeLoaded = false;
  /**
   * Why the listing that is wanted did not come yet.
   * @type {import("../net/http.js").ApiFailure | null}
   */
  tapeFailure = null;
  ticker = new Ticker();
  /**
   * Where the shown symbol stands.
   * @type {import("../model/market/trading-status.js").TradingState}
   */
  trading = { status: "trading" };
  connection = new Connection();
  clock;
  /** @type {{flows: string[], sources: FlowSource[], accepting: boolean, clockHeld: boolean}} */
  venue = { flows: [], sources: [], accepting: true, clockHeld: false };
  /** The last thing the feed complained about, in words. */
  notice = "";
  /** A symbol that was asked for and is not listed. */
  unknown = "";
  portfolio;
  candleStore;
  #api;
  #feed;
  #rules;
  /** Aborted when the symbol's listings are asked for anew, for another one, or are of no use. */
  #loading = new AbortController();
  /** To take the tape's place when its listing came. @type {Tape | null} */ #nextTape = null;
  /** Whether the symbols are being asked for. */ #learning = false;
  /** Whether they have changed since they were asked for. */ #outdated = false;
  #learntAtMs = -Infinity;
  /** The command that the symbols were listed at; before that nothing is news. */ #learntSeq = Infinity;
  /** Of the venue's last word on that. @type {number | null} */ #symbolsSeq = null;
  /** Until when the venue does not want to be asked whether it takes orders. */ #restUntilMs = 0;
  /** @type {string | null} */ #preferred = null;
  #faults;
  #nodes;

  /**
   * @param {import("../net/api.js").Api} api
   * @param {import("../net/feed.js").Feed} feed
   * @param {import("./portfolio.js").PortfolioStore} portfolio
   * @param {import("./candles.js").CandleStore} candleStore
   * @param {VenueClock} [clock] that is set by what the venue answers
   * @param {import("../model/types.js").Rules} [rules] of the venue
   * @param {import("./faults.js").FaultStore | null} [faults] that is given what the feed says of them
   * @param {import("../net/nodes.js").Nodes} [nodes] that are given what the feed says of the one that is asked
   */
  constructor(
    api,
    feed,
    portfolio,
    candleStore,
    clock = new VenueClock(),
    rules = {},
    faults = null,
    nodes = new Nodes(),
  ) {
    super();
    this.#nodes = nodes;
    nodes.addEventListener("node", () => this.#emit("link"));
    this.#faults = faults;
    this.#api = api;
    this.#feed = feed;
    this.#rules = rules;
    this.portfolio = portfolio;
    this.candleStore = candleStore;
    this.clock = clock;
    portfolio.addEventListener("switch", () => this.#reconnect());
    feed.onEvent = (name, payload) => this.#receive(name, payload);
    feed.onConnect = () => this.#connected();
    feed.onDisconnect = () => this.#disconnected();
    feed.sinceOf = ({ type, symbol }) =>
      type === "l2_deltas" && symbol === this.instrument?.symbol ? this.book.whole : undefined;
    feed.onRoundTrip = (sentMs, nowMs, timestamp) => {
      this.clock.answered(sentMs, nowMs, timestamp);
      this.connection.answered(sentMs, nowMs);
      this.#emit("link");
    };
  }

  /**
   * Connect and show a symbol. Never fails; keeps trying, and where it was refused says so and tries again when
   * connected.
   * @param {string | null} preferred the symbol to show when there is one of that name
   * @param {Promise<void>} known when it is known as whom to connect
   */
  async start(preferred, known) {
    this.#preferred = preferred;
    known.then(() => this.#feed.open());
    setInterval(() => this.#loadVenue(), VENUE_EVERY_MS);
    await this.learnInstruments();
  }

  /**
   * Show the symbol of that name, in any case. One that is not listed is named in `unknown`, and the shown one stays.
   * @param {string} name
   * @returns {boolean} whether it is listed; where the symbols are not known yet, whether it may be
   */
  follow(name) {
    if (this.instruments.size === 0) {
      this.#preferred = name;
      return true;
    }
    const symbol = symbolCalled(this.instruments.keys(), name);
    this.#setUnknown(symbol === undefined ? name : "");
    if (symbol === undefined) return false;
    if (symbol !== this.instrument?.symbol) this.select(symbol);
    return true;
  }

  /** What was complained about has been read. */
  dismissNotice() {
    this.notice = "";
    this.unknown = "";
    this.#emit("notice");
  }

  /** @param {string} name */
  #setUnknown(name) {
    this.unknown = name;
    this.#emit("notice");
  }

  /** @param {string} symbol must be listed */
  select(symbol) {
    this.#setUnknown("");
    if (this.instrument)
      for (const subscription of subscriptionsOf(this.instrument)) this.#feed.unsubscribe(subscription);
    this.#loading.abort();
    this.#nextTape = null;
    const instrument = this.instruments.get(symbol);
    if (instrument === undefined) throw new RangeError(`not listed: ${symbol}`);
    this.instrument = instrument;
    this.book = new Book(scaleOf(instrument.tick_size), scaleOf(instrument.lot_size));
    this.ticker = new Ticker();
    this.tape = new Tape(TAPE_LENGTH);
    this.tapeLoaded = false;
    this.tapeFailure = null;
    this.trading = { status: instrument.status, ...instrument.session };
    this.#emit("symbol");
    this.#emit("status");
    for (const subscription of subscriptionsOf(instrument)) this.#feed.subscribe(subscription);
    this.candleStore.show(instrument);
  }

  /** The 24 hours of every symbol, by symbol; throws ApiFailure. @param {AbortSignal} signal */
  async tickers(signal) {
    const { tickers } = await this.#api.tickers(signal);
    if (tickers.some((/** @type {{symbol: string}} */ { symbol }) => !this.instruments.has(symbol)))
      this.learnInstruments();
    return Object.fromEntries(tickers.map((/** @type {{symbol: string}} */ ticker) => [ticker.symbol, ticker]));
  }

  /**
   * What taking `quantity` now would cost; throws ApiFailure.
   * @param {string} side
   * @param {string} quantity
   * @param {AbortSignal} signal
   */
  quote(side, quantity, signal) {
    return this.#api.quote(this.#shown.symbol, side, quantity, signal);
  }

  /** The venue's time, epoch milliseconds; as long as that is not known, this machine's. */
  get nowMs() {
    return this.clock.at(performance.now()) ?? Date.now();
  }

  get linkState() {
    return this.connection.state(performance.now(), this.book.state, this.#nodes.stale);
  }

  /** The shown instrument, by what runs only while there is one. */
  get #shown() {
    if (this.instrument === null) throw new Error("no symbol is shown");
    return this.instrument;
  }

  /** @param {string} part */
  #emit(part) {
    this.dispatchEvent(new Event(part));
  }

  #connected() {
    this.connection.connected(performance.now());
    this.notice = "";
    this.clock.forget();
    this.#faults?.fold(NO_FAULTS); // where there are some, the venue says so
    this.#emit("link");
    this.#emit("notice");
    this.#loadVenue();
    if (!this.#learning && performance.now() - this.#learntAtMs > JUST_LEARNT_MS) this.learnInstruments();
  }

  /** As somebody else. */
  #reconnect() {
    this.connection.reconnecting();
    this.book.invalidate();
    this.#feed.reconnect();
    this.#emit("link");
    this.#emit("book");
  }

  #disconnected() {
    this.connection.disconnected();
    this.book.invalidate();
    this.#loading.abort();
    this.portfolio.disconnected();
    this.candleStore.disconnected();
    this.#emit("link");
    this.#emit("book");
  }

  /** @param {string} name @param {any} payload */
  #receive(name, payload) {
    this.connection.heard(performance.now());
    switch (name) {
      case "subscribed":
        return this.#subscribed(payload);
      case "venue":
        this.#followSymbols(payload.symbols_seq);
        this.#nodes.fold(payload);
        return this.#setVenue(payload);
      case "fault":
        return this.#faults?.fold(payload);
      case "order_events":
        return this.portfolio.foldOrderEvents(payload.events);
      case "queue":
        return this.portfolio.foldQueue(payload);
      case "balances":
        return this.portfolio.foldBalances(payload);
      case "resync":
        return this.#resync(payload);
      case "error":
        this.notice = payload.message;
        return this.#emit("notice");
      default:
        if (payload.symbol === this.instrument?.symbol) this.#receiveMarket(name, payload);
    }
  }

  /** @param {string} name @param {any} payload of the shown symbol */
  #receiveMarket(name, payload) {
    switch (name) {
      case "l2_snapshot":
        this.#bookOutcome(this.book.applySnapshot(payload));
        break;
      case "l2_delta":
        this.#bookOutcome(this.book.applyDelta(payload));
        break;
      case "trades":
        this.tape.add(payload.trades);
        this.#nextTape?.add(payload.trades);
        this.ticker.addTrades(payload.trades);
        this.#emit("tape");
        this.#emit("ticker");
        break;
      case "candle":
        this.candleStore.receive(payload);
        break;
      case "status":
        this.#setTrading(payload);
        break;
      case "ticker":
        this.ticker.replace(payload);
        this.#emit("ticker");
        break;
    }
  }

  /** @param {import("../model/market/book.js").Outcome} outcome */
  #bookOutcome(outcome) {
    if (outcome === "gap" || outcome === "checksum") {
      this.connection.gaps += 1;
      this.#feed.resubscribe({ type: "l2_deltas", symbol: this.#shown.symbol });
    }
    if (outcome !== "ignored") this.#emit("book");
  }

  /**
   * Live messages come from now on, so a listing fetched now leaves no hole before them.
   * @param {{type: string, symbol: string | null}} subscription
   */
  #subscribed({ type, symbol }) {
    if (type === "orders") this.portfolio.load();
    if (type === "trades" && symbol === this.instrument?.symbol) this.#loadMarket();
    if (type === "candles" && symbol === this.instrument?.symbol) this.candleStore.subscribed();
  }

  /** We read too slowly and were taken out of a subscription. @param {{type: string, symbol: string | null}} message */
  #resync({ type, symbol }) {
    this.connection.resyncs += 1;
    this.#emit("link");
    if (type === "candles" && symbol === this.instrument?.symbol) this.candleStore.missed();
    const listed = this.instruments.get(symbol ?? "");
    const subscription =
      type === "orders" ? ORDERS : listed && subscriptionsOf(listed).find((wanted) => wanted.type === type);
    if (subscription) this.#feed.resubscribe(subscription);
    if (type === "l2_deltas" && symbol === this.instrument?.symbol) {
      this.book.invalidate();
      this.#emit("book");
    }
  }

  /** @param {import("../model/market/trading-status.js").TradingState & {symbol: string}} trading */
  #setTrading(trading) {
    this.trading = trading;
    if (trading.status !== this.#shown.status) {
      this.instrument = { ...this.#shown, status: trading.status };
      this.instruments.set(trading.symbol, this.instrument);
      this.#emit("instruments");
    }
    this.#emit("status");
  }

  /**
   * What a message leaves out stays as it was.
   * @param {Partial<{flows: string[], sources: FlowSource[], accepting: boolean, clock_held: boolean}>} changed
   */
  #setVenue({ clock_held = this.venue.clockHeld, ...changed }) {
    const { flows, sources, accepting } = { ...this.venue, ...changed };
    this.venue = { flows, sources, accepting, clockHeld: clock_held };
    this.#emit("venue");
  }

  async #loadVenue() {
    if (performance.now() < this.#restUntilMs) return;
    try {
      const health = await this.#api.health();
      this.#setVenue({ ...health, clock_held: health.clock && !health.clock.followed });
    } catch ({ retryAfterMs }) {
      // Asked again in a while; a lost connection is noticed by the feed.
      this.#restUntilMs = performance.now() + (retryAfterMs ?? 0);
    }
  }

  /** @param {number} [seq] of the last change of the symbols, by which a later change is known */
  #followSymbols(seq) {
    if (seq === undefined) return;
    const known = this.#symbolsSeq;
    if (known === null ? seq > this.#learntSeq : seq !== known) this.learnInstruments();
    this.#symbolsSeq = seq;
  }

  #loadMarket() {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.#loadTape();
    this.#loadTicker();
  }

  /** The last trades of the shown symbol; what stands stays until they came. */
  async #loadTape() {
    const { symbol } = this.#shown;
    const { signal } = this.#loading;
    const tape = new Tape(TAPE_LENGTH);
    this.#nextTape = tape;
    const waits = (/** @type {import("../net/http.js").ApiFailure} */ failure) => {
      this.tapeFailure = failure;
      this.#emit("tape");
    };
    try {
      const listing = await untilAnswered(() => this.#api.trades(symbol, TAPE_LENGTH, signal), signal, waits);
      tape.add(listing.trades);
      this.tape = tape;
      this.tapeLoaded = true;
      this.tapeFailure = null;
    } catch (failure) {
      if (signal.aborted) return; // asked anew, or about to be
      this.tapeFailure = failure;
    }
    this.#nextTape = null;
    this.#emit("tape");
  }

  /** The 24 hour figures of the shown symbol. */
  async #loadTicker() {
    const { symbol } = this.#shown;
    const { signal } = this.#loading;
    try {
      this.ticker.replace(await untilAnswered(() => this.#api.ticker(symbol, signal), signal));
    } catch {
      return; // the feed sends them too
    }
    this.#emit("ticker");
  }

  /** Take over the symbols as the venue lists them, and show one if none is shown. Never fails; emits "instruments". */
  async learnInstruments() {
    this.#outdated = true;
    if (this.#learning) return;
    this.#learning = true;
    try {
      while (this.#outdated) {
        this.#outdated = false;
        const { symbol_info: infos, seq = Infinity } = await untilAnswered(() => this.#api.symbols());
        this.#learntSeq = seq;
        this.#learntAtMs = performance.now();
        this.#list(infos);
      }
    } catch (failure) {
      if (this.instruments.size > 0) return; // those that are known serve until the next time
      this.notice = failure.message;
      this.#emit("notice");
    } finally {
      this.#learning = false;
    }
  }

  /** @param {Record<string, any>} infos of GET /symbols */
  #list(infos) {
    const { instrument: shown } = this;
    this.instruments = new Map(
      Object.entries(infos).map(([symbol, info]) => [symbol, { ...info, symbol, rules: this.#rules }]),
    );
    const listed = shown && this.instruments.get(shown.symbol);
    if (listed && onSameGrid(shown, listed)) {
      // Its status comes by the feed, which is ahead of any answer.
      this.instrument = listed.session ? { ...listed, status: this.trading.status } : listed;
      this.instruments.set(listed.symbol, this.instrument);
      if (!listed.session) this.#setTrading({ symbol: listed.symbol, status: listed.status });
    }
    this.#emit("instruments");
    if (this.instrument === this.instruments.get(this.instrument?.symbol ?? "")) return;
    if (shown && !listed) {
      this.notice = `${shown.symbol} is not listed here any more.`;
      this.#emit("notice");
    }
    const [first] = this.instruments.keys();
    if (first === undefined) return;
    const wanted = listed?.symbol ?? this.#preferred ?? "";
    const found = symbolCalled(this.instruments.keys(), wanted);
    this.select(found ?? first);
    if (found === undefined) this.#setUnknown(wanted);
    this.#preferred = null;
  }
}

/**
 * Whether prices and quantities of one can stand beside those of the other.
 * @param {Instrument} one
 * @param {Instrument} other
 */
function onSameGrid(one, other) {
  return (
    one.tick_size === other.tick_size &&
    one.lot_size === other.lot_size &&
    one.base === other.base &&
    one.quote === other.quote
  );
}

/** @param {import("../model/types.js").Instrument} instrument @returns {import("../net/feed.js").Subscription[]} */
function subscriptionsOf({ symbol, session }) {
  return [
    { type: "l2_deltas", symbol },
    { type: "trades", symbol, batch: true },
    { type: "ticker", symbol },
    // A venue whose symbols have no sessions has no such stream.
    ...(session ? [{ type: "status", symbol }] : []),
  ];
}
