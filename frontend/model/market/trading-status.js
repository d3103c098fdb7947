/**
 * Where a symbol stands, in words: its status, what comes next, what an auction would do, a price limit.
 *
 * Layer: model.
 */

import { grouped, isZero, shortest } from "../parts/decimal.js";

/**
 * @typedef {object} TradingState of the feed's `status` and GET /symbols
 * @property {string} status
 * @property {import("../types.js").Side | null} [limit_state] the side that may not trade at its price: buy is limit up
 * @property {string | null} [limit_price]
 * @property {[string, string] | null} [band] the least and the greatest price of a trade just now
 * @property {{status: string, at: number} | null} [next_change] `at` in epoch seconds
 * @property {{price: string, quantity: string, imbalance: string, imbalance_side: import("../types.js").Side | null} |
 *   null} [indicative]
 */

/** @typedef {{tone: "good" | "warn" | "bad" | "plain", word: string}} StatusWord */

const DAY_S = 86_400;

/** @type {Readonly<Record<string, StatusWord>>} */
const STATUS = Object.freeze({
  trading: { tone: "good", word: "Trading" },
  pre_open: { tone: "warn", word: "Pre-open" },
  auction: { tone: "warn", word: "Auction" },
  halted: { tone: "bad", word: "Halted" },
  closed: { tone: "plain", word: "Closed" },
});

/** @type {Readonly<Record<string, string>>} */
const SENTENCES = Object.freeze({
  trading: "is trading",
  pre_open: "is in its pre-open",
  auction: "is in an auction",
  halted: "is halted",
  closed: "is closed",
});

/** @param {TradingState} state @returns {StatusWord} */
export function statusWord({ status, limit_state }) {
  if (status === "trading" && limit_state)
    return { tone: "warn", word: limit_state === "buy" ? "Limit up" : "Limit down" };
  return (
    STATUS[status] ?? { tone: "plain", word: status.charAt(0).toUpperCase() + status.slice(1).replaceAll("_", " ") }
  );
}

/** @param {string} symbol @param {string} status @returns {string} a sentence */
export function statusSentence(symbol, status) {
  return `${symbol} ${SENTENCES[status] ?? `is ${status.replaceAll("_", " ")}`}.`;
}

/**
 * What is planned next: "Auction at 14:30:00 UTC, in 2:05"; "" when nothing is.
 * @param {TradingState} state
 * @param {number | null} venueMs the venue's time, epoch milliseconds
 * @param {import("../parts/times.js").Times} times
 */
export function describeNext({ next_change: next }, venueMs, times) {
  if (!next) return "";
  const leftS = venueMs === null ? null : Math.max(0, Math.ceil(next.at - venueMs / 1_000));
  const what = STATUS[next.status]?.word ?? next.status;
  const soon = leftS === null || leftS < DAY_S;
  const at = soon ? times.clock(next.at) : times.dayTime(next.at, /** @type {number} */ (venueMs));
  return `${what} at ${at} ${times.name(next.at * 1_000)}${soon && leftS !== null ? `, in ${countdown(leftS)}` : ""}`;
}

/** @param {number} seconds @returns {string} "2:05", "1:02:05" */
export function countdown(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60];
  const padded = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

/**
 * What keeps this symbol from trading as usual, for the banner; null when nothing does.
 * @param {TradingState} state
 * @param {{symbol: string, base: string, quote: string}} instrument
 * @returns {{title: string, text: string, tone: "warn" | "bad" | "plain"} | null}
 */
export function describeState(state, { symbol, base, quote }) {
  const { status, limit_state, limit_price } = state;
  if (status === "trading" && !limit_state) return null;
  const { tone, word } = statusWord(state);
  const title = `${symbol}: ${word}`;
  /** @type {"warn" | "bad" | "plain"} */ const shownTone = tone === "good" ? "plain" : tone;
  const say = (/** @type {string} */ text) => ({ title, text, tone: shownTone });
  switch (status) {
    case "trading": {
      const limit = limit_state === "buy" ? "upper" : "lower";
      const at = limit_price ? ` at ${grouped(limit_price)} ${quote}` : "";
      return say(`The price is at its ${limit} limit${at}. Orders that want to trade beyond it wait.`);
    }
    case "pre_open":
    case "auction":
      return say(`Orders gather and trade together at one price. ${describeIndicative(state, base, quote)}`);
    case "halted":
      return say("Trading is halted. No orders are taken; those that rest stay, and may be cancelled.");
    case "closed":
      return say("The market is closed. No orders are taken; those that rest stay, and may be cancelled.");
    default:
      return say("No orders are taken just now.");
  }
}

/** @type {Readonly<Record<string, string>>} */
const NONE_TAKEN = Object.freeze({ halted: "is halted", closed: "is closed" });
const TAKEN_BEFORE_AUCTION = "it takes limit orders that can wait, and those with a trigger";
const GATHERING = Object.freeze(["pre_open", "auction"]);

/** Whether orders gather without trading. @param {string} status */
export function gathers(status) {
  return GATHERING.includes(status);
}

/**
 * Why the symbol does not take an order as it stands, as a sentence; "" when it may.
 * @param {string} status
 * @param {string} symbol
 * @param {any} order the body of POST /order; null: any order
 */
export function whyNotTaken(status, symbol, order) {
  if (NONE_TAKEN[status]) return `${symbol} ${NONE_TAKEN[status]}: no orders are taken; cancels work.`;
  if (!gathers(status) || order === null) return "";
  const { order_type: type, time_in_force: time, post_only: postOnly } = order;
  const what =
    type === "market"
      ? "a market order"
      : time === "ioc" || time === "fok"
        ? time.toUpperCase()
        : postOnly
          ? "post only"
          : null;
  return what ? `${symbol} gathers orders for an auction: ${TAKEN_BEFORE_AUCTION}, but not ${what}.` : "";
}

/** @param {TradingState} state @param {string} base @param {string} quote */
function describeIndicative({ indicative }, base, quote) {
  if (!indicative) return "No price yet at which orders would meet.";
  const { price, quantity, imbalance, imbalance_side } = indicative;
  const meets = `Indicative price ${grouped(price)} ${quote}, volume ${grouped(shortest(quantity))} ${base}`;
  if (!imbalance_side || isZero(imbalance)) return `${meets}, in balance.`;
  return `${meets}, ${grouped(shortest(imbalance))} ${base} more to ${imbalance_side}.`;
}
