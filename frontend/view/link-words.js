/**
 * The connection's figures as text.
 * Layer: view.
 */

/** @param {import("../model/connection.js").Connection} connection */
export function roundTripText({ roundTripMs }) {
  if (roundTripMs === null) return "–";
  return `${roundTripMs < 10 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms`;
}

/** @param {number | null} ageMs since anything came */
export function ageText(ageMs) {
  return ageMs === null ? "–" : `${(ageMs / 1000).toFixed(1)} s`;
}
