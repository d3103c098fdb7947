/**
 * What became of an order, in a sentence.
 * Layer: model.
 */

import { grouped, isZero, rounded, scaleOf, shortest } from "../parts/decimal.js";
import { CANCEL_SENTENCES } from "../parts/reasons.js";
import { risesToTrigger } from "../ticket/order-types.js";

/** @typedef {import("../types.js").Instrument} Instrument */

/** @type {Readonly<Record<string, string>>} */
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
 * @param {any} answer of POST /order
 * @param {any} order as it was sent: the body of POST /order
 * @param {Instrument} instrument
 * @returns {{tone: "good" | "plain" | "bad", text: string}}
 */
export function describeAnswer(answer, order, instrument) {
  const amount = (/** @type {string} */ text) => `${grouped(shortest(text))} ${instrument.base}`;
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
      const moved =
        answer.price && order.price && answer.price !== order.price ? ` You asked for ${grouped(order.price)}.` : "";
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
        : {
            tone: "plain",
            text: `${filled}; the rest, ${amount(answer.remaining_quantity)}, was cancelled.${exitsOf(answer)}`,
          };
    default:
      return { tone: "bad", text: `The order is ${STATUS_WORDS[answer.status]?.toLowerCase() ?? answer.status}.` };
  }
}

/** @param {any} answer @param {any} order @param {(quantity: string) => string} amount */
function waitingText(answer, order, amount) {
  const reaches = risesToTrigger(order) ? "rises to" : "falls to";
  const stop = answer.stop_price ?? order.stop_price;
  const trails = order.trail_amount || order.trail_percent ? ", and follows the market" : "";
  const trigger = stop ? grouped(stop) : "the stop";
  return `Waiting: ${order.side} ${amount(order.quantity)} when a trade ${reaches} ${trigger}${trails}.`;
}

/** The exits that a bracket brought with it. @param {{legs?: any[]}} answer */
function exitsOf({ legs = [] }) {
  const open = legs.filter(({ status }) => status === "resting" || status === "pending_trigger");
  if (open.length === 0) return "";
  const prices = open.map(({ stop_price: stop, price }) =>
    stop ? `stop ${grouped(stop)}` : `take profit ${grouped(price)}`,
  );
  return ` Exits are in: ${prices.join(", ")}.`;
}

/** The exits of a bracket that has not filled. @param {any} order */
function exitsToCome({ take_profit: profit, stop_loss: loss }) {
  const prices = [profit && `take profit ${grouped(profit)}`, loss && `stop loss ${grouped(loss)}`].filter(Boolean);
  return prices.length > 0 ? ` Once filled: ${prices.join(", ")}.` : "";
}

/** @param {any} answer @param {any} order */
function whyNothing({ reason }, order) {
  const sentence = CANCEL_SENTENCES[reason];
  if (sentence) return sentence;
  const { time_in_force: time, order_type: type } = order;
  if (time === "fok" || type === "fok") return "the book can't fill all of it at that price, so the order was killed.";
  if (time === "ioc" || type === "ioc") return "nobody trades at that price now, so the order was cancelled.";
  return "there is nobody to trade with within the price collar, so the order was cancelled.";
}

/**
 * What became of an amend.
 * @param {{priority?: string, queue_position?: {orders_ahead: number} | null, status: string}} answer of PATCH
 *   /order/{order_id}
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
