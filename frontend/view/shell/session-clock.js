/**
 * Where the shown symbol stands, what comes next, and the venue's own time.
 * Layer: view.
 */

import { describeNext, describeState, statusWord } from "../../model/market/trading-status.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useClock, useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";

const REDRAW_EVERY_MS = 250;

export function SessionClock() {
  return html`<p class="session" id="session"><${SessionState} /><${VenueTime} /></p>`;
}

function SessionState() {
  const { market } = useServices();
  useModel(market, "status", "symbol");
  const { tone, word } = statusWord(market.trading);
  const shown = market.instrument !== null;
  // Else the banner says it.
  const calm =
    shown &&
    describeState(market.trading, /** @type {import("../../model/types.js").Instrument} */ (market.instrument)) ===
      null;
  return html`
    <span class="session-line">
      ${calm && market.trading.next_change && html`<${Next} />`}
      <span class="session-state" id="session-state" data-tone=${tone}><${Spoken}>Session: <//>${shown ? word : "–"}
      </span>
    </span>`;
}

/** Moves with the clock. */
function Next() {
  const { market } = useServices();
  const times = useTimes();
  useClock(REDRAW_EVERY_MS);
  return html`<span class="session-next" id="session-next">
    ${describeNext(market.trading, market.clock.at(performance.now()), times)}</span>`;
}

function VenueTime() {
  const { market, workspace } = useServices();
  const times = useTimes();
  useClock(REDRAW_EVERY_MS);
  const nowMs = market.clock.at(performance.now());
  const where = `Times of this page are in ${times.zone.replaceAll("_", " ")}: change it`;
  return html`
    <span class="venue-time" id="venue-time" title="The venue's clock, by its answers">
      <${Spoken}>Venue time: <//>${nowMs === null ? "––:––:––" : times.clock(nowMs / 1_000)}${" "}
      <button type="button" class="zone" id="zone" aria-haspopup="dialog" title=${where}
        onClick=${() => workspace.showKeys()}>${times.name(market.nowMs)}</button>
    </span>`;
}
