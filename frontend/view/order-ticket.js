/**
 * The order ticket: side, type, price, quantity; what it would cost and what there is; what became of it.
 *
 * What can't be paid is not sent. Without an account the ticket asks to sign in.
 * One order at a time is under way. When no answer comes, sending the same fields again
 * repeats the same client order id, so nothing is entered twice.
 * Layer: view.
 */

import { affordable, canPay, costNow, feeRates, holdOf } from "../model/funds.js";
import { grouped, multiply, rounded, scaleOf, shortest } from "../model/decimal.js";
import { TYPE_HINTS, checkTicket, needsPrice, stepped } from "../model/ticket.js";
import { AVERAGE_DECIMALS, describeAnswer, describeFailure, describeShort } from "../model/words.js";
import { setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

const QUOTE_DELAY_MS = 200;
const QUOTE_EVERY_MS = 1_000;
/** A market order is reckoned on this many levels of the book. */
const LEVELS_MAX = 1_000;

export class OrderTicket {
  #desk;
  #portfolio;
  #signIn;
  #form;
  #send;
  #result;
  #hint;
  #estimates;
  #busy = false;
  /** Fields that were edited since the last order: only they are complained about. @type {Set<string>} */ #edited = new Set();
  /** The order no answer came for. @type {{fields: string, clientOrderId: string} | null} */ #unanswered = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #quoteTimer;
  #quoteRequest = new AbortController();
  #quotedAtMs = 0;
  #requestDraw = oncePerFrame(() => this.#draw());

  /** @param {HTMLFormElement} form @param {import("../desk.js").Desk} desk @param {() => void} signIn opens the way to an account */
  constructor(form, desk, signIn) {
    this.#desk = desk;
    this.#portfolio = desk.portfolio;
    this.#signIn = signIn;
    this.#form = form;
    this.#send = form.querySelector(".send");
    this.#result = form.querySelector("#result");
    this.#hint = form.querySelector("#type-hint");
    this.#estimates = new Map([...form.querySelectorAll("[data-estimate]")].map((cell) => [cell.dataset.estimate, cell]));
    for (const part of ["link", "venue"]) desk.addEventListener(part, this.#requestDraw);
    desk.addEventListener("link", () => desk.linkState === "disconnected" && this.#forgetQuote());
    for (const part of ["balances", "account"]) this.#portfolio.addEventListener(part, this.#requestDraw);
    this.#portfolio.addEventListener("switch", () => this.#forgetAnswer());
    for (const button of form.querySelectorAll("[data-percent]")) {
      button.addEventListener("click", () => this.#takeShare(Number(button.dataset.percent)));
    }
    desk.addEventListener("symbol", () => this.#clear());
    desk.addEventListener("book", () => this.#quoteNow());
    form.addEventListener("input", (event) => this.#edit(event.target.name));
    form.addEventListener("keydown", (event) => this.#step(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#draw();
  }

  /** Take a price from the ladder. @param {string} price */
  takePrice(price) {
    this.#form.elements.price.value = price;
    this.#edit("price");
    if (!this.#form.elements.quantity.value) this.#form.elements.quantity.focus({ preventScroll: true });
  }

  /** @returns {import("../model/ticket.js").TicketFields} */
  get #fields() {
    const { side, type, quantity, price } = this.#form.elements;
    return { side: side.value, type: type.value, quantity: quantity.value, price: price.value };
  }

  /** A new symbol: its prices have nothing to do with the last one's. */
  #clear() {
    this.#form.elements.price.value = "";
    this.#form.elements.quantity.value = "";
    this.#edited.clear();
    this.#forgetAnswer();
    for (const unit of document.querySelectorAll("[data-unit]")) setText(unit, this.#desk.instrument[unit.dataset.unit]);
    this.#forgetQuote();
    this.#requestDraw();
  }

  /** Another symbol or account: what became of the last order says nothing here. */
  #forgetAnswer() {
    this.#unanswered = null;
    setText(this.#result, "");
  }

  /** A part of what is available, in whole lots. @param {number} percent */
  #takeShare(percent) {
    const { instrument, book } = this.#desk;
    const { side, type, price } = this.#fields;
    if (!instrument || !this.#portfolio.balances.loaded) return;
    const limit = needsPrice(type) ? price.trim() : null;
    const priced = limit === null || checkTicket({ side, type, price: limit, quantity: instrument.lot_size }, instrument).order !== null;
    if (side === "buy" && !priced) {
      this.#edited.add("price");
      this.#draw();
      this.#form.elements.price.focus();
      return;
    }
    const available = this.#portfolio.balances.available(side === "buy" ? instrument.quote : instrument.base);
    const quantity = affordable({ side, price: limit }, available, percent, book.levels(LEVELS_MAX).asks, instrument, this.#rates);
    this.#form.elements.quantity.value = quantity ?? "";
    this.#edit("quantity");
    if (quantity === null) this.#say("bad", "That is less than one lot.");
  }

  get #rates() {
    return feeRates(this.#desk.instrument, this.#portfolio.account?.fees ?? null);
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

  /** @param {string} name of the field */
  #edit(name) {
    this.#edited.add(name);
    this.#requestDraw();
    this.#forgetQuote();
    this.#quotedAtMs = 0;
    this.#quoteTimer = setTimeout(() => this.#quote(), QUOTE_DELAY_MS);
  }

  /** Arrow keys move by one tick or lot, with shift by ten. @param {KeyboardEvent} event */
  #step(event) {
    const { instrument } = this.#desk;
    const direction = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    const step = { price: instrument?.tick_size, quantity: instrument?.lot_size }[event.target.name];
    if (!direction || !step) return;
    const value = stepped(event.target.value, step, direction * (event.shiftKey ? 10n : 1n));
    if (value === null) return;
    event.preventDefault();
    event.target.value = value;
    this.#edit(event.target.name);
  }

  #draw() {
    const { instrument, venue, linkState } = this.#desk;
    const fields = this.#fields;
    const priced = needsPrice(fields.type);
    this.#form.dataset.side = fields.side;
    setText(this.#hint, TYPE_HINTS[fields.type]);
    this.#form.elements.price.disabled = !priced;
    this.#form.elements.price.placeholder = priced ? "" : "best available";
    const ready = instrument !== null && venue.accepting && linkState !== "disconnected" && linkState !== "connecting";
    const { session, state } = this.#portfolio.access;
    this.#send.disabled = state === "starting" || (session !== null && (!ready || this.#busy));
    const verb = fields.side === "buy" ? "Buy" : "Sell";
    setText(this.#send, session ? (this.#busy ? "Sending…" : `${verb} ${instrument?.base ?? ""}`) : "Sign in to trade");
    this.#send.classList.toggle("ask", !session);
    const { problems, order } = instrument ? checkTicket(fields, instrument) : { problems: {}, order: null };
    this.#drawFunds(problems, order);
    this.#drawProblems(problems);
    const value = order && priced ? multiply(order.price, order.quantity) : null;
    this.#estimate("value", value === null ? null : `${grouped(value)} ${instrument?.quote ?? ""}`);
  }

  /** @param {{quantity?: string}} problems gets one more when there is not enough @param {any} order */
  #drawFunds(problems, order) {
    const { instrument } = this.#desk;
    const { balances } = this.#portfolio;
    const pays = instrument && (this.#fields.side === "buy" ? instrument.quote : instrument.base);
    this.#estimate("available", balances.loaded && pays ? `${grouped(shortest(balances.available(pays)))} ${pays}` : null);
    this.#estimate("holds-label", needsPrice(this.#fields.type) ? "Holds, with fee" : "Costs now, with fee");
    const funds = order && this.#funds(order);
    this.#estimate("holds", funds ? `${grouped(funds.needed.amount)} ${funds.needed.asset}` : null);
    if (funds?.short) problems.quantity = describeShort(funds.needed, funds.available);
  }

  /** @param {{price?: string, quantity?: string}} problems */
  #drawProblems(problems) {
    for (const name of ["price", "quantity"]) {
      const text = this.#edited.has(name) ? (problems[name] ?? "") : "";
      const input = this.#form.elements[name];
      setText(this.#form.querySelector(`#${name}-problem`), text);
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  async #submit() {
    if (this.#busy || !this.#desk.instrument) return;
    const { session } = this.#portfolio.access;
    if (!session) {
      this.#signIn();
      return;
    }
    const { instrument } = this.#desk;
    const { problems, order } = checkTicket(this.#fields, instrument);
    const short = order !== null && this.#funds(order).short;
    if (!order || short) {
      for (const name of short ? ["quantity"] : Object.keys(problems)) this.#edited.add(name);
      this.#draw();
      this.#form.elements[problems.price ? "price" : "quantity"].focus();
      return;
    }
    const fields = JSON.stringify(order);
    const clientOrderId = this.#unanswered?.fields === fields ? this.#unanswered.clientOrderId : this.#portfolio.nextClientOrderId();
    const asked = () => this.#portfolio.access.session?.account === session.account;
    this.#busy = true;
    this.#say("plain", "Sending…");
    this.#draw();
    try {
      const answer = await this.#portfolio.enterOrder({ ...order, client_order_id: clientOrderId });
      if (!asked()) return;
      this.#unanswered = null;
      const { tone, text } = describeAnswer(answer, order, instrument);
      this.#say(tone, text);
    } catch (failure) {
      if (!asked()) return;
      this.#unanswered = failure.kind === "no_answer" ? { fields, clientOrderId } : null;
      this.#say("bad", describeFailure(failure));
    } finally {
      this.#busy = false;
      this.#requestDraw();
    }
  }

  /** @param {"good" | "plain" | "bad"} tone @param {string} text */
  #say(tone, text) {
    this.#result.dataset.tone = tone;
    setText(this.#result, text);
  }

  /** The book moved: ask again, but not too often. */
  #quoteNow() {
    if (!needsPrice(this.#fields.type)) this.#requestDraw();
    if (performance.now() - this.#quotedAtMs > QUOTE_EVERY_MS) this.#quote();
  }

  /** Ask the venue what taking the quantity now would cost. */
  async #quote() {
    const fields = this.#fields;
    const { instrument, linkState } = this.#desk;
    if (!instrument || linkState === "disconnected") return;
    const { problems, order } = checkTicket({ ...fields, type: "market" }, instrument);
    if (problems.quantity || !order) return;
    this.#quoteRequest.abort();
    this.#quoteRequest = new AbortController();
    this.#quotedAtMs = performance.now();
    try {
      this.#showQuote(await this.#desk.quote(fields.side, order.quantity, this.#quoteRequest.signal), instrument);
    } catch {
      // Asked anew by the next change of the book or of the fields.
    }
  }

  /** @param {any} quote of GET /quote @param {import("../model/types.js").Instrument} instrument */
  #showQuote(quote, instrument) {
    if (quote.average_price === null) {
      this.#estimate("average", "nobody is quoting");
      this.#estimate("cost", null);
      this.#estimate("fee", null);
      return;
    }
    const decimals = scaleOf(instrument.tick_size) + AVERAGE_DECIMALS;
    this.#estimate("average", grouped(rounded(quote.average_price, decimals)));
    const partly = quote.filled_quantity === quote.quantity ? "" : ` for ${grouped(shortest(quote.filled_quantity))} ${instrument.base}`;
    this.#estimate("cost", `${grouped(quote.notional)} ${instrument.quote}${partly}`);
    this.#estimate("fee", `${grouped(quote.taker_fee)} ${instrument.quote}`);
  }

  #forgetQuote() {
    clearTimeout(this.#quoteTimer);
    this.#quoteRequest.abort();
    this.#estimate("average", null);
    this.#estimate("cost", null);
    this.#estimate("fee", null);
  }

  /** @param {string} name @param {string | null} text */
  #estimate(name, text) {
    setText(this.#estimates.get(name), text ?? "–");
  }
}
