/**
 * The order ticket: side, type, price, quantity; what it would cost and what there is; what became of it.
 * Without an account it asks to sign in. What is entered, and whether it can be sent, is the order entry's business.
 * Layer: view.
 */

import { useEffect, useRef } from "preact/hooks";

import { grouped, multiply, rounded, scaleOf, shortest } from "../model/decimal.js";
import { TYPE_HINTS } from "../model/ticket.js";
import { AVERAGE_DECIMALS } from "../model/words.js";
import { html } from "./html.js";
import { useServices } from "./services.js";
import { Result } from "./text.js";
import { useModel } from "./use-model.js";

const SIDES = Object.freeze([["buy", "Buy"], ["sell", "Sell"]]);
const TYPES = Object.freeze([
  ["limit", "Limit"],
  ["market", "Market"],
  ["ioc", html`<abbr title="Immediate or cancel">IOC</abbr>`],
  ["fok", html`<abbr title="Fill or kill">FOK</abbr>`],
]);
const SHARES = Object.freeze([25, 50, 75, 100]);
const STEPS = Object.freeze({ ArrowUp: 1n, ArrowDown: -1n });

export function OrderTicket() {
  const { desk, entry, portfolio, workspace } = useServices();
  useModel(desk, "link", "venue", "symbol");
  useModel(portfolio, "balances", "account", "switch");
  useModel(entry, "change");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    const focusQuantity = () => entry.fields.quantity || form.current.elements.quantity.focus({ preventScroll: true });
    entry.addEventListener("picked", focusQuantity);
    return () => entry.removeEventListener("picked", focusQuantity);
  }, [entry]);
  const focus = (name) => name && form.current.elements[name].focus();
  const { instrument } = desk;
  const checked = entry.checked();
  const onSubmit = (event) => {
    event.preventDefault();
    if (portfolio.access.session) focus(entry.submit());
    else workspace.openAccount("login");
  };
  const onKeyDown = (event) => {
    const direction = STEPS[event.key];
    if (!direction || !["price", "quantity"].includes(event.target.name)) return;
    if (entry.step(event.target.name, direction * (event.shiftKey ? 10n : 1n))) event.preventDefault();
  };
  return html`
    <section class="panel ticket-panel" aria-labelledby="ticket-title">
      <h2 id="ticket-title">Order ticket</h2>
      <form class="ticket" id="ticket" novalidate autocomplete="off" data-side=${entry.fields.side} ref=${form} onSubmit=${onSubmit}
        onKeyDown=${onKeyDown} onInput=${(event) => entry.edit(event.target.name, event.target.value)}>
        <div class="ticket-fields">
          <${Choice} name="side" legend="Side" options=${SIDES} />
          <${Choice} name="type" legend="Order type" options=${TYPES} describedBy="type-hint" />
          <p class="hint" id="type-hint">${TYPE_HINTS[entry.fields.type]}</p>
          <${Field} name="price" title="Price" unit=${instrument?.quote} problem=${checked.problems.price} disabled=${!entry.priced} />
          <${Field} name="quantity" title="Quantity" unit=${instrument?.base} problem=${checked.problems.quantity} />
          <div class="shares" id="shares" role="group" aria-label="Quantity as a part of what is available">
            ${SHARES.map((percent) => html`
              <button key=${percent} type="button" class="plain" data-percent=${percent} onClick=${() => focus(entry.takeShare(percent))}>${percent} %</button>`)}
          </div>
        </div>
        <div class="ticket-send">
          <${Estimate} checked=${checked} />
          <${Send} />
          <${Result} id="result" tone=${entry.result.tone} text=${entry.result.text} />
        </div>
      </form>
    </section>`;
}

/** Radio buttons in a row. */
function Choice({ name, legend, options, describedBy }) {
  const { entry } = useServices();
  return html`
    <fieldset class=${`choice ${name}s`} aria-describedby=${describedBy}>
      <legend class="visually-hidden">${legend}</legend>
      ${options.map(([value, title]) => html`
        <label key=${value}><input type="radio" name=${name} value=${value} checked=${entry.fields[name] === value} /><span>${title}</span></label>`)}
    </fieldset>`;
}

function Field({ name, title, unit, problem, disabled = false }) {
  const { entry } = useServices();
  const shown = entry.complainsOf(name) ? (problem ?? "") : "";
  return html`
    <div class="field">
      <label for=${name}>${title}</label>
      <span class="input">
        <input id=${name} name=${name} inputmode="decimal" autocomplete="off" spellcheck=${false} aria-describedby=${`${name}-problem`}
          aria-invalid=${shown ? "true" : null} disabled=${disabled} placeholder=${disabled ? "best available" : ""} value=${entry.fields[name]} />
        <span class="unit">${unit ?? ""}</span>
      </span>
      <p class="problem" id=${`${name}-problem`}>${shown}</p>
    </div>`;
}

/** What it would hold or cost, and what the venue would charge now. */
function Estimate({ checked }) {
  const { desk, entry, portfolio } = useServices();
  const { instrument } = desk;
  const { balances } = portfolio;
  const pays = instrument && (entry.fields.side === "buy" ? instrument.quote : instrument.base);
  const { order, funds } = checked;
  const value = order && entry.priced ? multiply(order.price, order.quantity) : null;
  const { average, cost, fee } = quoteTexts(entry.quote, instrument);
  const lines = [
    ["available", "Available", balances.loaded && pays ? `${grouped(shortest(balances.available(pays)))} ${pays}` : null],
    ["holds", entry.priced ? "Holds, with fee" : "Costs now, with fee", funds && `${grouped(funds.needed.amount)} ${funds.needed.asset}`],
    ["value", "Order value", value && `${grouped(value)} ${instrument.quote}`],
    ["average", "Average now", average],
    ["cost", "Total now", cost],
    ["fee", "Fee now", fee],
  ];
  return html`
    <dl class="estimate">
      ${lines.map(([name, title, text]) => html`<div key=${name}><dt>${title}</dt><dd data-estimate=${name}>${text || "–"}</dd></div>`)}
    </dl>`;
}

/** @param {any} quote of GET /quote, or null @param {import("../model/types.js").Instrument | null} instrument */
function quoteTexts(quote, instrument) {
  if (quote === null || instrument === null) return { average: null, cost: null, fee: null };
  if (quote.average_price === null) return { average: "nobody is quoting", cost: null, fee: null };
  const partly = quote.filled_quantity === quote.quantity ? "" : ` for ${grouped(shortest(quote.filled_quantity))} ${instrument.base}`;
  return {
    average: grouped(rounded(quote.average_price, scaleOf(instrument.tick_size) + AVERAGE_DECIMALS)),
    cost: `${grouped(quote.notional)} ${instrument.quote}${partly}`,
    fee: `${grouped(quote.taker_fee)} ${instrument.quote}`,
  };
}

function Send() {
  const { desk, entry, portfolio } = useServices();
  const { instrument, venue, linkState } = desk;
  const { session, state } = portfolio.access;
  const ready = instrument !== null && venue.accepting && linkState !== "disconnected" && linkState !== "connecting";
  const disabled = state === "starting" || (session !== null && (!ready || entry.busy));
  const verb = entry.fields.side === "buy" ? "Buy" : "Sell";
  const text = session ? (entry.busy ? "Sending…" : `${verb} ${instrument?.base ?? ""}`) : "Sign in to trade";
  return html`<button type="submit" class=${session ? "send" : "send ask"} disabled=${disabled}>${text}</button>`;
}
