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

/**
 * A failed request, in words a trader can act on.
 * @param {import("../net/api.js").ApiFailure} failure
 */
export function describeFailure(failure) {
  switch (failure.kind) {
    case "no_answer":
      return "No answer came, so the order may or may not have been taken. Send it again: it carries the same id and can't be entered twice.";
    case "not_accepting":
      return `Not taken: ${failure.message}`;
    default:
      return `Rejected: ${failure.message}`;
  }
}
