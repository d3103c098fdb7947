/**
 * The operator's panel: symbols, one account, the ranking, the venue's health, the audit trail. Only operators see it;
 * to others the server says no.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { STATUS_COMMANDS, STATUS_TITLES, symbolRows } from "../../model/operator/operator.js";
import { readWhole } from "../../model/parts/number-text.js";
import { ConfirmDialog } from "../parts/confirm-dialog.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useModel } from "../parts/use-model.js";
import { OperatorFaults } from "./faults.js";
import { OperatorAccount } from "./operator-account.js";
import { OperatorRanking } from "./operator-ranking.js";
import { OperatorAudit, OperatorVenue } from "./operator-venue.js";

/** @typedef {{ask: (question: import("../parts/confirm-dialog.js").Question) => void}} Asking */

const VIEWS = Object.freeze([
  ["symbols", "Symbols"],
  ["account", "Account"],
  ["ranking", "Ranking"],
  ["venue", "Venue"],
  ["faults", "Faults"],
  ["audit", "Audit trail"],
]);
/** @type {Readonly<Record<string, (props: Asking) => any>>} */
const PANELS = Object.freeze({
  symbols: Symbols,
  account: OperatorAccount,
  ranking: OperatorRanking,
  venue: OperatorVenue,
  faults: OperatorFaults,
  audit: OperatorAudit,
});

export function Operator() {
  const { operator, workspace } = useServices();
  useModel(workspace, "layout");
  useModel(operator, "change");
  const isShown = workspace.tab("bottom") === "operator";
  const shown = workspace.recall("operator.view", "symbols");
  const [question, ask] = useState(/** @type {import("../parts/confirm-dialog.js").Question | null} */ (null));
  const [seconds, setSeconds] = useState("60");
  useEffect(() => {
    if (!isShown) return undefined;
    operator.watch();
    return () => operator.unwatch();
  }, [isShown, operator]);
  return html`
    <div class="tools operator-tools">
      <div class="segments" role="group" aria-label="What to operate">
        ${VIEWS.map(
          ([name, title]) => html`
          <button key=${name} type="button" class="plain" aria-pressed=${String(name === shown)}
            onClick=${() => workspace.remember("operator.view", name)}>${title}</button>`,
        )}
      </div>
      <${Result} id="operator-result" ...${operator.result} />
    </div>
    <div class="scroller operator" id="operator" tabindex="0" role="region" aria-label="Operator">
      <${PANELS[shown] ?? Symbols} ask=${ask} />
    </div>
    ${
      question &&
      html`
      <${ConfirmDialog} question=${{ ...question, act: () => question.act(seconds) }} onClose=${() => ask(null)}>
        ${
          question.seconds &&
          html`
          <label class="check">Trading begins after <input class="seconds" name="auction-seconds" inputmode="numeric"
            value=${seconds} onInput=${(event) => setSeconds(event.target.value)} /> seconds (empty: by Resume)</label>`
        }
      <//>`
    }`;
}

/** Every symbol with its state, and what may be commanded of it. @param {Asking} props */
function Symbols({ ask }) {
  const { market, operator } = useServices();
  const rows = symbolRows(operator.symbols, market.nowMs / 1_000);
  if (rows.length === 0) return html`<p class="empty">Loading…</p>`;
  return html`
    <table class="operator-table operator-symbols" role="table" aria-label="Symbols">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Symbol</th>
          <th scope="col" role="columnheader">Status</th>
          <th scope="col" role="columnheader">Limit state and band</th>
          <th scope="col" role="columnheader">Next change</th>
          <th scope="col" role="columnheader" class="number">Open orders</th>
          <th scope="col" role="columnheader">Command</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map((row) => html`<${SymbolRow} key=${row.symbol} row=${row} ask=${ask} />`)}
      </tbody>
    </table>`;
}

/** @param {Asking & {row: ReturnType<typeof symbolRows>[number]}} props */
function SymbolRow({ row: { symbol, status, limit, band, next, orders }, ask }) {
  const { operator } = useServices();
  const command = (/** @type {import("../../model/operator/operator.js").StatusCommand} */ { action, title, asks }) => {
    if (!asks) return operator.command(symbol, action);
    const act = (/** @type {string} */ seconds) =>
      operator.command(symbol, action, action === "auction" ? (readWhole(seconds) ?? seconds.trim()) : undefined);
    return ask({ title: `${title} ${symbol}?`, text: asks, yes: title, act, seconds: action === "auction" });
  };
  return html`
    <tr role="row" data-symbol=${symbol}>
      <th scope="row" role="rowheader">${symbol}</th>
      <td role="cell"><span class="state" data-state=${status}>${STATUS_TITLES[status] ?? status}</span></td>
      <td role="cell" data-label="Limit state and band">${limit ? html`<b class="limit">${limit}</b> ` : ""}
        <span class="soft">${band || (limit ? "" : "–")}</span></td>
      <td role="cell" data-label="Next change">${next || html`<span class="soft">–</span>`}</td>
      <td role="cell" class="number" data-label="Open orders">${orders}</td>
      <td role="cell" class="commands">
        ${STATUS_COMMANDS.map(
          (each) => html`
          <button key=${each.action} type="button" class=${each.asks ? "quiet" : "plain"}
            disabled=${operator.busy || each.status === status}
            aria-label=${`${each.title} ${symbol}`} onClick=${() => command(each)}>${each.title}</button>`,
        )}
      </td>
    </tr>`;
}
