/**
 * Says over the page what keeps one from trading: no connection, old data, a venue or a symbol that takes no orders,
 * an auction, a price limit; and what was complained about. Nothing moves as they come and go.
 * Layer: view.
 */

import { describeNext, describeState } from "../../model/market/trading-status.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useClock, useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";
import { ageText, nodeSentence } from "./link-words.js";

const REDRAW_EVERY_MS = 250;

export function LinkBanner() {
  const { market, nodes } = useServices();
  useModel(market, "link", "symbol", "venue");
  useClock(REDRAW_EVERY_MS);
  const said = linkOf(market, nodes);
  return html`
    <p class="banner" id="banner" role="status" data-tone=${said?.tone ?? "warn"} hidden=${said === null}>
      ${said?.text ?? ""}</p>`;
}

/**
 * @param {import("../../stores/market.js").MarketStore} market
 * @param {import("../../net/nodes.js").Nodes} nodes
 * @returns {{tone: string, text: string} | null}
 */
function linkOf({ linkState, venue, connection }, nodes) {
  if (linkState === "disconnected")
    return { tone: "bad", text: "Disconnected. What you see is the last known state; trying to reconnect…" };
  if (linkState === "stale" && nodes.stale)
    return { tone: "warn", text: `${nodeSentence(nodes)} What you see may be out of date.` };
  if (linkState === "stale") {
    // By whole seconds, so that it is not read out four times each.
    const age = ageText(Math.floor((connection.ageMs(performance.now()) ?? 0) / 1_000) * 1_000).replace(".0", "");
    return { tone: "warn", text: `Nothing has come from the server for ${age}. What you see may be out of date.` };
  }
  if (!venue.accepting) return { tone: "warn", text: "The venue is not taking orders just now. Market data goes on." };
  return null;
}

/** That the venue's time is not that of its machine, whose clock was set. */
export function ClockBanner() {
  const { market } = useServices();
  useModel(market, "venue");
  return html`
    <p class="banner" id="clock-banner" role="status" data-tone="warn" hidden=${!market.venue.clockHeld}>
      The clock of the venue's machine was set, and is not followed: times here go on as before until an operator
      has looked at it.</p>`;
}

/** What the feed complained about last, or that there is no such symbol; until it is read. */
export function NoticeBanner() {
  const { market } = useServices();
  useModel(market, "notice", "symbol");
  const { instrument, notice, unknown } = market;
  const asked =
    unknown && `No symbol is called “${unknown}” here.${instrument ? ` You see ${instrument.symbol}.` : ""}`;
  const text = [asked, notice].filter(Boolean).join(" ");
  return html`
    <div class="banner notice-banner" data-tone="warn" hidden=${text === ""}>
      <span id="notice" role="status">${text}</span>
      <button type="button" class="plain" data-do="dismiss" onClick=${() => market.dismissNotice()}>Dismiss</button>
    </div>`;
}

/** Where the symbol stands, when it does not simply trade. */
export function StateBanner() {
  const { market } = useServices();
  useModel(market, "status", "symbol");
  const { instrument, trading } = market;
  const said = instrument && describeState(trading, instrument);
  if (!said) return null;
  return html`
    <div class="banner state-banner" id="state-banner" data-tone=${said.tone} data-trading=${trading.status}>
      <strong role="status">${said.title}.</strong> <span>${said.text}</span>
      ${trading.next_change && html`<${Next} />`}
    </div>`;
}

function Next() {
  const { market } = useServices();
  const times = useTimes();
  useClock(REDRAW_EVERY_MS);
  return html` <span class="state-next">
    ${describeNext(market.trading, market.clock.at(performance.now()), times)}.</span>`;
}
