/**
 * How well we hear the venue, in one word and the round trip.
 * Layer: view.
 */

import { html } from "./html.js";
import { roundTripText } from "./link-words.js";
import { useServices } from "./services.js";
import { Spoken } from "./text.js";
import { useClock, useModel } from "./use-model.js";

const STATE_WORDS = Object.freeze({
  connecting: "Connecting",
  live: "Live",
  resyncing: "Resyncing",
  stale: "Stale",
  disconnected: "Disconnected",
});
const REDRAW_EVERY_MS = 250;

export function LinkPill() {
  const { desk } = useServices();
  useModel(desk, "link", "book", "symbol");
  useClock(REDRAW_EVERY_MS);
  const { linkState, connection } = desk;
  return html`
    <p class="pill" id="pill" data-state=${linkState}>
      <${Spoken}>Connection: <//><span class="pill-state">${STATE_WORDS[linkState]}</span>
      <span class="pill-rtt" title="Round trip to the server">${linkState === "live" ? roundTripText(connection) : ""}</span>
    </p>`;
}
