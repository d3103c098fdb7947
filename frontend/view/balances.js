/**
 * The account's balances, live, and the way to more paper money.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { grouped, isDecimal, isZero, shortest, toUnits, truncated } from "../model/decimal.js";
import { describeFailure } from "../model/words.js";
import { html } from "./html.js";
import { useServices } from "./services.js";
import { Result, Spoken } from "./text.js";
import { useModel } from "./use-model.js";

/** More decimals than these are in the title. */
const DECIMALS_SHOWN = 8;
const AMOUNTS = Object.freeze([["available", "Available"], ["held", "Held"], ["total", "Total"]]);

export function Balances() {
  const { desk, portfolio } = useServices();
  useModel(portfolio, "balances", "switch");
  useModel(desk, "symbol", "instruments");
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const close = () => setOpen(false);
    portfolio.addEventListener("switch", close);
    return () => portfolio.removeEventListener("switch", close);
  }, [portfolio]);
  const { balances, access } = portfolio;
  const { instrument, instruments } = desk;
  const first = instrument ? [instrument.quote, instrument.base] : [];
  const rows = balances.loaded ? balances.listed(first, assetsOf(instruments)) : [];
  return html`
    <div class="tools">
      <button type="button" class="plain" id="deposit-toggle" aria-expanded=${String(open)} aria-controls="deposit" disabled=${!access.session}
        onClick=${() => setOpen(!open)}>Deposit</button>
    </div>
    ${open && html`<${Deposit} />`}
    <div class="scroller" id="balances" tabindex="0" role="region" aria-label="Balances">
      <table>
        <thead>
          <tr>
            <th scope="col" class="text">Asset</th>
            ${AMOUNTS.map(([name, title]) => html`<th key=${name} scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>${rows.map((balance) => html`<${BalanceRow} key=${balance.asset} balance=${balance} />`)}</tbody>
      </table>
      ${!balances.loaded && html`<p class="empty">${access.session ? "Loading…" : "Sign in, or become a guest, to have money here."}</p>`}
    </div>`;
}

/** @param {{balance: import("../model/balances.js").Balance}} props */
function BalanceRow({ balance }) {
  const { asset } = balance;
  return html`
    <tr data-asset=${asset} class=${isZero(balance.total) ? "nothing" : ""}>
      <th class="text" scope="row">${asset}</th>
      ${AMOUNTS.map(([name]) => html`
        <td key=${name} data-amount=${name} title=${`${balance[name]} ${asset}`}>${grouped(truncated(balance[name], DECIMALS_SHOWN))}</td>`)}
    </tr>`;
}

function Deposit() {
  const { desk, portfolio } = useServices();
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [result, say] = useState({ tone: "plain", text: "" });
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => {
    const { amount, asset } = form.current.elements;
    if (desk.instrument) asset.value = desk.instrument.quote;
    amount.focus();
  }, []);
  const deposit = async (event) => {
    event.preventDefault();
    const { elements } = form.current;
    const amount = elements.amount.value.trim();
    const asset = elements.asset.value;
    if (!isDecimal(amount) || toUnits(amount, 40) <= 0n) {
      say({ tone: "bad", text: "Enter an amount such as 1000." });
      elements.amount.focus();
      return;
    }
    if (busy) return;
    setBusy(true);
    try {
      await portfolio.deposit(asset, amount);
      say({ tone: "good", text: `${grouped(shortest(amount))} ${asset} deposited.` });
      elements.amount.value = "";
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "deposit") });
    } finally {
      setBusy(false);
    }
  };
  return html`
    <form class="deposit" id="deposit" novalidate autocomplete="off" ref=${form} onSubmit=${deposit}>
      <label><${Spoken}>Amount<//><input name="amount" inputmode="decimal" placeholder="Amount" spellcheck=${false} /></label>
      <label><${Spoken}>Asset<//><select id="deposit-asset" name="asset">
        ${[...assetsOf(desk.instruments)].map((asset) => html`<option key=${asset} value=${asset}>${asset}</option>`)}
      </select></label>
      <button type="submit" class="plain">Add paper money</button>
      <${Result} id="deposit-result" ...${result} />
    </form>`;
}

/** @param {Map<string, import("../model/types.js").Instrument>} instruments @returns {Set<string>} */
function assetsOf(instruments) {
  return new Set([...instruments.values()].flatMap(({ quote, base }) => [quote, base]).sort());
}
