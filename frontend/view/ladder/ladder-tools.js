/**
 * The ladder's title and what can be set of it: the grouping of prices, what the bars show, back to the middle.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

const BARS = Object.freeze([
  ["total", "Total", "Bars: all up to each level"],
  ["level", "Level", "Bars: each level alone"],
]);

/**
 * @param {{grouping: string, sizes: string[], bars: string, away: boolean, onRecentre: () => void}} props `away`:
 *   deeper levels of one side are shown
 */
export function LadderTools({ grouping, sizes, bars, away, onRecentre }) {
  const { market, workspace } = useServices();
  const choose = (/** @type {DomEvent} */ event) => {
    if (!market.instrument) return;
    const chosen = { ...workspace.recall("ladder.grouping", {}), [market.instrument.symbol]: event.target.value };
    workspace.remember("ladder.grouping", chosen);
  };
  return html`
    <div class="ladder-tools">
      <h2 id="ladder-title">Order book</h2>
      <button type="button" class="plain recentre" disabled=${!away} data-away=${away ? "" : null}
        aria-label="Recentre" title="Back to the middle (Home)" onClick=${onRecentre}>↕</button>
      <div class="bars" role="group" aria-label="Bars">
        ${BARS.map(
          ([name, title, words]) => html`
          <button key=${name} type="button" class="plain" aria-pressed=${String(bars === name)} title=${words}
            onClick=${() => workspace.remember("ladder.bars", name)}>${title}</button>`,
        )}
      </div>
      <label class="grouping" title=${`Group prices by ${grouping}`}>
        <span class="visually-hidden">Price grouping</span>
        <select value=${grouping} disabled=${sizes.length === 0} onChange=${choose}>
          ${sizes.map((size) => html`<option key=${size} value=${size}>${size}</option>`)}
        </select>
      </label>
    </div>`;
}
