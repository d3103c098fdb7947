/**
 * Times as they stand in tables: the time of day, with the day where it is another one.
 * Layer: view.
 */

import { clockTime } from "./text.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** With the year where it is another one. @param {number} timestamp epoch seconds @param {number} nowMs the venue's time, epoch @returns {string} local */
export function dayTime(timestamp, nowMs) {
  const [then, now] = [new Date(timestamp * 1000), new Date(nowMs)];
  if (DAY_OF_YEAR.format(then) === DAY_OF_YEAR.format(now)) return clockTime(timestamp);
  return `${(then.getFullYear() === now.getFullYear() ? DAY : DAY_OF_YEAR).format(then)}, ${MINUTE.format(then)}`;
}

/** @param {number} timestamp epoch seconds @returns {string} local, for a title */
export function wholeTime(timestamp) {
  return WHOLE.format(timestamp * 1000);
}
