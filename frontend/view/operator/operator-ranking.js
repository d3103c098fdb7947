/**
 * Who made most, for an operator.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";

import { compare, fromUnits, grouped, rounded, unitsOf } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";

const DECIMALS_SHOWN = 2;

export function OperatorRanking() {
  const { operator } = useServices();
  useEffect(() => void operator.loadRanking(), [operator]);
  const { ranking } = operator;
  return html`
    <p class="operator-find">
      <button type="button" class="plain" disabled=${operator.busy} onClick=${() => operator.loadRanking()}>Rank
        again</button>
      <span class="soft">Profit of the trades since the first or the last reset, at last prices, fees taken off</span>
    </p>
    ${
      ranking === null || ranking.ranking.length === 0
        ? html`<p class="empty">Nobody has traded yet.</p>`
        : html`<${Ranks} ranking=${ranking} />`
    }`;
}

/** @param {{ranking: any}} props */
function Ranks({ ranking: { asset, ranking, count } }) {
  return html`
    <table class="operator-table" aria-label="Ranking">
      <thead><tr><th scope="col" class="number">Rank</th><th scope="col">Name</th>
        <th scope="col" class="number">Account</th>
        <th scope="col" class="number">Profit, ${asset}</th><th scope="col" class="number">Fills</th>
        <th scope="col">Without a price</th></tr></thead>
      <tbody>${ranking.map(
        (/** @type {any} */ { rank, name, account, profit, fills, unpriced }) => html`
        <tr key=${account} data-ranked=${account}>
          <td class="number">${rank}</td><th scope="row">${name}</th><td class="number">${account}</td>
          <td class="number" title=${profit} data-direction=${compare(profit, "0")}>${shown(profit)}</td>
          <td class="number">${fills}</td><td class="soft">${Object.entries(unpriced)
            .map(([other, amount]) => `${shown(String(amount))} ${other}`)
            .join(", ")}</td>
        </tr>`,
      )}</tbody>
    </table>
    ${count > ranking.length && html`<p class="empty">${`The first ${ranking.length} of ${count}.`}</p>`}`;
}

/** @param {string} amount */
function shown(amount) {
  const units = unitsOf(rounded(amount, DECIMALS_SHOWN), DECIMALS_SHOWN);
  return grouped(fromUnits(units, DECIMALS_SHOWN)).replace("-", "−");
}
