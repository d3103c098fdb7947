/**
 * What became of an order, in a sentence.
 * Layer: model.
 */

import { grouped, isZero, rounded, scaleOf, shortest } from "./decimal.js";

/** @typedef {import("./types.js").Instrument} Instrument */

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

/**
 * @param {{status: string, filled_quantity: string, remaining_quantity: string, average_price: string | null}} answer
 *   of POST /order
 * @param {{side: string, order_type: string, quantity: string, price?: string}} order as it was sent
 * @param {Instrument} instrument
 * @returns {{tone: "good" | "plain" | "bad", text: string}}
 */
export function describeAnswer(answer, order, instrument) {
  const amount = (text) => `${grouped(shortest(text))} ${instrument.base}`;
  const done = order.side === "buy" ? "Bought" : "Sold";
  const average = rounded(answer.average_price ?? "0", scaleOf(instrument.tick_size) + AVERAGE_DECIMALS);
  const filled = `${done} ${amount(answer.filled_quantity)} at ${grouped(average)} on average`;
  switch (answer.status) {
    case "filled":
      return { tone: "good", text: `${filled}.` };
    case "partially_filled":
      return { tone: "good", text: `${filled}; ${amount(answer.remaining_quantity)} waits at ${grouped(order.price ?? "?")}.` };
    case "new":
    case "resting": {
      const verb = order.side === "buy" ? "Buy" : "Sell";
      return { tone: "plain", text: `In the book: ${verb.toLowerCase()} ${amount(order.quantity)} at ${grouped(order.price ?? "?")}.` };
    }
    case "cancelled":
    case "expired":
      return isZero(answer.filled_quantity)
        ? { tone: "bad", text: `Nothing was filled; ${whyNothing(order)}` }
        : { tone: "plain", text: `${filled}; the rest, ${amount(answer.remaining_quantity)}, was cancelled.` };
    default:
      return { tone: "bad", text: `The order is ${STATUS_WORDS[answer.status]?.toLowerCase() ?? answer.status}.` };
  }
}

/** @param {{order_type: string}} order */
function whyNothing(order) {
  if (order.order_type === "fok") return "the book can't fill all of it at that price, so the order was killed.";
  if (order.order_type === "ioc") return "nobody trades at that price now, so the order was cancelled.";
  return "there is nobody to trade with within the price collar, so the order was cancelled.";
}

/** What was not done, before the venue's own sentence. */
const REFUSED = Object.freeze({ order: "Rejected: ", cancel: "Not cancelled: ", deposit: "Not deposited: ", ask: "" });
const UNKNOWN = Object.freeze({
  order: "No answer came, so the order may or may not have been taken. Send it again: it carries the same id and can't be entered twice.",
  cancel: "No answer came, so the order may or may not be cancelled.",
  deposit: "No answer came, so the money may or may not be there: look at the balances.",
  ask: "No answer came from the server. Try again in a moment.",
});
/** Where the page can say more than the server, who doesn't know what is on the screen. */
const BY_CODE = Object.freeze({
  INSUFFICIENT_FUNDS: "there is not enough available to pay for it. What open orders hold can't be spent: cancel some, or deposit.",
  ACCOUNT_STOPPED: "this account was stopped by the venue's operator. It takes no orders until it is started again.",
  ORDER_RATE_EXCEEDED: "that is more orders a second than this account may send. Wait a second.",
  ONRAMP_OFF: "deposits are made by the venue's operator here.",
  UNAUTHENTICATED: "sign in first.",
  SESSION_ENDED: "the session is over; sign in again.",
  BAD_REFRESH_TOKEN: "the session is over; sign in again.",
  REFRESH_TOKEN_REUSED: "the session is over; sign in again.",
});

/**
 * A failed request, in words a trader can act on.
 * @param {import("../net/http.js").ApiFailure} failure
 * @param {"order" | "cancel" | "deposit" | "ask"} [what] was asked for
 */
export function describeFailure(failure, what = "order") {
  if (failure.kind === "no_answer") return UNKNOWN[what];
  if (failure.kind === "not_accepting") return `Not taken: ${failure.message}`;
  const said = sentenceOf(failure);
  return REFUSED[what] ? REFUSED[what] + said : said.charAt(0).toUpperCase() + said.slice(1);
}

/** @param {import("../net/http.js").ApiFailure} failure */
function sentenceOf({ code, details, message }) {
  if (code === "DEPOSIT_LIMIT_EXCEEDED") {
    const most = details?.limit ? `${grouped(details.limit)} ` : "so much ";
    return `an account may deposit only ${most}${details?.asset ?? "of an asset"} in all, and this would be more.`;
  }
  return BY_CODE[code] ?? message;
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
  return `This needs ${grouped(amount)} ${asset}; you have ${grouped(shortest(available))} available.`;
}
