/**
 * Order entry: what is in the ticket, whether it can be sent and paid, what it would cost, what became of it.
 *
 * What can't be paid is not sent. One order at a time is under way. When no answer comes, sending the same
 * fields again repeats the same client order id, so nothing is entered twice. Tells every change by "change",
 * and by "picked" that a price came from elsewhere. Knows no DOM.
 * Layer: above net and model, below view.
 */

import { affordable, canPay, costNow, feeRates, holdOf } from "./model/funds.js";
import { checkTicket, needsPrice, stepped } from "./model/ticket.js";
import { describeAnswer, describeFailure, describeShort } from "./model/words.js";

const QUOTE_DELAY_MS = 200;
const QUOTE_EVERY_MS = 1_000;
/** A market order is reckoned on this many levels of the book. */
const LEVELS_MAX = 1_000;

/** @typedef {import("./model/ticket.js").TicketFields} TicketFields */
/** @typedef {{tone: "good" | "plain" | "bad", text: string}} Result */

export class OrderEntry extends EventTarget {
  /** @type {TicketFields} */ fields = { side: "buy", type: "limit", price: "", quantity: "" };
  /** Whether an order is under way. */
  busy = false;
  /** What became of the last order. @type {Result} */ result = { tone: "plain", text: "" };
  /** What taking the quantity now would cost, of GET /quote; null while unknown. @type {any} */ quote = null;
  #desk;
  #portfolio;
  /** Fields that were edited since the last order: only they are complained about. @type {Set<string>} */ #edited = new Set();
  /** The order no answer came for. @type {{fields: string, clientOrderId: string} | null} */ #unanswered = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #quoteTimer;
  #quoteRequest = new AbortController();
  #quotedAtMs = 0;

  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super();
    this.#desk = desk;
    this.#portfolio = desk.portfolio;
    this.#portfolio.addEventListener("switch", () => this.#forgetAnswer());
    desk.addEventListener("symbol", () => this.#clear());
    desk.addEventListener("book", () => this.#quoteAgain());
    desk.addEventListener("link", () => desk.linkState === "disconnected" && this.#forgetQuote());
  }

  get priced() {
    return needsPrice(this.fields.type);
  }

  /**
   * The fields as an order, or what is wrong with them; what it would hold or cost, and whether that is there. O(levels).
   * @returns {{problems: {price?: string, quantity?: string}, order: any, funds: {needed: {asset: string, amount: string}, available: string, short: boolean} | null}}
   */
  checked() {
    const { instrument } = this.#desk;
    if (!instrument) return { problems: {}, order: null, funds: null };
    const { problems, order } = checkTicket(this.fields, instrument);
    const funds = order && this.#funds(order);
    return { problems: funds?.short ? { ...problems, quantity: describeShort(funds.needed, funds.available) } : problems, order, funds };
  }

  /** Whether a problem of that field is to be shown. @param {"price" | "quantity"} name */
  complainsOf(name) {
    return this.#edited.has(name);
  }

  /** @param {keyof TicketFields} name @param {string} value */
  edit(name, value) {
    this.fields = { ...this.fields, [name]: value };
    this.#edited.add(name);
    this.#forgetQuote();
    this.#quotedAtMs = 0;
    this.#quoteTimer = setTimeout(() => this.#askQuote(), QUOTE_DELAY_MS);
  }

  /** Take a price from elsewhere on the page. @param {string} price */
  takePrice(price) {
    this.edit("price", price);
    this.dispatchEvent(new Event("picked"));
  }

  /**
   * Move a field by steps of one tick or lot.
   * @param {"price" | "quantity"} name @param {bigint} steps
   * @returns {boolean} whether it could be
   */
  step(name, steps) {
    const { instrument } = this.#desk;
    const step = { price: instrument?.tick_size, quantity: instrument?.lot_size }[name];
    const value = step ? stepped(this.fields[name], step, steps) : null;
    if (value !== null) this.edit(name, value);
    return value !== null;
  }

  /**
   * Fill in a part of what is available, in whole lots.
   * @param {number} percent
   * @returns {"price" | null} the field that is missing for it
   */
  takeShare(percent) {
    const { instrument, book } = this.#desk;
    const { side, type, price } = this.fields;
    if (!instrument || !this.#portfolio.balances.loaded) return null;
    const limit = this.priced ? price.trim() : null;
    const priced = limit === null || checkTicket({ side, type, price: limit, quantity: instrument.lot_size }, instrument).order !== null;
    if (side === "buy" && !priced) {
      this.#edited.add("price");
      this.#tell();
      return "price";
    }
    const available = this.#portfolio.balances.available(side === "buy" ? instrument.quote : instrument.base);
    const quantity = affordable({ side, price: limit }, available, percent, book.levels(LEVELS_MAX).asks, instrument, this.#rates);
    this.edit("quantity", quantity ?? "");
    if (quantity === null) this.#say({ tone: "bad", text: "That is less than one lot." });
    return null;
  }

  /**
   * Send the order. Whatever happens is said in `result`.
   * @returns {"price" | "quantity" | null} the field that has to be mended before
   */
  submit() {
    const { instrument } = this.#desk;
    const { session } = this.#portfolio.access;
    if (this.busy || !instrument || !session) return null;
    const { problems, order, funds } = this.checked();
    if (!order || funds.short) {
      for (const name of Object.keys(problems)) this.#edited.add(name);
      this.#tell();
      return problems.price ? "price" : "quantity";
    }
    this.#send(order, instrument, session.account);
    return null;
  }

  /** @param {any} order @param {import("./model/types.js").Instrument} instrument @param {string} account that sends it */
  async #send(order, instrument, account) {
    const fields = JSON.stringify(order);
    const clientOrderId = this.#unanswered?.fields === fields ? this.#unanswered.clientOrderId : this.#portfolio.nextClientOrderId();
    const asked = () => this.#portfolio.access.session?.account === account;
    this.busy = true;
    this.#say({ tone: "plain", text: "Sending…" });
    try {
      const answer = await this.#portfolio.enterOrder({ ...order, client_order_id: clientOrderId });
      if (!asked()) return;
      this.#unanswered = null;
      this.#say(describeAnswer(answer, order, instrument));
    } catch (failure) {
      if (!asked()) return;
      this.#unanswered = failure.kind === "no_answer" ? { fields, clientOrderId } : null;
      this.#say({ tone: "bad", text: describeFailure(failure) });
    } finally {
      this.busy = false;
      this.#tell();
    }
  }

  /** What an order would take, and whether it can be paid. @param {any} order of `checkTicket` */
  #funds(order) {
    const { instrument, book } = this.#desk;
    const needed = order.price === undefined
      ? costNow(order, book.levels(LEVELS_MAX).asks, instrument, this.#rates)
      : holdOf(order, instrument, this.#rates);
    const { balances } = this.#portfolio;
    const available = balances.available(needed.asset);
    return { needed, available, short: balances.loaded && !canPay(needed, available) };
  }

  get #rates() {
    return feeRates(this.#desk.instrument, this.#portfolio.account?.fees ?? null);
  }

  /** A new symbol: its prices have nothing to do with the last one's. */
  #clear() {
    this.fields = { ...this.fields, price: "", quantity: "" };
    this.#edited.clear();
    this.#forgetQuote();
    this.#forgetAnswer();
  }

  /** Another symbol or account: what became of the last order says nothing here. */
  #forgetAnswer() {
    this.#unanswered = null;
    this.#say({ tone: "plain", text: "" });
  }

  /** @param {Result} result */
  #say(result) {
    this.result = result;
    this.#tell();
  }

  /** The book moved: ask again, but not too often. */
  #quoteAgain() {
    if (!this.priced) this.#tell();
    if (performance.now() - this.#quotedAtMs > QUOTE_EVERY_MS) this.#askQuote();
  }

  /** Ask the venue what taking the quantity now would cost. */
  async #askQuote() {
    const { side, quantity } = this.fields;
    const { instrument, linkState } = this.#desk;
    if (!instrument || linkState === "disconnected") return;
    const { problems, order } = checkTicket({ side, quantity, price: "", type: "market" }, instrument);
    if (problems.quantity || !order) return;
    this.#quoteRequest.abort();
    this.#quoteRequest = new AbortController();
    this.#quotedAtMs = performance.now();
    try {
      this.quote = await this.#desk.quote(side, order.quantity, this.#quoteRequest.signal);
      this.#tell();
    } catch {
      // Asked anew by the next change of the book or of the fields.
    }
  }

  #forgetQuote() {
    clearTimeout(this.#quoteTimer);
    this.#quoteRequest.abort();
    this.quote = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
