/**
 * The way to more paper money, and to less.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { compare, grouped, shortest, unitsOf } from "../../model/parts/decimal.js";
import { describeFailure } from "../../model/parts/failures.js";
import { numberProblem, plainOf, readingsOf, readNumber } from "../../model/parts/number-text.js";
import { describeShort } from "../../model/ticket/funds.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result, Spoken } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useModel } from "../parts/use-model.js";
import { WhichNumber } from "../parts/which-number.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

const WAYS = Object.freeze({
  deposit: { title: "Deposit", action: "Add paper money", done: "deposited" },
  withdraw: { title: "Withdraw", action: "Take out", done: "withdrawn" },
});
/** Decimals that no amount is finer than. */
const FINEST = 40;

/** @typedef {"deposit" | "withdraw"} Way */

/** @param {{worth: string}} props what everything is worth, in words */
export function PaperMoney({ worth }) {
  const { portfolio } = useServices();
  useModel(portfolio, "account");
  const [open, setOpen] = useState(/** @type {"" | Way} */ (""));
  useEffect(() => {
    const close = () => setOpen("");
    portfolio.addEventListener("switch", close);
    return () => portfolio.removeEventListener("switch", close);
  }, [portfolio]);
  return html`
    <div class="tools">
      <span class="worth">${worth && html`<span class="soft">Worth now</span> ${worth}`}</span>
      ${
        /** @type {[Way, {title: string}][]} */ (Object.entries(WAYS)).map(
          ([way, { title }]) => html`
        <button key=${way} type="button" class="plain" id=${`${way}-toggle`} aria-expanded=${String(open === way)}
          aria-controls=${way}
          disabled=${!portfolio.access.session} onClick=${() => setOpen(open === way ? "" : way)}>${title}</button>`,
        )
      }
    </div>
    ${open && html`<${Transfer} key=${open} way=${open} />`}`;
}

/** @param {{way: Way}} props */
function Transfer({ way }) {
  const { market, portfolio } = useServices();
  /** @type {{current: HTMLFormElement}} */ const form = useElement();
  const [result, say] = useState({ tone: "plain", text: "" });
  const [busy, setBusy] = useState(false);
  const { action, done } = WAYS[way];
  useLayoutEffect(() => {
    const { amount, asset } = fieldsOf(form.current);
    if (market.instrument) asset.value = market.instrument.quote;
    amount.focus();
  }, []);
  const [asked, ask] = useState(/** @type {[string, string] | null} */ (null));
  /** @param {string} text @param {string | null} amount @param {string} asset */
  const problemOf = (text, amount, asset) => {
    const read = readNumber(text, [asset]);
    if (read.readings || ("unit" in read && read.unit)) return numberProblem(text, "amount", [asset]);
    if (amount === null || unitsOf(amount, FINEST) <= 0n) return "Enter an amount such as 1000.";
    const available = portfolio.balances.available(asset);
    return way === "withdraw" && compare(amount, available) > 0 ? describeShort({ asset, amount }, available) : "";
  };
  const transfer = async (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    const elements = fieldsOf(form.current);
    const text = elements.amount.value.trim();
    const asset = elements.asset.value;
    const amount = plainOf(text, [asset]);
    const problem = problemOf(text, amount, asset);
    ask(readingsOf(text, [asset]));
    elements.amount.setAttribute("aria-invalid", String(problem !== ""));
    if (amount === null || problem) {
      say({ tone: "bad", text: problem });
      elements.amount.focus();
      return;
    }
    if (busy) return;
    setBusy(true);
    try {
      await portfolio[way](asset, amount);
      say({ tone: "good", text: `${grouped(shortest(amount))} ${asset} ${done}.` });
      elements.amount.value = "";
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, way) });
    } finally {
      setBusy(false);
    }
  };
  const take = (/** @type {string} */ plain) => {
    const { amount } = fieldsOf(form.current);
    amount.value = plain;
    amount.focus();
    ask(null);
    say({ tone: "plain", text: "" });
  };
  return html`
    <form class="deposit" id=${way} novalidate autocomplete="off" ref=${form} onSubmit=${transfer}>
      <label><${Spoken}>Amount<//><input name="amount" inputmode="decimal" placeholder="Amount" spellcheck=${false}
        aria-describedby=${`${way}-result`} /></label>
      <label><${Spoken}>Asset<//><select name="asset">
        ${[...assetsOf(market.instruments)].map((asset) => html`<option key=${asset} value=${asset}>${asset}</option>`)}
      </select></label>
      <button type="submit" class="plain" disabled=${busy}>${action}</button>
      <${Result} id=${`${way}-result`} ...${result} />
      ${asked && html`<${WhichNumber} text=${fieldsOf(form.current).amount.value} readings=${asked} take=${take} />`}
    </form>`;
}

/** @param {HTMLFormElement} form @returns {Record<string, HTMLInputElement>} */
function fieldsOf({ elements }) {
  return /** @type {any} */ (elements);
}

/** @param {Map<string, import("../../model/types.js").Instrument>} instruments @returns {Set<string>} */
export function assetsOf(instruments) {
  return new Set([...instruments.values()].flatMap(({ quote, base }) => [quote, base]).sort());
}
