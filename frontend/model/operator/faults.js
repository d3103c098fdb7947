/**
 * Faults on demand as the page sets and shows them: what there is to choose from, and plans in words.
 * Layer: model.
 */

import { readWhole } from "../parts/number-text.js";

/**
 * @typedef {object} FaultState of the feed's `fault`
 * @property {boolean} active
 * @property {readonly string[]} kinds that are active now
 * @property {readonly string[]} scopes `account`, `venue`
 * @property {number} ends_in seconds
 */
/** @type {FaultState} */
export const NO_FAULTS = Object.freeze({ active: false, kinds: [], scopes: [], ends_in: 0 });

/** @type {Readonly<Record<string, string>>} */
export const KIND_TITLES = Object.freeze({
  latency: "late answers",
  rate_limit: "too many requests",
  timestamp: "timestamps refused",
  error: "server errors",
  drop: "connections dropped",
  reject: "orders rejected",
  partial: "orders in part",
  disconnect: "feed cut off",
  gap: "feed with gaps",
  duplicate: "feed messages twice",
  reorder: "feed out of order",
});

/** What is set with one press; each is a step of a plan. */
export const CHOICES = Object.freeze([
  { name: "late", title: "Answers 300 ms late", step: { latency_ms: 300, distribution: "exponential" } },
  { name: "limited", title: "429, every other request", step: { kind: "rate_limit", every: 2 } },
  { name: "timestamp", title: "Timestamps refused", step: { kind: "timestamp" } },
  { name: "doubt", title: "503 after the order was taken", step: { kind: "error", when: "after", on: ["orders"] } },
  { name: "outage", title: "503 for everything", step: { kind: "error" } },
  { name: "dropped", title: "Connections dropped, one in ten", step: { kind: "drop", probability: "0.1" } },
  { name: "funds", title: "Orders rejected: funds", step: { kind: "reject", reason: "insufficient_funds" } },
  { name: "partial", title: "Orders entered by half", step: { kind: "partial" } },
  { name: "gaps", title: "Feed with gaps, one in ten", step: { kind: "gap", probability: "0.1" } },
  { name: "order", title: "Feed out of order, one in ten", step: { kind: "reorder", probability: "0.1" } },
  { name: "cut", title: "Feed cut off", step: { kind: "disconnect" } },
]);

/**
 * The body of PUT /account/faults.
 * @param {string} name of a choice
 * @param {string} seconds that it lasts
 * @returns {{name: string, step: object[]} | null} null where the seconds are no number that may be
 */
export function planOf(name, seconds) {
  const choice = CHOICES.find((each) => each.name === name) ?? CHOICES[0];
  const whole = Number(readWhole(seconds) ?? "0");
  if (!(whole >= 1 && whole <= 86_400)) return null;
  return { name: choice.title, step: [{ ...choice.step, for: whole }] };
}

/** Kinds in words. @param {readonly string[]} kinds */
export function kindsText(kinds) {
  return kinds.map((kind) => KIND_TITLES[kind] ?? kind).join(", ") || "none just now";
}

/** How long yet, in words. @param {number} seconds */
export function lastsText(seconds) {
  if (seconds > 43_200) return "until they are ended";
  return seconds >= 120 ? `for ${Math.round(seconds / 60)} min` : `for ${Math.ceil(seconds)} s`;
}

/**
 * Plans of GET /admin/faults, the venue's first.
 * @param {{venue: any, accounts: readonly any[]} | null} all
 */
export function planRows(all) {
  if (!all) return [];
  return [all.venue, ...all.accounts].filter(Boolean).map(({ account, name, kinds, ends_in: endsIn, injected }) => ({
    target: account === null ? "" : `/${account}`,
    whose: account === null ? "the venue" : `account ${account}`,
    name: name || "–",
    kinds: kindsText(kinds),
    lasts: lastsText(endsIn),
    count: Object.values(injected).reduce((sum, count) => sum + Number(count), 0),
  }));
}
