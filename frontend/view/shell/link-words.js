/**
 * The connection's state and figures as text.
 * Layer: view.
 */

import { grouped } from "../../model/parts/decimal.js";

export const STATE_WORDS = Object.freeze({
  connecting: "Connecting",
  live: "Live",
  resyncing: "Resyncing",
  stale: "Stale",
  disconnected: "Disconnected",
});
export const STATE_SENTENCES = Object.freeze({
  connecting: "Asking the venue for a connection.",
  live: "Every change is followed by its number, and checked.",
  resyncing: "Something was missed; the whole book is being fetched anew.",
  stale: "Connected, but nothing has come for a while.",
  disconnected: "Trying again until the venue answers.",
});
/** A longer round trip is given in seconds: four digits are what there is room for. */
const SECONDS_FROM_MS = 9_999.5;
const BOOK_WORDS = Object.freeze({ empty: "loading", live: "checked", stale: "out of date" });

/** @param {import("../../model/shell/connection.js").Connection} connection */
export function roundTripText({ roundTripMs }) {
  if (roundTripMs === null) return "–";
  if (roundTripMs >= SECONDS_FROM_MS) return ageText(roundTripMs);
  return `${roundTripMs < 9.95 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms`;
}

/** @param {number | null} ageMs since anything came */
export function ageText(ageMs) {
  return ageMs === null ? "–" : `${(ageMs / 1000).toFixed(1)} s`;
}

/**
 * Name, title and text of each figure.
 * @param {import("../../model/shell/connection.js").Connection} connection
 * @param {import("../../model/market/book.js").Book} book
 * @param {number} nowMs
 * @param {{name: string}} nodes which of them is asked
 * @returns {[string, string, string][]}
 */
export function linkFigures(connection, book, nowMs, { name }) {
  return [
    ...(name === "" ? [] : [/** @type {[string, string, string]} */ (["node", "Node", name])]),
    ["seq", "Sequence", book.state === "empty" ? "–" : grouped(String(book.seq))],
    ["age", "Feed age", ageText(connection.ageMs(nowMs))],
    ["rtt", "Round trip", roundTripText(connection)],
    ["gaps", "Gaps", String(connection.gaps)],
    ["resyncs", "Resyncs", String(connection.resyncs)],
    ["book", "Book", BOOK_WORDS[book.state]],
  ];
}

/**
 * Of several nodes which one is asked, and why it is not the one that the page came from; "" of a server by itself.
 * @param {import("../../net/nodes.js").Nodes} nodes
 */
export function nodeSentence({ name, left, stale }) {
  if (name === "") return "";
  if (stale) return `Node ${name} has heard nothing from the others for a while, and no other node has newer data.`;
  if (left === "") return `You are at node ${name}.`;
  return `You are at node ${name}, since node ${left}, where this page came from, did not answer.`;
}
