/**
 * Symbol switcher, last price, 24 hour figures, and where the flow comes from.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";

import { flowLabel } from "../../model/market/flow-sources.js";
import { compare, grouped, rounded, shortest } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { SymbolSwitcher } from "./symbol-switcher.js";

/** As often as figures can be read; the last trade stands in the ladder at once. */
const DRAW_EVERY_MS = 200;
const VOLUME_DECIMALS = 4;
const QUOTE_DECIMALS = 0;

export function InstrumentBar() {
  const { market } = useServices();
  useModelSlowly(DRAW_EVERY_MS, market, "ticker");
  useModel(market, "instruments", "symbol", "venue");
  const { instrument, ticker, venue } = market;
  const { figures, direction } = ticker;
  const title = titleOf(instrument, figures.last);
  useEffect(() => {
    document.title = title;
  }, [title]);
  const change = figures.change === null ? 0 : compare(figures.change, "0");
  const flow = flowLabel(venue.flows, venue.sources);
  return html`
    <${SymbolSwitcher} />
    <p class="last" id="last" data-direction=${direction}>
      <${Spoken}>Last price <//><span class="last-price">${figures.last === null ? "–" : grouped(figures.last)}</span>
    </p>
    <dl class="figures" id="figures">
      <div><dt><span class="day">24 h </span>change</dt><dd data-figure="change" data-direction=${change}>
        ${changeText(figures, change)}</dd></div>
      <div><dt><span class="day">24 h </span>high</dt><dd data-figure="high">
        ${figures.high ? grouped(figures.high) : "–"}</dd></div>
      <div><dt><span class="day">24 h </span>low</dt><dd data-figure="low">${figures.low ? grouped(figures.low) : "–"}
      </dd></div>
      <div><dt><span class="day">24 h </span>volume</dt><dd data-figure="volume">
        ${volumeText(figures.volume, VOLUME_DECIMALS, instrument?.base)}</dd></div>
      <div><dt><span class="day">24 h </span>turnover</dt><dd data-figure="quote-volume">
        ${volumeText(figures.quote_volume, QUOTE_DECIMALS, instrument?.quote)}</dd></div>
    </dl>
    <p class="flow" id="flow" hidden=${flow === ""}>${flow}</p>`;
}

/** @param {import("../../model/market/ticker.js").TickerFigures} figures @param {number} direction its sign */
function changeText({ change, change_percent }, direction) {
  if (change === null) return "–";
  const signed = (/** @type {string} */ text) =>
    text.startsWith("-") ? text.replace("-", "−") : `${direction > 0 ? "+" : ""}${text}`;
  return `${signed(grouped(change))}  ${signed(rounded(change_percent ?? "0", 2))} %`;
}

/** @param {string | null} volume @param {number} decimals @param {string} [asset] */
function volumeText(volume, decimals, asset = "") {
  return volume ? `${grouped(shortest(rounded(volume, decimals)))} ${asset}` : "–";
}

/** @param {import("../../model/types.js").Instrument | null} instrument @param {string | null} last */
function titleOf(instrument, last) {
  return instrument ? `${last === null ? "" : `${grouped(last)} `}${instrument.symbol} · Openbell` : "Openbell";
}
