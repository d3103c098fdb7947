/**
 * Says across the page what keeps one from trading: no connection, old data, a venue or a symbol that takes no orders.
 * Layer: view.
 */

import { html } from "./html.js";
import { useServices } from "./services.js";
import { useClock, useModel } from "./use-model.js";

const REDRAW_EVERY_MS = 250;

export function LinkBanner() {
  const { desk } = useServices();
  useModel(desk, "link", "book", "symbol", "venue");
  useClock(REDRAW_EVERY_MS);
  const text = textOf(desk);
  const tone = desk.linkState === "disconnected" ? "bad" : "warn";
  return html`<p class="banner" id="banner" role="status" data-tone=${tone} hidden=${text === ""}>${text}</p>`;
}

/** @param {import("../desk.js").Desk} desk */
function textOf({ linkState, venue, instrument }) {
  if (linkState === "disconnected") return "Disconnected. What you see is the last known state; trying to reconnect…";
  if (linkState === "stale") return "Nothing has come from the server for a while. What you see may be out of date.";
  if (!venue.accepting) return "The venue is not taking orders just now. Market data goes on.";
  if (instrument?.status && instrument.status !== "trading") return `${instrument.symbol} is ${instrument.status}.`;
  return "";
}
