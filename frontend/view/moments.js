/**
 * Times as they stand in tables: the time of day, with the day where it is another one.
 * Layer: view.
 */

import { clockTime } from "./text.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {number} timestamp epoch seconds @param {number} nowMs the venue's time, epoch @returns {string} local */
export function dayTime(timestamp, nowMs) {
  const day = DAY.format(timestamp * 1000);
  return day === DAY.format(nowMs) ? clockTime(timestamp) : `${day}, ${MINUTE.format(timestamp * 1000)}`;
}

/** @param {number} timestamp epoch seconds @returns {string} local, for a title */
export function wholeTime(timestamp) {
  return WHOLE.format(timestamp * 1000);
}
