/**
 * The order ticket: side, type, the fields that the type needs, options; what it would do and what there is; what
 * became of it.
 * Without an account it asks to sign in. What is entered, and whether it can be sent, is the order entry's business.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";
import { whyNotTaken } from "../../model/market/trading-status.js";
import { keyHint } from "../../model/shell/shortcuts.js";
import { ORDER_TYPES } from "../../model/ticket/order-types.js";
import { inQuote } from "../../model/ticket/ticket.js";
import { attention } from "../parts/focus.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useModel } from "../parts/use-model.js";
import { Choice, Field } from "./ticket-fields.js";
import { TicketOptions } from "./ticket-options.js";
import { TicketPreview } from "./ticket-preview.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */
/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */

/** @typedef {import("../../stores/explanations.js").Subject} Subject */
/** @typedef {{problems: import("../../model/ticket/ticket.js").Problems}} WithProblems */

const SIDES = Object.freeze([
  ["buy", "Buy"],
  ["sell", "Sell"],
]);
const TYPES = Object.freeze(Object.entries(ORDER_TYPES).map(([value, { title }]) => [value, title]));
const SHARES = Object.freeze([25, 50, 75, 100]);
/** @type {Readonly<Record<string, bigint>>} */
const STEPS = Object.freeze({ ArrowUp: 1n, ArrowDown: -1n });
const LARGE_STEP = 10n;
/** @type {Readonly<Record<string, string>>} */
const PRICE_TITLES = Object.freeze({ price: "Price", stop_price: "Stop price", stop_limit_price: "Stop limit" });

export function OrderTicket() {
  const { market, entry, portfolio, workspace } = useServices();
  useModel(market, "link", "venue", "symbol", "status");
  useModel(portfolio, "balances", "account", "switch");
  useModel(entry, "change");
  /** @type {{current: HTMLFormElement}} */ const form = useElement();
  useEffect(() => {
    const picked = () => {
      attention.touched(true);
      if (form.current.offsetParent) return focusNext(form.current, entry);
      workspace.view("trade"); // on a phone, where it was not shown; it is from the next frame
      requestAnimationFrame(() => focusNext(form.current, entry));
    };
    entry.addEventListener("picked", picked);
    return () => entry.removeEventListener("picked", picked);
  }, [entry, workspace]);
  const focus = (/** @type {string | null} */ name) => {
    const field = name ? /** @type {any} */ (form.current.elements)[name] : null;
    const folded = field?.closest("details");
    if (folded) {
      folded.open = true;
      workspace.remember("ticket.options", true);
    }
    field?.focus();
  };
  const checked = entry.checked();
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (isShut(market, portfolio)) return;
    if (portfolio.access.session) focus(entry.submit());
    else workspace.openAccount("login");
  };
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    const direction = STEPS[event.key];
    if (!direction || event.target.inputMode !== "decimal" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (entry.step(event.target.name, direction * (event.shiftKey ? LARGE_STEP : 1n))) event.preventDefault();
  };
  return html`
    <section class="panel ticket-panel" aria-labelledby="ticket-title">
      <h2 id="ticket-title">Order ticket</h2>
      <form class="ticket" id="ticket" novalidate autocomplete="off" data-side=${entry.fields.side} ref=${form}
        onSubmit=${onSubmit}
        onKeyDown=${onKeyDown} onInput=${(event) => entry.edit(event.target.name, event.target.value)}>
        <div class="ticket-fields">
          <${Choice} name="side" legend="Side" options=${SIDES} />
          <${Choice} name="type" legend="Order type" options=${TYPES} describedBy="type-hint" />
          <p class="hint" id="type-hint">${ORDER_TYPES[entry.fields.type].hint}</p>
          <${Prices} problems=${checked.problems} />
          <${Quantity} problems=${checked.problems} />
          <div class="shares" id="shares" role="group" aria-label="Quantity as a part of what is available">
            ${SHARES.map(
              (percent) => html`
              <button key=${percent} type="button" class="plain" data-percent=${percent}
                disabled=${!portfolio.balances.loaded}
                onClick=${() => focus(entry.takeShare(percent))}>${percent} %</button>`,
            )}
          </div>
          <${TicketOptions} problems=${checked.problems} />
        </div>
        <div class="ticket-send">
          <${TicketPreview} checked=${checked} />
          <div class="ticket-foot">
            <${Send} />
            <div class="outcome">
              <${Result} id="result" tone=${entry.result.tone} text=${entry.result.text} />
              ${
                entry.result.why &&
                html`<button type="button" class="plain" id="result-why"
                onClick=${() => workspace.explain(/** @type {Subject} */ (entry.result.why))}>Why?</button>`
              }
            </div>
          </div>
        </div>
      </form>
    </section>`;
}

/**
 * A price was picked: on to the quantity, or where Enter sends; who walks the levels by keys stays there.
 * @param {HTMLFormElement} form
 * @param {import("../../stores/order-entry.js").OrderEntryStore} entry
 */
function focusNext(form, entry) {
  const filled = attention.byKey ? null : /** @type {HTMLElement} */ (form.querySelector(".send"));
  const next = entry.fields.quantity ? filled : /** @type {any} */ (form.elements).quantity;
  next?.focus({ preventScroll: true });
}

/** The prices that the type needs, and those it may have. @param {WithProblems} props */
function Prices({ problems }) {
  const { market, entry } = useServices();
  const { type, trail_in: trailIn } = entry.fields;
  const { prices, optional } = ORDER_TYPES[type];
  const quote = market.instrument?.quote ?? "";
  const units = {
    name: "trail_in",
    title: "Unit of the distance",
    options: [
      ["amount", quote],
      ["percent", "%"],
    ],
  };
  return [...prices, ...optional].map((name) =>
    name === "trail"
      ? html`<${Field} key=${name} name=${name} title="Distance" units=${units} problem=${problems.trail}
          placeholder=${trailIn === "percent" ? "such as 1.5" : ""} />`
      : html`<${Field} key=${name} name=${name} title=${PRICE_TITLES[name]} unit=${quote} problem=${problems[name]}
          placeholder=${optional.includes(name) ? "at market" : ""} />`,
  );
}

/** @param {WithProblems} props */
function Quantity({ problems }) {
  const { market, entry } = useServices();
  const { base = "", quote = "" } = market.instrument ?? {};
  const units = {
    name: "quantity_in",
    title: "Unit of the quantity",
    options: [
      ["base", base],
      ["quote", quote],
    ],
  };
  const title = inQuote(entry.fields) ? "Amount" : "Quantity";
  return entry.fields.type === "market"
    ? html`<${Field} name="quantity" title=${title} units=${units} problem=${problems.quantity} />`
    : html`<${Field} name="quantity" title=${title} unit=${base} problem=${problems.quantity} />`;
}

/**
 * Whether no order can be sent now, whatever it is.
 * @param {import("../../stores/market.js").MarketStore} market
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 */
function isShut({ instrument, venue, linkState }, { access: { session, state } }) {
  const ready = instrument !== null && venue.accepting && linkState !== "disconnected" && linkState !== "connecting";
  return state === "starting" || (session !== null && !ready);
}

/** Keeps the focus while an order is under way, and for the moment in which a second press would be the same order. */
function Send() {
  const { market, entry, portfolio } = useServices();
  const { instrument, trading } = market;
  const { session } = portfolio.access;
  const closed = session && instrument ? whyNotTaken(trading.status, instrument.symbol, null) : "";
  const rests = session !== null && (entry.busy || entry.sent || entry.pausedS > 0);
  const verb = entry.fields.side === "buy" ? "Buy" : "Sell";
  const order =
    entry.pausedS > 0 ? `Wait ${entry.pausedS} s` : entry.sent ? "Sent" : `${verb} ${market.instrument?.base ?? ""}`;
  const text = session ? (entry.busy ? "Sending…" : order) : "Sign in to trade";
  return html`
    <button type="submit" ...${{ ...keyHint("send"), ...(closed && { title: closed }) }}
      class=${session ? "send" : "send ask"}
      aria-describedby="caution" aria-disabled=${rests ? "true" : null}
      disabled=${closed !== "" || isShut(market, portfolio)}>${text}</button>`;
}
