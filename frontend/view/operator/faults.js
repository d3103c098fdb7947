/**
 * Faults on demand: the operators' list and form, the form for oneself, and the badge while some are active.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { CHOICES, kindsText, lastsText, planOf, planRows } from "../../model/operator/faults.js";
import { readWhole } from "../../model/parts/number-text.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useModel } from "../parts/use-model.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

const SECONDS = "60";

/** Everybody's, for operators: what is set, and a form for the venue or an account. */
export function OperatorFaults() {
  const { faults } = useServices();
  useModel(faults, "change");
  const [account, setAccount] = useState("");
  useEffect(() => void faults.loadAll(), [faults]);
  const number = account.trim() === "" ? "" : readWhole(account);
  const rows = planRows(faults.all);
  return html`
    <${FaultForm} disabled=${number === null}
      set=${(/** @type {object} */ plan) => faults.set(number ? `/${number}` : "", plan)}>
      <label>Account <input name="fault-account" inputmode="numeric" autocomplete="off" placeholder="the venue"
        value=${account} onInput=${(/** @type {DomEvent} */ event) => setAccount(event.target.value)} /></label>
    <//>
    <p class="operator-find"><${Result} id="faults-result" ...${faults.result} /></p>
    ${
      rows.length === 0
        ? html`<p class="empty">No faults are set: the venue behaves.</p>`
        : html`
    <table class="operator-table" aria-label="Faults that are set">
      <thead><tr><th scope="col">For</th><th scope="col" class="wide">Plan</th><th scope="col">Active now</th>
        <th scope="col">Lasts</th><th scope="col" class="number">Injected</th><th scope="col">Command</th></tr></thead>
      <tbody>${rows.map(
        (row) => html`
        <tr key=${row.target} data-faults=${row.whose}>
          <th scope="row">${row.whose}</th><td class="wide">${row.name}</td><td>${row.kinds}</td><td>${row.lasts}</td>
          <td class="number">${row.count}</td>
          <td><button type="button" class="quiet" disabled=${faults.busy} aria-label=${`End those of ${row.whose}`}
            onClick=${() => faults.end(row.target)}>End</button></td>
        </tr>`,
      )}</tbody>
    </table>`
    }`;
}

/** One's own, where one may set some. */
export function OwnFaults() {
  const { faults, portfolio } = useServices();
  useModel(faults, "change");
  useModel(portfolio, "account", "switch");
  const { account } = portfolio;
  useEffect(() => void (account && faults.allowed === null && faults.loadOwn()), [account, faults, faults.allowed]);
  if (!faults.allowed) return null;
  return html`
    <details class="own-faults" id="own-faults">
      <summary>Faults on demand, for your own requests</summary>
      <${FaultForm} set=${(/** @type {object} */ plan) => faults.setOwn(plan)}>
        <button type="button" class="quiet" disabled=${faults.busy || !faults.state.scopes.includes("account")}
          onClick=${() => faults.endOwn()}>End mine</button>
      <//>
      <p class="operator-find"><${Result} id="own-faults-result" ...${faults.result} /></p>
    </details>`;
}

/** @param {{disabled?: boolean, set: (plan: object) => unknown, children?: any}} props */
function FaultForm({ disabled = false, set, children }) {
  const { faults } = useServices();
  const [name, setName] = useState(CHOICES[0].name);
  const [seconds, setSeconds] = useState(SECONDS);
  const plan = planOf(name, seconds);
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (plan) set(plan);
  };
  return html`
    <form class="operator-find fault-form" onSubmit=${onSubmit}>
      <label>Fault <select name="fault" value=${name}
        onInput=${(/** @type {DomEvent} */ event) => setName(event.target.value)}>
        ${CHOICES.map((each) => html`<option key=${each.name} value=${each.name}>${each.title}</option>`)}
      </select></label>
      <label>Seconds <input class="seconds" name="fault-seconds" inputmode="numeric" autocomplete="off"
        value=${seconds} aria-invalid=${plan ? null : "true"}
        onInput=${(/** @type {DomEvent} */ event) => setSeconds(event.target.value)} /></label>
      ${children}
      <button type="submit" class="plain" disabled=${faults.busy || disabled || !plan}>Set faults</button>
    </form>`;
}

/** Says that answers are not what they would be, to whom it concerns. */
export function FaultBadge() {
  const { faults } = useServices();
  useModel(faults, "change");
  const { active, kinds, scopes, ends_in: endsIn } = faults.state;
  if (!active) return null;
  const whose = scopes.includes("venue") ? "the venue" : "your account";
  const said = kindsText(kinds);
  const title = `Faults on demand for ${whose}, ${lastsText(endsIn)}: ${said}`;
  return html`
    <span class="fault-badge" id="fault-badge" role="status" title=${title}>${`Faults: ${said}`}</span>`;
}
