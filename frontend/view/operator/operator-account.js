/**
 * One account, for an operator: tier, fees, limits, self-trade mode, money, the kill switch.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";
import { ACCOUNT_FIELDS, checkForm, formOf, PREVENTIONS, whoIs } from "../../model/operator/operator.js";
import { grouped, shortest, truncated } from "../../model/parts/decimal.js";
import { numberProblem, plainOf, readNumber, readWhole } from "../../model/parts/number-text.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { WhichNumber } from "../parts/which-number.js";
import { OperatorUser } from "./operator-user.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

/** @typedef {{ask: (question: import("../parts/confirm-dialog.js").Question) => void}} Asking */

/** Of an amount; more is in its title. */
const DECIMALS_SHOWN = 6;

/** @param {Asking} props */
export function OperatorAccount({ ask }) {
  const { operator } = useServices();
  const [wanted, setWanted] = useState("");
  const found = operator.account;
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    operator.find(readWhole(wanted) ?? wanted.trim()); // nothing: everybody
  };
  return html`
    <form class="operator-find" onSubmit=${onSubmit}>
      <label>Account <input name="operator-account" autocomplete="off" autocapitalize="none" spellcheck="false"
        placeholder="number or name" value=${wanted} onInput=${(event) => setWanted(event.target.value)} /></label>
      <button type="submit" class="plain" disabled=${operator.busy}>Find</button>
    </form>
    ${
      found
        ? html`<div class="operator-account" data-account=${found.account.id}><${Summary} found=${found} ask=${ask} />
          ${found.user && html`<${OperatorUser} ask=${ask} />`}
          <${Settings} key=${found.account.id} account=${found.account} /><${Money} found=${found} /></div>`
        : operator.accounts.length > 0
          ? html`<${Found} />`
          : html`<p class="empty">Find an account by its number, by its user's name or how that begins; with nothing
            written, Find lists everybody.</p>`
    }`;
}

/** Who was found, when it was not one; each opens. */
function Found() {
  const { operator } = useServices();
  return html`
    <table class="operator-table" aria-label="Accounts">
      <thead><tr><th scope="col">Name</th><th scope="col" class="number">Account</th><th scope="col">Who</th>
        <th scope="col">Tier</th><th scope="col">Status</th><th scope="col" class="number">Open orders</th></tr></thead>
      <tbody>${operator.accounts.map(
        (row) => html`
        <tr key=${row.account} data-account-row=${row.account}>
          <th scope="row"><button type="button" class="plain" disabled=${operator.busy}
            onClick=${() => operator.find(row.account)}>${row.name}</button></th>
          <td class="number">${row.account}</td><td>${whoIs(row)}</td><td>${row.tier}</td>
          <td><span class="state" data-state=${row.status === "stopped" ? "halted" : "trading"}>
            ${row.status === "stopped" ? "Stopped" : "Active"}</span></td>
          <td class="number">${row.open_orders}</td>
        </tr>`,
      )}</tbody>
    </table>
    ${
      operator.moreAccounts === null
        ? null
        : html`<p class="operator-find">
      <button type="button" class="plain" disabled=${operator.busy} onClick=${() => operator.findMore()}>More</button>
      </p>`
    }`;
}

/** @param {Asking & {found: any}} props */
function Summary({ found: { account, user }, ask }) {
  const { operator } = useServices();
  const stopped = account.status === "stopped";
  const name = `account ${account.id}`;
  const stop = () =>
    ask({
      title: `Stop ${name}?`,
      text:
        "The kill switch: every open order of it is cancelled at once, and it takes no orders, deposits or " +
        "withdrawals until it is started again.",
      yes: "Stop it",
      act: () => operator.stop(true),
    });
  const cancel = () =>
    ask({
      title: `Cancel the orders of ${name}?`,
      text: `All ${account.open_orders} of them. It may enter new ones at once.`,
      yes: "Cancel them",
      act: () => operator.cancelAll(),
    });
  return html`
    <section class="operator-card">
      <h3>Account ${account.id} <span class="state" data-state=${stopped ? "halted" : "trading"}>
        ${stopped ? "Stopped" : "Active"}</span></h3>
      <p>${user ? `${user.name}, ${whoIs(user)}` : "the venue's own"}</p>
      <p>${account.open_orders === 1 ? "1 open order" : `${account.open_orders} open orders`}</p>
      <p class="operator-actions">
        <button type="button" class="quiet" disabled=${operator.busy || account.open_orders === 0}
          onClick=${cancel}>Cancel its orders</button>
        ${
          stopped
            ? html`<button type="button" class="plain" disabled=${operator.busy}
              onClick=${() => operator.stop(false)}>Start it again</button>`
            : html`<button type="button" class="danger small" disabled=${operator.busy} onClick=${stop}>Stop
              trading</button>`
        }
      </p>
    </section>`;
}

/** All of them are set at once; what is empty is as each symbol says. @param {{account: any}} props */
function Settings({ account }) {
  const { operator } = useServices();
  const [form, setForm] = useState(() => formOf(account));
  useEffect(() => setForm(formOf(account)), [account]);
  const { body, problems } = checkForm(form);
  const asked = Object.keys(problems).find((name) => name !== "tier" && readNumber(form[name]).readings);
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (body) operator.configure(body);
  };
  const edit = (/** @type {DomEvent} */ event) => setForm({ ...form, [event.target.name]: event.target.value });
  return html`
    <form class="operator-card operator-settings" novalidate onSubmit=${onSubmit} onInput=${edit}>
      <h3>Tier, fees and limits</h3>
      ${ACCOUNT_FIELDS.map(
        ({ name, title, kind }) => html`
        <label key=${name}><span>${title}</span>
          <input name=${name} inputmode=${kind === "text" ? "text" : "decimal"} autocomplete="off"
            placeholder="as the symbol says" value=${form[name]}
            aria-invalid=${problems[name] ? "true" : null} title=${problems[name] ?? null} /></label>`,
      )}
      <label><span>Self-trade mode</span>
        <select name="self_trade_prevention" value=${form.self_trade_prevention}>
          ${PREVENTIONS.map((value) => html`<option key=${value} value=${value}>${value.replace("_", " ")}</option>`)}
        </select></label>
      <p class="problem" role="status">${
        asked
          ? html`<${WhichNumber} text=${form[asked]} readings=${readNumber(form[asked]).readings}
            take=${(plain) => setForm({ ...form, [asked]: plain })} />`
          : (Object.values(problems)[0] ?? "")
      }</p>
      <button type="submit" class="plain" disabled=${operator.busy || !body}>Set them</button>
    </form>`;
}

/** @param {{found: {balances: any[]}}} props */
function Money({ found: { balances } }) {
  const { operator } = useServices();
  const [asset, setAsset] = useState("");
  const [amount, setAmount] = useState("");
  const assets = [...new Set(Object.values(operator.symbols).flatMap(({ base, quote }) => [base, quote]))].sort();
  const unit = asset || assets[0];
  const plain = plainOf(amount, [unit]);
  const { readings } = readNumber(amount, [unit]);
  const problem = amount.trim() && plain === null ? numberProblem(amount, "amount", [unit], "1000") : "";
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (plain !== null) operator.credit(unit, plain);
  };
  return html`
    <section class="operator-card">
      <h3>Money</h3>
      <table class="operator-table" aria-label="Balances of the account">
        <thead><tr><th scope="col">Asset</th><th scope="col" class="number">Available</th>
          <th scope="col" class="number">Held</th></tr></thead>
        <tbody>${balances.map(
          (row) => html`
          <tr key=${row.asset}><th scope="row">${row.asset}</th><${Amount} text=${row.available} />
            <${Amount} text=${row.held} /></tr>`,
        )}</tbody>
      </table>
      <form class="operator-find" onSubmit=${onSubmit}>
        <label>Credit <input name="credit-amount" inputmode="decimal" autocomplete="off" placeholder="amount"
          value=${amount} onInput=${(event) => setAmount(event.target.value)} /></label>
        <label><span class="visually-hidden">Asset to credit</span>
          <select value=${unit} onInput=${(event) => setAsset(event.target.value)}>
            ${assets.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
        <button type="submit" class="plain" disabled=${operator.busy || plain === null}>Credit</button>
      </form>
      <p class="problem" role="status">
        ${readings ? html`<${WhichNumber} text=${amount} readings=${readings} take=${setAmount} />` : problem}</p>
    </section>`;
}

/** @param {{text: string}} props */
function Amount({ text }) {
  return html`<td class="number" title=${grouped(shortest(text))}>${grouped(shortest(truncated(text, DECIMALS_SHOWN)))}
  </td>`;
}
