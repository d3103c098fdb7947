/**
 * Order entry: what is in the ticket, whether it can be sent and paid, what it would do, what became of it.
 *
 * What can't be paid for certain is not sent. One order at a time is under way, and a second press just after it is the
 * same intention: a draft that was taken rests a moment, unless it is touched. When no answer comes, sending the same
 * fields again repeats the same client order id, so nothing is entered twice. Emits every change  "change", and by
 * "picked" that a price came from elsewhere. Knows no DOM.
 * Layer: stores.
 */

import { whyNotTaken } from "../model/market/trading-status.js";
import { describeAnswer } from "../model/orders/answers.js";
import { compare, isZero } from "../model/parts/decimal.js";
import { describeFailure, TOO_MANY_REQUESTS } from "../model/parts/failures.js";
import { plainOf } from "../model/parts/number-text.js";
import { UTC } from "../model/parts/times.js";
import {
  affordable,
  canPay,
  costNow,
  costOfSpending,
  describeShort,
  feeRates,
  holdOf,
  holdPrice,
  isHoldCertain,
  spendable,
} from "../model/ticket/funds.js";
import { ORDER_TYPES } from "../model/ticket/order-types.js";
import { differenceFrom } from "../model/ticket/preview-difference.js";
import { checkTicket, EMPTY, inQuote, needsPrice, problemOf, stepOf, stepped, unitOf } from "../model/ticket/ticket.js";
import { PreviewStore } from "./preview.js";

/**
 * What a new symbol leaves as it was: how one likes to trade, not at which price.
 * @type {readonly Field[]}
 */
const KEPT = Object.freeze(["side", "type", "quantity_in", "trail_in", "time_in_force", "self_trade_prevention"]);
/** How long no order is sent when there were too many and the venue doesn't say. */
const REST_MS = 1_000;
const SECOND_MS = 1_000;
/** After the answer: longer than a double click, or a key that bounces, shorter than meaning it once more. */
const ONE_INTENTION_MS = 600;
/** What one order uses up: the next one is not meant to carry it. */
const ONCE = Object.freeze(["take_profit", "stop_loss", "stop_loss_limit"]);

/**
 * Another unit: the number means something else.
 * @type {Readonly<Partial<Record<Field, Field>>>}
 */
const IN_UNIT = Object.freeze({ quantity_in: "quantity", trail_in: "trail" });

/** @typedef {import("../model/ticket/ticket.js").TicketFields} TicketFields */
/** @typedef {import("../model/parts/times.js").Times} Times */
/** @typedef {keyof TicketFields} Field */
/**
 * @typedef {{tone: "good" | "plain" | "bad", text: string, why?: import("./explanations.js").Subject | null}} Result
 *   `why`: what explains it
 */

export class OrderEntryStore extends EventTarget {
  /** @type {TicketFields} */ fields = { ...EMPTY };
  /** Whether an order is under way. */
  busy = false;
  /** Whether the draft was just taken, and not touched since: it is not sent now. */
  sent = false;
  /** For how many more seconds none is sent, because there were too many. */
  pausedS = 0;
  /** What became of the last order. @type {Result} */ result = { tone: "plain", text: "" };
  /** What it would do now. */ preview;
  #market;
  #portfolio;
  #timesNow;
  /**
   * Fields that were edited since the last order: only they are complained about.
   * @type {Set<string>}
   */
  #edited = new Set();
  /**
   * What was said of the draft, such as why it was not sent: until the fields change.
   * @type {Result | null}
   */
  #draftResult = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #sentTimer;
  /** The order no answer came for. @type {{fields: string, clientOrderId: string} | null} */ #unanswered = null;

  /** @param {import("./market.js").MarketStore} market @param {() => Times} [timesNow] by which a typed time is read */
  constructor(market, timesNow = () => UTC) {
    super();
    this.#market = market;
    this.#timesNow = timesNow;
    this.#portfolio = market.portfolio;
    this.preview = new PreviewStore(market, () => this.checked().order);
    this.preview.addEventListener("change", () => this.#emit());
    this.#portfolio.addEventListener("switch", () => {
      this.#pause(0);
      this.#forgetAnswer();
    });
    this.#portfolio.addEventListener("account", () => this.#renewPreview());
    market.addEventListener("symbol", () => this.#clear());
    market.addEventListener("instruments", () => this.#emit());
    market.addEventListener("book", () => this.#bookMoved());
    market.addEventListener("link", () => market.linkState === "disconnected" && this.#forgetPreview());
  }

  get priced() {
    return needsPrice(this.fields.type);
  }

  /**
   * The fields as an order, or what is wrong with them; what it would hold or cost, and whether that is there.
   * O(levels).
   * `funds` is null while there is no order, and where only the venue knows what it would hold; `short` of what can't
   * be
   * paid, `doubtful` of what perhaps can't.
   * @returns {{problems: import("../model/ticket/ticket.js").Problems, order: any, funds: {needed: {asset: string,
   *   amount: string}, available: string, short: boolean, doubtful: boolean} | null}}
   */
  checked() {
    const { instrument } = this.#market;
    if (!instrument) return { problems: {}, order: null, funds: null };
    const { problems, order } = checkTicket(
      this.fields,
      instrument,
      this.#market.clock.at(performance.now()),
      this.#timesNow(),
    );
    const funds = order && this.#funds(order);
    return {
      problems: funds?.short ? { ...problems, quantity: describeShort(funds.needed, funds.available) } : problems,
      order,
      funds,
    };
  }

  /** Whether a problem of that field is to be shown. @param {string} name */
  complainsOf(name) {
    return this.#edited.has(name);
  }

  /** @param {Field} name @param {string} value */
  edit(name, value) {
    this.fields = { ...this.fields, ...(IN_UNIT[name] && { [IN_UNIT[name]]: "" }), [name]: value };
    this.#edited.add(name);
    if (this.result === this.#draftResult) this.result = { tone: "plain", text: "" };
    this.#note(false);
    this.#renewPreview();
  }

  /** Times are read in another zone now: the one that was typed stays the same moment. @param {Times} before */
  keepMoment(before) {
    const { ms } = before.read(this.fields.expire_time);
    if (ms !== undefined) this.fields = { ...this.fields, expire_time: this.#timesNow().written(ms) };
    this.#emit();
  }

  /** Take a price from elsewhere on the page: into the first price that the type has. @param {string} price */
  takePrice(price) {
    const { prices } = ORDER_TYPES[this.fields.type];
    this.edit(prices.includes("price") ? "price" : (prices.find((name) => name !== "trail") ?? "price"), price);
    this.dispatchEvent(new Event("picked"));
  }

  /**
   * Move a field by steps of one tick or lot.
   * @param {string} name
   * @param {bigint} steps
   * @returns {boolean} whether it could be
   */
  step(name, steps) {
    const { instrument } = this.#market;
    if (!instrument || !(name in this.fields)) return false;
    const field = /** @type {Field} */ (name);
    const step = stepOf(name, this.fields, instrument);
    const value = step
      ? stepped(this.fields[field] || this.#start(name), step, steps, [unitOf(name, this.fields, instrument)])
      : null;
    if (value !== null) this.edit(field, value);
    return value !== null;
  }

  /**
   * Fill in a part of what is available, in whole lots.
   * @param {number} percent
   * @returns {string | null} the field that is missing for it
   */
  takeShare(percent) {
    const { instrument } = this.#market;
    const { side } = this.fields;
    if (!instrument || !this.#portfolio.balances.loaded) return null;
    const spends = side === "buy" && inQuote(this.fields);
    if (side === "sell" && inQuote(this.fields)) this.fields = { ...this.fields, quantity_in: "base" };
    const limit = side === "buy" ? this.#shareLimit(instrument) : { price: null, missing: null };
    if (limit.missing) {
      this.#edited.add(limit.missing);
      this.#emit();
      return limit.missing;
    }
    const asset = side === "buy" ? instrument.quote : instrument.base;
    const available = this.#portfolio.balances.available(asset);
    const asks = this.preview.reach("buy");
    const quantity = spends
      ? spendable(available, percent, instrument, this.#rates)
      : affordable({ side, price: limit.price }, available, percent, asks, instrument, this.#rates);
    this.edit("quantity", quantity ?? "");
    const takes = side === "buy" && !spends && limit.price === null;
    if (isZero(available)) this.#sayOfDraft("bad", `There is no ${asset} available.`);
    else if (takes && asks.length === 0) this.#sayOfDraft("bad", "Nobody is quoting: there is nothing to buy.");
    else if (quantity === null) this.#sayOfDraft("bad", "That is less than one lot.");
    else if (takes && compare(quantity, asks[asks.length - 1].cumulative) === 0)
      this.#sayOfDraft("plain", "That is all that is offered to a market order now.");
    return null;
  }

  /** @param {Result["tone"]} tone @param {string} text */
  #sayOfDraft(tone, text) {
    this.#say({ tone, text });
    this.#draftResult = this.result;
  }

  /**
   * Send the order. Whatever happens is said in `result`.
   * @returns {string | null} the field that has to be mended before
   */
  submit() {
    const { instrument } = this.#market;
    const { session } = this.#portfolio.access;
    if (this.busy || this.sent || this.pausedS > 0 || !instrument || !session) return null;
    const { problems, order, funds } = this.checked();
    if (!order || funds?.short) {
      for (const name of Object.keys(problems)) this.#edited.add(name);
      const field = ["price", ...Object.keys(problems)].find((name) => problems[name]) ?? null;
      this.#sayOfDraft("bad", field === null ? "Not sent." : `Not sent. ${problems[field]}`);
      return field;
    }
    this.#send(order, instrument, session.account);
    return null;
  }

  /**
   * @param {any} order
   * @param {import("../model/types.js").Instrument} instrument
   * @param {string} account that sends it
   */
  async #send(order, instrument, account) {
    const fields = JSON.stringify(order);
    const clientOrderId =
      this.#unanswered?.fields === fields ? this.#unanswered.clientOrderId : this.#portfolio.nextClientOrderId();
    const asked = () => this.#portfolio.access.session?.account === account;
    const draft = this.fields;
    const preview = this.preview.now;
    this.busy = true;
    this.#say({ tone: "plain", text: "Sending…" });
    try {
      const answer = await this.#portfolio.enterOrder({ ...order, client_order_id: clientOrderId });
      if (!asked()) return;
      this.#unanswered = null;
      this.#edited.clear();
      this.#note(this.fields === draft);
      for (const name of ONCE) this.fields = { ...this.fields, [name]: "" };
      this.#say({ ...resultOf(answer, order, preview, instrument), why: { order_id: answer.order_id } });
    } catch (failure) {
      if (!asked()) return;
      this.#unanswered = failure.kind === "no_answer" ? { fields, clientOrderId } : null;
      this.#say({
        tone: "bad",
        text: describeFailure(this.#known(failure, order)),
        why: failure.details?.seq ? { seq: String(failure.details.seq) } : null,
      });
      if (failure.status === TOO_MANY_REQUESTS)
        this.#pause(Math.ceil((failure.retryAfterMs ?? REST_MS) / SECOND_MS), this.result);
    } finally {
      this.busy = false;
      this.#emit();
    }
  }

  /** @param {boolean} sent whether the draft is the one that was just taken; that passes by itself */
  #note(sent) {
    clearTimeout(this.#sentTimer);
    this.sent = sent;
    if (!sent) return;
    this.#sentTimer = setTimeout(() => {
      this.#note(false);
      this.#emit();
    }, ONE_INTENTION_MS);
  }

  /**
   * Send none for a while; each second is emitted. The draft stays as it is.
   * @param {number} seconds
   * @param {Result} [why] that is out of date afterwards
   */
  #pause(seconds, why) {
    clearTimeout(this.#timer);
    this.pausedS = seconds;
    if (seconds > 0) this.#timer = setTimeout(() => this.#pause(seconds - 1, why), SECOND_MS);
    else if (why && this.result === why)
      this.result = { ...why, tone: "plain", text: "The order was not taken. It can be sent again now." };
    this.#emit();
  }

  /** What an order would take, and whether it can be paid. @param {any} order of `checkTicket` */
  #funds(order) {
    const needed = this.#needed(order);
    if (needed === null) return null;
    const { balances } = this.#portfolio;
    const available = balances.available(needed.asset);
    const short = balances.loaded && !canPay(needed, available);
    const certain = isHoldCertain(order, this.#market.trading.band ?? null);
    return { needed, available, short: short && certain, doubtful: short && !certain };
  }

  /**
   * A refusal with what is known of the symbol's status.
   * @param {any} failure
   * @param {any} order the body of POST /order
   */
  #known(failure, order) {
    const why =
      failure.code === "SYMBOL_NOT_TRADING" ? whyNotTaken(this.#market.trading.status, order.symbol, order) : "";
    return why ? { ...failure, code: "", message: why } : failure;
  }

  /** @param {any} order of `checkTicket` @returns {{asset: string, amount: string} | null} */
  #needed(order) {
    const instrument = this.#instrument;
    if (order.quote_quantity)
      return order.side === "buy" ? costOfSpending(order.quote_quantity, instrument, this.#rates) : null;
    if (order.order_type === "market")
      return costNow(order, order.side === "buy" ? this.preview.reach("buy") : [], instrument, this.#rates);
    const price = holdPrice(order, instrument);
    return order.side === "sell" || price !== null ? holdOf({ ...order, price }, instrument, this.#rates) : null;
  }

  /**
   * The price at which a part of what is available is reckoned; null: what the book asks.
   * @param {import("../model/types.js").Instrument} instrument
   * @returns {{price: string | null, missing: string | null}}
   */
  #shareLimit(instrument) {
    const { prices } = ORDER_TYPES[this.fields.type];
    const wanted = prices.filter((name) => name !== "trail");
    const missing = wanted.find((name) =>
      problemOf(this.fields[name], instrument.tick_size, "price", [instrument.quote]),
    );
    if (missing) return { price: null, missing };
    const { order } = checkTicket(
      { ...this.fields, quantity: instrument.lot_size, quantity_in: "base" },
      { ...instrument, limits: null },
    );
    const texts = Object.fromEntries(wanted.map((name) => [name, plainOf(this.fields[name], [instrument.quote])]));
    return { price: holdPrice(order ?? { order_type: this.fields.type, ...texts }, instrument), missing: null };
  }

  /** The shown one, by what runs only while there is one. */
  get #instrument() {
    return /** @type {import("../model/types.js").Instrument} */ (this.#market.instrument);
  }

  get #rates() {
    return feeRates(this.#instrument, this.#portfolio.account?.fees ?? null);
  }

  /**
   * Where an empty price starts from when it is stepped: at the own side's best, else the last trade.
   * @param {string} name
   */
  #start(name) {
    if (name !== "price" && name !== "stop_price") return "";
    const { book, tape } = this.#market;
    const { asks, bids } = book.levels(1);
    const best = name === "price" ? (this.fields.side === "buy" ? bids : asks)[0]?.price : undefined;
    return best ?? tape.lastPrice ?? "";
  }

  /** A new symbol: its prices have nothing to do with the last one's. */
  #clear() {
    this.fields = { ...EMPTY, ...Object.fromEntries(KEPT.map((name) => [name, this.fields[name]])) };
    this.#edited.clear();
    this.#forgetPreview();
    this.#forgetAnswer();
  }

  /** Another symbol or account: what became of the last order says nothing here. */
  #forgetAnswer() {
    this.#unanswered = null;
    this.#note(false);
    this.#say({ tone: "plain", text: "" });
  }

  /** @param {Result} result */
  #say(result) {
    this.result = result;
    this.#emit();
  }

  /** What a market order costs moved with it. */
  #bookMoved() {
    if (this.fields.type === "market") this.#emit();
  }

  #renewPreview() {
    this.preview.renew();
    this.#emit();
  }

  #forgetPreview() {
    this.preview.forget();
    this.#emit();
  }

  /** Whether the ticket says that the draft, worked on since the last order, can't be sent. */
  #refusesDraft() {
    const { problems } = this.checked();
    return (
      this.#edited.size > 0 &&
      (Boolean(this.preview.now?.refused) ||
        Object.keys(problems).some((name) => problems[name] && this.#edited.has(name)))
    );
  }

  #emit() {
    // That an earlier order went well does not stand beside why this one does not.
    if (this.result.tone === "good" && this.#refusesDraft()) this.result = { tone: "plain", text: "" };
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * What became of an order, and how that differs from its preview.
 * @param {any} answer
 * @param {any} order
 * @param {import("../model/ticket/preview.js").Preview | null} preview
 * @param {import("../model/types.js").Instrument} instrument
 * @returns {Result}
 */
function resultOf(answer, order, preview, instrument) {
  const { tone, text } = describeAnswer(answer, order, instrument);
  const difference = differenceFrom(answer, order, preview, instrument);
  return { tone: difference.costly && tone === "good" ? "plain" : tone, text: `${text} ${difference.text}`.trim() };
}
