/**
 * What became of an order, in a sentence.
 * Layer: model.
 */

import { compare, grouped, isZero, rounded, scaleOf, shortest, truncated } from "./decimal.js";

/** @typedef {import("../types.js").Instrument} Instrument */

export const STATUS_WORDS = Object.freeze({
  new: "New",
  resting: "Resting",
  partially_filled: "Part filled",
  filled: "Filled",
  cancelled: "Cancelled",
  rejected: "Rejected",
  expired: "Expired",
  pending_trigger: "Waiting",
});

/** An average price is shown this much finer than a tick. */
export const AVERAGE_DECIMALS = 2;
/** Amounts beside a field are short where that is enough. */
const SHORT_DECIMALS = 2;

/** Why an order ended with something left: on its own, in a column. */
export const REASON_WORDS = Object.freeze({
  requested: "by you",
  by_operator: "by the operator",
  no_liquidity: "nobody to trade with",
  immediate_or_cancel: "the rest of an IOC",
  fill_or_kill: "could not fill all of it",
  account_stopped: "account stopped",
  amended_below_filled: "amended to what was filled",
  self_trade: "self-trade prevention",
  one_cancels_other: "the other leg came first",
  price_band: "price band",
});

/**
 * @param {any} answer of POST /order
 * @param {any} order as it was sent: the body of POST /order
 * @param {Instrument} instrument
 * @returns {{tone: "good" | "plain" | "bad", text: string}}
 */
export function describeAnswer(answer, order, instrument) {
  const amount = (text) => `${grouped(shortest(text))} ${instrument.base}`;
  const done = order.side === "buy" ? "Bought" : "Sold";
  const average = rounded(answer.average_price ?? "0", scaleOf(instrument.tick_size) + AVERAGE_DECIMALS);
  const filled = `${done} ${amount(answer.filled_quantity)} at ${grouped(average)} on average`;
  const price = grouped(answer.price ?? order.price ?? "?");
  switch (answer.status) {
    case "filled":
      return { tone: "good", text: `${filled}.${exitsOf(answer)}` };
    case "partially_filled":
      return { tone: "good", text: `${filled}; ${amount(answer.remaining_quantity)} waits at ${price}.` };
    case "new":
    case "resting": {
      const what = `${order.side === "buy" ? "buy" : "sell"} ${amount(answer.quantity ?? order.quantity)} at ${price}`;
      const moved = answer.price && order.price && answer.price !== order.price ? ` You asked for ${grouped(order.price)}.` : "";
      const shown = order.display_quantity ? ` It shows ${amount(order.display_quantity)} at a time.` : "";
      const stop = order.order_type === "oco" ? ` Its stop waits at ${grouped(order.stop_price)}.` : "";
      return { tone: "plain", text: `In the book: ${what}.${moved}${shown}${stop}${exitsToCome(order)}` };
    }
    case "pending_trigger":
      return { tone: "plain", text: `${waitingText(answer, order, amount)}` };
    case "cancelled":
    case "expired":
      return isZero(answer.filled_quantity)
        ? { tone: "bad", text: `Nothing was filled; ${whyNothing(answer, order)}` }
        : { tone: "plain", text: `${filled}; the rest, ${amount(answer.remaining_quantity)}, was cancelled.${exitsOf(answer)}` };
    default:
      return { tone: "bad", text: `The order is ${STATUS_WORDS[answer.status]?.toLowerCase() ?? answer.status}.` };
  }
}

/** @param {any} answer @param {any} order @param {(quantity: string) => string} amount */
function waitingText(answer, order, amount) {
  const reaches = order.side === "buy" ? "rises to" : "falls to";
  const stop = answer.stop_price ?? order.stop_price;
  const trails = order.trail_amount || order.trail_percent ? ", and follows the market" : "";
  return `Waiting: ${order.side} ${amount(order.quantity)} when a trade ${reaches} ${stop ? grouped(stop) : "the stop"}${trails}.`;
}

/** The exits that a bracket brought with it. @param {any} answer */
function exitsOf({ legs = [] }) {
  const open = legs.filter(({ status }) => status === "resting" || status === "pending_trigger");
  if (open.length === 0) return "";
  const prices = open.map(({ stop_price: stop, price }) => (stop ? `stop ${grouped(stop)}` : `take profit ${grouped(price)}`));
  return ` Exits are in: ${prices.join(", ")}.`;
}

/** The exits of a bracket that has not filled. @param {any} order */
function exitsToCome({ take_profit: profit, stop_loss: loss }) {
  const prices = [profit && `take profit ${grouped(profit)}`, loss && `stop loss ${grouped(loss)}`].filter(Boolean);
  return prices.length > 0 ? ` Once filled: ${prices.join(", ")}.` : "";
}

/** @param {any} answer @param {any} order */
function whyNothing({ reason }, order) {
  if (reason === "self_trade") return "it met an order of your own, and self-trade prevention ended it.";
  if (reason === "price_band") return "it could have traded only beyond the price band.";
  if (reason === "one_cancels_other") return "the other leg came first.";
  const { time_in_force: time, order_type: type } = order;
  if (time === "fok" || type === "fok") return "the book can't fill all of it at that price, so the order was killed.";
  if (time === "ioc" || type === "ioc") return "nobody trades at that price now, so the order was cancelled.";
  return "there is nobody to trade with within the price collar, so the order was cancelled.";
}

/**
 * What became of an amend.
 * @param {{priority?: string, queue_position?: {orders_ahead: number} | null, status: string}} answer of PATCH /order/{order_id}
 * @returns {{tone: "good" | "plain", text: string}}
 */
export function describeAmend({ priority, queue_position: place, status }) {
  if (status === "filled") return { tone: "good", text: "Amended: it traded at once and is filled." };
  if (status === "cancelled") return { tone: "plain", text: "Amended to what was filled already: it is done." };
  if (status === "pending_trigger") return { tone: "plain", text: "Amended: it waits for its trigger." };
  const where = place ? `; ${place.orders_ahead === 0 ? "next in line" : `${place.orders_ahead} ahead of it`}` : "";
  return priority === "kept"
    ? { tone: "good", text: `Amended: priority kept${where}.` }
    : { tone: "plain", text: `Amended: priority lost${where}.` };
}

const TOO_MANY_REQUESTS = 429;
/** What was not done, before the venue's own sentence. */
const REFUSED = Object.freeze({ order: "Rejected: ", cancel: "Not cancelled: ", amend: "Not amended: ", deposit: "Not deposited: ", withdraw: "Not withdrawn: ", ask: "" });
const UNKNOWN = Object.freeze({
  order: "No answer came, so the order may or may not have been taken. Send it again: it carries the same id and can't be entered twice.",
  cancel: "No answer came, so the order may or may not be cancelled.",
  amend: "No answer came, so the order may or may not be amended: look at its row.",
  withdraw: "No answer came, so the money may or may not be gone: look at the balances.",
  deposit: "No answer came, so the money may or may not be there: look at the balances.",
  ask: "No answer came from the server. Try again in a moment.",
});
/** Where the page can say more than the server, who doesn't know what is on the screen. */
const BY_CODE = Object.freeze({
  INSUFFICIENT_FUNDS: "there is not enough available to pay for it. What open orders hold can't be spent: cancel some, or deposit.",
  ACCOUNT_STOPPED: "this account was stopped by the venue's operator. It takes no orders until it is started again.",
  ORDER_RATE_EXCEEDED: "that is more orders a second than this account may send.",
  TOO_MANY_REQUESTS: "that is more requests than the venue takes from one address.",
  SELF_TRADE_PREVENTION_NOT_ALLOWED: "your account may not trade with itself. Choose another way under Self-trade.",
  POST_ONLY_WOULD_TAKE: "it would trade at once, and post only forbids that. Move the price, or let it slide.",
  SELF_TRADE: "the first order it would meet is your own. Cancel that one, or choose another self-trade mode.",
  BAD_TRIGGER: "its prices are on the wrong side of each other, or there was no trade yet that a trailing stop could follow.",
  SYMBOL_NOT_TRADING: "the symbol is not trading, or gathers for an auction: no such order is taken now.",
  EXPIRE_TIME_PASSED: "the time it was to end at has passed.",
  TOO_LATE: "it is done already.",
  HISTORY_BEHIND: "the venue's history has not caught up. It is asked again in a moment.",
  ONRAMP_OFF: "deposits are made by the venue's operator here.",
  UNAUTHENTICATED: "sign in first.",
  SESSION_ENDED: "the session is over; sign in again.",
  BAD_REFRESH_TOKEN: "the session is over; sign in again.",
  REFRESH_TOKEN_REUSED: "the session is over; sign in again.",
});

/**
 * A failed request, in words a trader can act on.
 * @param {import("../../net/http.js").ApiFailure} failure
 * @param {"order" | "cancel" | "amend" | "deposit" | "withdraw" | "ask"} [what] was asked for
 */
export function describeFailure(failure, what = "order") {
  if (failure.kind === "no_answer") return UNKNOWN[what];
  if (failure.kind === "not_accepting") return `Not taken: ${failure.message}`;
  return REFUSED[what] ? REFUSED[what] + withinSentence(sentenceOf(failure)) : describeRefusal(failure);
}

/** A sentence of the venue's that goes on after a colon; a name that begins it stays as it is. @param {string} sentence */
export function withinSentence(sentence) {
  return /^(?:A|An|It|Its|The|There|This|That) /.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
}

/**
 * Why something the page asks for by itself is not there yet.
 * @param {import("../../net/http.js").ApiFailure} failure
 */
export function describeDelay(failure) {
  if (failure.kind === "refused" && failure.status !== TOO_MANY_REQUESTS) return describeRefusal(failure);
  const why = failure.kind === "refused" ? "The venue asks us to slow down." : failure.message;
  return `${why} It is asked again by itself.`;
}

/**
 * A refusal on its own, as a sentence.
 * @param {{code: string, details?: any, message: string}} refusal
 */
export function describeRefusal(refusal) {
  const said = sentenceOf(refusal);
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** @param {{code: string, details?: any, message: string, status?: number, retryAfterMs?: number | null}} refusal */
function sentenceOf({ code, details, message, status, retryAfterMs }) {
  if (code === "DEPOSIT_LIMIT_EXCEEDED") {
    const most = details?.limit ? `${grouped(details.limit)} ` : "so much ";
    return `an account may deposit only ${most}${details?.asset ?? "of an asset"} in all, and this would be more.`;
  }
  if (status === TOO_MANY_REQUESTS) return `${BY_CODE[code] ?? (code ? message : "that is more than the venue takes at once.")} ${whenAgain(retryAfterMs)}`;
  return BY_CODE[code] ?? message;
}

/** @param {number | null | undefined} retryAfterMs */
function whenAgain(retryAfterMs) {
  return retryAfterMs ? `Try again in ${Math.ceil(retryAfterMs / 1_000)} s.` : "Try again in a moment.";
}

/**
 * Why there is no account, as a sentence; "" when there is one.
 * @param {string} state of Access
 * @param {{code: string, message: string, session?: {name: string, guest: boolean}}} why
 * @param {string} profile
 */
export function describeNoSession(state, why, profile) {
  if (state === "refused") {
    const { name, guest } = why.session;
    const how = why.code === "ENDED_ELSEWHERE" ? "was ended in another tab" : "was ended from elsewhere, or ran out";
    return `The session of ${name} ${how}. ${guest ? "A guest can't sign in again; a new guest starts afresh." : "Sign in again to go on."}`;
  }
  if (state === "failed") return `There is no guest account for you just now: ${why.message}`;
  if (state === "signed_out") {
    return profile === "secured" ? "You see the market. To trade, sign in." : "You are signed out. You see the market, and no account.";
  }
  return "";
}

/**
 * Why the ticket is not sent: what it needs and what there is.
 * @param {{asset: string, amount: string}} needed
 * @param {string} available
 */
export function describeShort({ asset, amount }, available) {
  const [needed, there] = [rounded(amount, SHORT_DECIMALS), truncated(available, SHORT_DECIMALS)];
  const clear = compare(needed, there) > 0; // cents are enough to see it
  return `Needs ${grouped(shortest(clear ? needed : amount))} ${asset}; ${grouped(shortest(clear ? there : available))} available.`;
}
