/**
 * One account, for an operator: tier, fees, limits, self-trade mode, money, the kill switch.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { grouped, shortest, truncated } from "../model/decimal.js";
import { ACCOUNT_FIELDS, PREVENTIONS, checkForm, formOf } from "../model/operator.js";
import { numberProblem, plainOf, readNumber, readWhole } from "../model/typed.js";
import { html } from "./html.js";
import { useServices } from "./services.js";
import { WhichNumber } from "./which-number.js";

/** Of an amount; more is in its title. */
const DECIMALS_SHOWN = 6;

export function OperatorAccount({ ask }) {
  const { operating } = useServices();
  const [number, setNumber] = useState("");
  const found = operating.account;
  const onSubmit = (event) => {
    event.preventDefault();
    if (number.trim()) operating.find(readWhole(number) ?? number.trim());
  };
  return html`
    <form class="operator-find" onSubmit=${onSubmit}>
      <label>Account <input name="operator-account" inputmode="numeric" autocomplete="off" placeholder="number" value=${number} onInput=${(event) => setNumber(event.target.value)} /></label>
      <button type="submit" class="plain" disabled=${operating.busy}>Find</button>
    </form>
    ${found
      ? html`<div class="operator-account" data-account=${found.account.id}><${Summary} found=${found} ask=${ask} /><${Settings} key=${found.account.id} account=${found.account} /><${Money} found=${found} /></div>`
      : html`<p class="empty">Find an account by its number: who trades sees it in the account menu, and every order of the audit trail names it.</p>`}`;
}

function Summary({ found: { account }, ask }) {
  const { operating } = useServices();
  const stopped = account.status === "stopped";
  const name = `account ${account.id}`;
  const stop = () => ask({
    title: `Stop ${name}?`,
    text: "The kill switch: every open order of it is cancelled at once, and it takes no orders, deposits or withdrawals until it is started again.",
    yes: "Stop it",
    act: () => operating.stop(true),
  });
  const cancel = () => ask({ title: `Cancel the orders of ${name}?`, text: `All ${account.open_orders} of them. It may enter new ones at once.`, yes: "Cancel them", act: () => operating.cancelAll() });
  return html`
    <section class="operator-card">
      <h3>Account ${account.id} <span class="state" data-state=${stopped ? "halted" : "trading"}>${stopped ? "Stopped" : "Active"}</span></h3>
      <p>${account.open_orders === 1 ? "1 open order" : `${account.open_orders} open orders`}</p>
      <p class="operator-actions">
        <button type="button" class="quiet" disabled=${operating.busy || account.open_orders === 0} onClick=${cancel}>Cancel its orders</button>
        ${stopped
          ? html`<button type="button" class="plain" disabled=${operating.busy} onClick=${() => operating.stop(false)}>Start it again</button>`
          : html`<button type="button" class="danger small" disabled=${operating.busy} onClick=${stop}>Stop trading</button>`}
      </p>
    </section>`;
}

/** All of them are set at once; what is empty is as each symbol says. */
function Settings({ account }) {
  const { operating } = useServices();
  const [form, setForm] = useState(() => formOf(account));
  useEffect(() => setForm(formOf(account)), [account]);
  const { body, problems } = checkForm(form);
  const asked = Object.keys(problems).find((name) => name !== "tier" && readNumber(form[name]).readings);
  const onSubmit = (event) => {
    event.preventDefault();
    if (body) operating.configure(body);
  };
  const edit = (event) => setForm({ ...form, [event.target.name]: event.target.value });
  return html`
    <form class="operator-card operator-settings" novalidate onSubmit=${onSubmit} onInput=${edit}>
      <h3>Tier, fees and limits</h3>
      ${ACCOUNT_FIELDS.map(({ name, title, kind }) => html`
        <label key=${name}><span>${title}</span>
          <input name=${name} inputmode=${kind === "text" ? "text" : "decimal"} autocomplete="off" placeholder="as the symbol says" value=${form[name]}
            aria-invalid=${problems[name] ? "true" : null} title=${problems[name] ?? null} /></label>`)}
      <label><span>Self-trade mode</span>
        <select name="self_trade_prevention" value=${form.self_trade_prevention}>
          ${PREVENTIONS.map((value) => html`<option key=${value} value=${value}>${value.replace("_", " ")}</option>`)}
        </select></label>
      <p class="problem" role="status">${asked
        ? html`<${WhichNumber} text=${form[asked]} readings=${readNumber(form[asked]).readings} take=${(plain) => setForm({ ...form, [asked]: plain })} />`
        : (Object.values(problems)[0] ?? "")}</p>
      <button type="submit" class="plain" disabled=${operating.busy || !body}>Set them</button>
    </form>`;
}

function Money({ found: { balances } }) {
  const { operating } = useServices();
  const [asset, setAsset] = useState("");
  const [amount, setAmount] = useState("");
  const assets = [...new Set(Object.values(operating.symbols).flatMap(({ base, quote }) => [base, quote]))].sort();
  const unit = asset || assets[0];
  const plain = plainOf(amount, [unit]);
  const { readings } = readNumber(amount, [unit]);
  const problem = amount.trim() && plain === null ? numberProblem(amount, "amount", [unit], "1000") : "";
  const onSubmit = (event) => {
    event.preventDefault();
    if (plain !== null) operating.credit(unit, plain);
  };
  return html`
    <section class="operator-card">
      <h3>Money</h3>
      <table class="operator-table" aria-label="Balances of the account">
        <thead><tr><th scope="col">Asset</th><th scope="col" class="number">Available</th><th scope="col" class="number">Held</th></tr></thead>
        <tbody>${balances.map((row) => html`
          <tr key=${row.asset}><th scope="row">${row.asset}</th><${Amount} text=${row.available} /><${Amount} text=${row.held} /></tr>`)}</tbody>
      </table>
      <form class="operator-find" onSubmit=${onSubmit}>
        <label>Credit <input name="credit-amount" inputmode="decimal" autocomplete="off" placeholder="amount" value=${amount} onInput=${(event) => setAmount(event.target.value)} /></label>
        <label><span class="visually-hidden">Asset to credit</span>
          <select value=${unit} onInput=${(event) => setAsset(event.target.value)}>${assets.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
        <button type="submit" class="plain" disabled=${operating.busy || plain === null}>Credit</button>
      </form>
      <p class="problem" role="status">${readings ? html`<${WhichNumber} text=${amount} readings=${readings} take=${setAmount} />` : problem}</p>
    </section>`;
}

/** @param {{text: string}} props */
function Amount({ text }) {
  return html`<td class="number" title=${grouped(shortest(text))}>${grouped(shortest(truncated(text, DECIMALS_SHOWN)))}</td>`;
}
