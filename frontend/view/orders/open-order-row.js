/**
 * One open order: what it is and where it stands; its price, stop price and quantity can be changed where they are.
 * Layer: view.
 */

import { useLayoutEffect, useState } from "preact/hooks";

import { amendable, amendUnit, checkAmend, priorityAfter } from "../../model/orders/amend.js";
import { describeAmend, STATUS_WORDS } from "../../model/orders/answers.js";
import { detailsOf, filledPercent, kindText, queueText, triggerText } from "../../model/orders/order-rows.js";
import { compare, grouped, shortest } from "../../model/parts/decimal.js";
import { describeFailure } from "../../model/parts/failures.js";
import { readingsOf } from "../../model/parts/number-text.js";
import { stepped } from "../../model/ticket/ticket.js";
import { Cell } from "../parts/data-table.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useServices } from "../parts/services.js";
import { NumberText, Spoken } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useTimes } from "../parts/use-times.js";
import { WhichNumber } from "../parts/which-number.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */

/** @type {Readonly<Record<string, bigint>>} */
const STEPS = Object.freeze({ ArrowUp: 1n, ArrowDown: -1n });
const LARGE_STEP = 10n;
/** @type {Readonly<Record<string, string>>} */
const FIELD_TITLES = Object.freeze({ price: "Price", stop_price: "Stop price", quantity: "Quantity" });
const PRIORITY_TEXTS = Object.freeze({ kept: "keeps its priority", lost: "goes to the back" });

/** @typedef {"price" | "stop_price" | "quantity"} AmendField */
/**
 * @typedef {object} RowProps
 * @property {import("../../model/types.js").Order & Record<string, any>} order
 * @property {import("../../model/orders/queue-positions.js").QueuePosition | null} place
 * @property {import("../../model/types.js").Instrument | undefined} instrument
 * @property {string | null} field that is being changed; null while none is
 * @property {(editing: {orderId: string, field: string} | null) => void} edit
 * @property {(result: {tone: string, text: string}) => void} say
 * @property {(order: any) => void} cancel
 * @property {"asked" | "done" | null} cancelled how far that is
 */

export const OpenOrderRow = memo((/** @type {RowProps} */ props) =>
  props.field ? html`<${Editor} ...${props} />` : html`<${Shown} ...${props} />`,
);

/** @param {RowProps} props */
function Shown({ order, place, instrument, edit, cancel, cancelled }) {
  const { workspace } = useServices();
  const fields = instrument && !cancelled ? amendable(order) : [];
  const what = nameOf(order);
  const cell = (/** @type {AmendField} */ name, /** @type {any} */ text) =>
    fields.includes(name) ? html`<${Changeable} name=${name} order=${order} edit=${edit}>${text}<//>` : text;
  return html`
    <${Frame} order=${order} place=${place} gone=${cancelled === "done"}
      price=${cell("price", order.price === null ? "–" : grouped(order.price))}
      trigger=${cell("stop_price", triggerText(order))}
      quantity=${cell("quantity", quantityText(order))}>
      ${
        fields.length > 0 &&
        html`
        <button type="button" class="plain" data-does="amend" aria-label=${`Amend ${what}`}
          onClick=${() => edit({ orderId: order.order_id, field: fields[0] })}>Amend</button>`
      }
      <button type="button" class="plain why-open" data-does="why" title="Why it waits, and what has become of it"
        aria-label=${`Why: ${what}`} onClick=${() =>
          workspace.explain({ order_id: order.order_id, symbol: order.symbol })}>Why</button>
      <button type="button" class="quiet" data-does="cancel" aria-disabled=${cancelled ? "true" : null}
        aria-label=${`Cancel ${what}`}
        onClick=${() => cancelled || cancel(order)}>Cancel</button>
    <//>`;
}

/**
 * A number that is changed by a click on it.
 * @param {Pick<RowProps, "order" | "edit"> & {name: AmendField, children: any}} props
 */
function Changeable({ name, order, edit, children }) {
  return html`
    <button type="button" class="changeable" tabindex="-1" title=${`Change the ${FIELD_TITLES[name].toLowerCase()}`}
      onClick=${() => edit({ orderId: order.order_id, field: name })}><${Spoken}>
      ${FIELD_TITLES[name]} of ${nameOf(order)}: change <//>${children}</button>`;
}

/** @param {RowProps & {instrument: import("../../model/types.js").Instrument}} props */
function Editor({ order, place, instrument, field, edit, say }) {
  const { portfolio } = useServices();
  const fields = amendable(order);
  const [draft, setDraft] = useState(() => Object.fromEntries(fields.map((name) => [name, order[name]])));
  const [busy, setBusy] = useState(false);
  /** @type {{current: HTMLElement}} */ const row = useElement();
  useLayoutEffect(() => {
    /** @type {HTMLInputElement | null} */ const input = row.current.querySelector(`[name="${field}"]`);
    input?.focus();
    input?.select();
  }, []);
  const focusOn = (/** @type {string} */ selector) => {
    /** @type {HTMLElement | null} */ const found = row.current.querySelector(selector);
    found?.focus();
  };
  const { problems, changes } = checkAmend(order, draft, instrument);
  const save = async () => {
    if (busy) return;
    if (changes === null) return focusOn("[aria-invalid]");
    if (Object.keys(changes).length === 0) return edit(null);
    setBusy(true);
    try {
      say(describeAmend(await portfolio.amendOrder(order.order_id, changes)));
      edit(null);
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "amend") });
      setBusy(false);
    }
  };
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    const { name, value } = event.target;
    if (event.key === "Escape") edit(null);
    else if (name && event.key === "Enter") save();
    else if (name && STEPS[event.key]) {
      const step = name === "quantity" ? instrument.lot_size : instrument.tick_size;
      const moved = stepped(value, step, STEPS[event.key] * (event.shiftKey ? LARGE_STEP : 1n), [
        amendUnit(name, instrument),
      ]);
      if (moved !== null) setDraft({ ...draft, [name]: moved });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const input = (/** @type {AmendField} */ name, /** @type {any} */ otherwise) =>
    fields.includes(name)
      ? html`
      <input class="amend" name=${name} inputmode="decimal" autocomplete="off" spellcheck=${false} readonly=${busy}
        value=${draft[name]}
        aria-label=${`New ${FIELD_TITLES[name].toLowerCase()}`} aria-invalid=${problems[name] ? "true" : null}
        title=${problems[name] ?? null}
        onInput=${(event) => setDraft({ ...draft, [name]: event.target.value })} />`
      : otherwise;
  const priority = changes && priorityAfter(order, changes);
  const asked = fields.find((name) => readingsOf(draft[name], [amendUnit(name, instrument)]));
  const take = (/** @type {string} */ plain) => {
    if (asked) setDraft({ ...draft, [asked]: plain });
    focusOn(`[name="${asked}"]`);
  };
  const question =
    asked && html`<${WhichNumber} readings=${readingsOf(draft[asked], [amendUnit(asked, instrument)])} take=${take} />`;
  const note = Object.values(problems)[0] ?? (priority ? PRIORITY_TEXTS[priority] : "");
  return html`
    <${Frame} order=${order} place=${place} frame=${row} onKeyDown=${onKeyDown} note=${note} question=${question}
      noteTone=${changes === null ? "bad" : priority}
      price=${input("price", "–")} trigger=${input("stop_price", triggerText(order))}
      quantity=${input("quantity", quantityText(order))}>
      <button type="button" class="plain" aria-disabled=${busy ? "true" : null} onClick=${save}>Save</button>
      <button type="button" class="plain" aria-disabled=${busy ? "true" : null}
        onClick=${() => busy || edit(null)}>Discard</button>
    <//>`;
}

/**
 * The cells that are the same, changed or not.
 * @param {object} props
 * @param {RowProps["order"]} props.order
 * @param {RowProps["place"]} props.place
 * @param {any} props.price what stands in its cell, as in the next two
 * @param {any} props.trigger
 * @param {any} props.quantity
 * @param {string | null} [props.note] of what is being changed
 * @param {any} [props.question] in place of the note
 * @param {string | null} [props.noteTone]
 * @param {{current: HTMLElement} | null} [props.frame] the row's ref
 * @param {boolean} [props.gone]
 * @param {((event: DomKeyEvent) => void) | null} [props.onKeyDown]
 * @param {any} props.children the buttons
 */
function Frame({
  order,
  place,
  price,
  trigger,
  quantity,
  note = null,
  question = null,
  noteTone = null,
  frame = null,
  gone = false,
  onKeyDown = null,
  children,
}) {
  const { market } = useServices();
  const times = useTimes();
  const details = detailsOf(order, (timestamp) => times.dayTime(timestamp, market.nowMs)).join(" · ");
  const whole = detailsOf(order, (timestamp) => times.whole(timestamp)).join(" · ");
  const status = gone ? STATUS_WORDS.cancelled : (STATUS_WORDS[order.status] ?? order.status);
  return html`
    <tr role="row" data-side=${order.side} data-order=${order.order_id} ref=${frame} onKeyDown=${onKeyDown}
      class=${note !== null ? "editing" : gone ? "gone" : ""}>
      <${Cell} label="Symbol">${order.symbol}<//>
      <${Cell} label="Order"><span class="side">${order.side === "buy" ? "Buy" : "Sell"}</span> ${kindText(order)}<//>
      <${Cell} label="Price" kind="number">${price}<//>
      <${Cell} label="Trigger" kind="number">${trigger || "–"}<//>
      <${Cell} label="Quantity" kind="number">${quantity}<//>
      <${Cell} label="Filled" kind="number"
        title=${`${grouped(shortest(order.filled))} of ${grouped(shortest(order.quantity))}`}><span class="exact">
        <${NumberText} value=${order.filled} /> · </span>${filledPercent(order)} %<//>
      ${
        note === null
          ? html`<${Cell} label="Queue" class="queue">${queueText(place) || "–"}<//>`
          : html`<td role="cell" class="queue note" colspan=${question ? 2 : null} data-label="Queue"
            data-tone=${noteTone} aria-live="polite" title=${note}>${question || note}</td>`
      }
      ${!question && html`<${Cell} label="Status" title=${whole || null}>${status}<//>`}
      <${Cell} label="Details" only="wide" class="details" title=${whole || null}>${details}<//>
      <${Cell} label="Entered" kind="number" only="widest" class="time" title=${times.whole(order.timestamp)}>
        ${times.dayTime(order.timestamp, market.nowMs)}<//>
      <td role="cell" class="number action">${children}</td>
    </tr>`;
}

/** An iceberg says what it shows of how much. @param {RowProps["order"]} order */
function quantityText(order) {
  const { quantity, display_quantity: shown, remaining } = order;
  if (!shown) return html`<${NumberText} value=${quantity} />`;
  const visible = compare(shown, remaining) < 0 ? shown : remaining;
  return html`<span class="shown">${grouped(shortest(visible))} of</span> ${grouped(shortest(quantity))}`;
}

/** @param {RowProps["order"]} order */
function nameOf(order) {
  const at = order.price ?? order.stop_price;
  return `${order.side} ${grouped(shortest(order.quantity))} ${order.symbol}${at ? ` at ${grouped(at)}` : ""}`;
}
