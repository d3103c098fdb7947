/**
 * What operators look at, as rows and series: symbols and what may be commanded of them, rates and latencies over time.
 * Layer: model.
 */

import { grouped, multiply } from "../parts/decimal.js";
import { readNumber, readWhole } from "../parts/number-text.js";

/** What somebody is to the venue, in words. @param {{role: string | null, guest: boolean, disabled: boolean}} user */
export function whoIs({ role, guest, disabled }) {
  const what = guest ? "guest" : (role ?? "the venue's own");
  return disabled ? `${what}, cannot sign in` : what;
}

/** Two minutes at a sample a second. */
const SAMPLES_MAX = 120;

/** @type {Readonly<Record<string, string>>} */
export const STATUS_TITLES = Object.freeze({
  trading: "Trading",
  halted: "Halted",
  closed: "Closed",
  pre_open: "Pre-open",
  auction: "Auction",
});

/**
 * @typedef {object} StatusCommand
 * @property {string} action of the route
 * @property {string} title
 * @property {string} status that it leads to
 * @property {string} [asks] what it does, to be confirmed before
 */
/** @type {readonly StatusCommand[]} */
export const STATUS_COMMANDS = Object.freeze([
  { action: "resume", title: "Resume", status: "trading" },
  {
    action: "halt",
    title: "Halt",
    status: "halted",
    asks: "No new orders and no amendments until it resumes. Resting orders stay and may be cancelled.",
  },
  {
    action: "auction",
    title: "Auction",
    status: "auction",
    asks: "Orders gather without matching; then all trade at one price.",
  },
  {
    action: "pre_open",
    title: "Pre-open",
    status: "pre_open",
    asks: "Orders gather without matching until it resumes.",
  },
  { action: "close", title: "Close", status: "closed", asks: "As a halt, and its day orders expire." },
]);

/**
 * Symbols in the order of their names.
 * @param {Record<string, any>} symbols of GET /symbols
 * @param {number} now epoch seconds
 */
export function symbolRows(symbols, now) {
  return Object.entries(symbols)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([symbol, { status, session, active_orders: orders, total_trades: trades }]) => ({
      symbol,
      status,
      limit: session.limit_state
        ? `Limit ${session.limit_state === "buy" ? "up" : "down"} at ${grouped(session.limit_price ?? "?")}`
        : "",
      band: session.band ? session.band.map(grouped).join(" – ") : "",
      next: session.next_change ? nextText(session.next_change, now) : "",
      orders,
      trades,
    }));
}

/** @param {number} seconds */
export function inWords(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `in ${whole} s`;
  if (whole < 7_200) return `in ${Math.round(whole / 60)} min`;
  return whole < 172_800 ? `in ${Math.round(whole / 3_600)} h` : `in ${Math.round(whole / 86_400)} d`;
}

/** A bounded run of figures, for a plot. */
export class Series {
  /** Oldest first. @type {readonly number[]} */ values = [];

  /** @param {number} value */
  add(value) {
    this.values = [...this.values, value].slice(-SAMPLES_MAX);
  }

  get last() {
    return this.values.at(-1) ?? 0;
  }

  /**
   * The points of a line in a box of width and height, newest to the right.
   * @param {number} width
   * @param {number} height
   */
  line(width, height) {
    const most = Math.max(...this.values, Number.MIN_VALUE);
    const step = width / (SAMPLES_MAX - 1);
    const from = width - step * (this.values.length - 1);
    return this.values
      .map((value, index) => `${(from + index * step).toFixed(1)},${(height - (value / most) * height).toFixed(1)}`)
      .join(" ");
  }
}

/** Fields of the account form by what they hold. */
export const ACCOUNT_FIELDS = Object.freeze([
  { name: "tier", title: "Tier", kind: "text" },
  { name: "maker_fee_bps", title: "Maker fee, bps", kind: "decimal" },
  { name: "taker_fee_bps", title: "Taker fee, bps", kind: "decimal" },
  { name: "max_open_orders", title: "Open orders", kind: "count" },
  { name: "max_orders_per_second", title: "Orders a second", kind: "count" },
  { name: "max_notional", title: "Value of an order", kind: "decimal" },
]);
export const PREVENTIONS = Object.freeze(["cancel_newest", "cancel_oldest", "cancel_both", "decrement", "none"]);

/**
 * What the form shows of an account; empty: as the symbol says.
 * @param {any} account as GET /account
 * @returns {Record<string, string>}
 */
export function formOf({ tier, fees, limits, self_trade_prevention: prevention }) {
  return {
    tier,
    maker_fee_bps: basisPoints(fees.maker_percent),
    taker_fee_bps: basisPoints(fees.taker_percent),
    max_open_orders: textOf(limits.max_open_orders),
    max_orders_per_second: textOf(limits.max_orders_per_second),
    max_notional: textOf(limits.max_notional),
    self_trade_prevention: prevention,
  };
}

/** @param {string | number | null} value */
function textOf(value) {
  return value === null ? "" : String(value);
}

/** @param {string | null} percent */
function basisPoints(percent) {
  return percent === null ? "" : /** @type {string} */ (multiply(percent, "100"));
}

/**
 * The body of PUT /admin/accounts/{account}, or what is wrong with the form.
 * @param {Record<string, string>} form
 * @returns {{body: Record<string, unknown> | null, problems: Record<string, string>}}
 */
export function checkForm(form) {
  /** @type {Record<string, string>} */ const problems = {};
  /** @type {Record<string, unknown>} */ const body = {
    tier: form.tier.trim(),
    self_trade_prevention: form.self_trade_prevention,
  };
  if (!body.tier) problems.tier = "A tier has a name.";
  for (const { name, kind } of ACCOUNT_FIELDS) {
    const text = form[name].trim();
    if (name === "tier" || text === "") continue;
    if (kind === "count") {
      const whole = readWhole(text) ?? "";
      if (/^\d{1,9}$/.test(whole)) body[name] = Number(whole);
      else problems[name] = "A whole number, or nothing.";
    } else {
      const { value, readings } = readNumber(text, name.endsWith("_bps") ? ["bps", "bp"] : []);
      if (value !== undefined) body[name] = value;
      else problems[name] = readings ? `${text} could be ${readings.join(" or ")}: which?` : "A number, or nothing.";
    }
  }
  return { body: Object.keys(problems).length ? null : body, problems };
}

/** @param {{status: string, at: number}} change @param {number} now epoch seconds */
function nextText({ status, at }, now) {
  return `${STATUS_TITLES[status] ?? status} ${inWords(at - now)}`;
}
