/**
 * The controls of the order ticket: each with its label, its unit and, below it, what is wrong with it.
 * Layer: view.
 */

import { grouped } from "../../model/parts/decimal.js";
import { isPlain, plainOf, readingsOf } from "../../model/parts/number-text.js";
import { keyHint } from "../../model/shell/shortcuts.js";
import { unitOf } from "../../model/ticket/ticket.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useTimes } from "../parts/use-times.js";
import { WhichNumber } from "../parts/which-number.js";

/** @typedef {keyof import("../../model/ticket/ticket.js").TicketFields} FieldName */
/** @typedef {{name: "quantity_in" | "trail_in", title: string, options: [string, string][]}} Units */

/**
 * Radio buttons in a row.
 * @param {{name: FieldName, legend: string, options: Iterable<[string, any]>, describedBy?: string | null}} props
 */
export function Choice({ name, legend, options, describedBy = null }) {
  const { entry } = useServices();
  return html`
    <fieldset class=${`choice ${name}s`} aria-describedby=${describedBy}>
      <legend class="visually-hidden">${legend}</legend>
      ${[...options].map(([value, title]) => {
        const { title: hint, ...keys } = keyHint(value);
        return html`
          <label key=${value} title=${hint}>
            <input type="radio" name=${name} value=${value} checked=${entry.fields[name] === value} ...${keys} /><span>
              ${title}</span>
          </label>`;
      })}
    </fieldset>`;
}

/**
 * A control with its label above and its problem, or else a remark, below; `control` gets what connects both for a
 * screen reader.
 * @param {{name: FieldName, title: string, problem: string, remark?: string, question?: any, control: (attributes:
 *   object) => any}} props
 */
function Labelled({ name, title, problem, remark = "", question = null, control }) {
  const { entry } = useServices();
  const shown = entry.complainsOf(name) ? problem : "";
  return html`
    <div class="field">
      <label for=${name}>${title}</label>
      <span class="input">${control({
        id: name,
        name,
        value: entry.fields[name],
        "aria-describedby": `${name}-problem`,
        "aria-invalid": shown ? "true" : null,
      })}</span>
      <p class="problem" id=${`${name}-problem`} data-tone=${shown ? null : "plain"}>
        ${shown ? (question ?? shown) : remark}</p>
    </div>`;
}

/**
 * A number with its unit, or with the choice of one.
 * @param {{name: FieldName, title: string, unit?: string, units?: Units | null, problem?: string, placeholder?:
 *   string}}
 *   props
 */
export function Field({ name, title, unit = "", units = null, problem = "", placeholder = "" }) {
  const { market, entry } = useServices();
  const text = entry.fields[name];
  const own = [market.instrument ? unitOf(name, entry.fields, market.instrument) : ""];
  const readings = readingsOf(text, own);
  const take = (/** @type {string} */ plain) => {
    entry.edit(name, plain);
    document.getElementById(name)?.focus();
  };
  const question = readings && html`<${WhichNumber} text=${text} readings=${readings} take=${take} />`;
  const control = (/** @type {object} */ attributes) => html`
    <input ...${attributes} inputmode="decimal" autocomplete="off" spellcheck=${false} placeholder=${placeholder}
      aria-keyshortcuts=${name === "price" ? "ArrowUp ArrowDown" : null} />
    ${units ? html`<${UnitSelect} ...${units} />` : html`<span class="unit">${unit}</span>`}`;
  return html`<${Labelled} name=${name} title=${title} problem=${problem} remark=${readAs(text, own)}
    question=${question} control=${control} />`;
}

/**
 * How a number is read that is not written as it is sent; "" of any other.
 * @param {string} text
 * @param {string[]} units
 */
function readAs(text, units) {
  const plain = plainOf(text, units);
  return plain === null || isPlain(text) ? "" : `Read as ${grouped(plain)} ${units[0]}`;
}

/** @param {Units} props */
function UnitSelect({ name, title, options }) {
  const { entry } = useServices();
  return html`
    <select class="unit" name=${name} aria-label=${title} value=${entry.fields[name]}>
      ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
    </select>`;
}

/**
 * @param {{name: FieldName, title: string, value: string, options: Iterable<[string, string]>, problem?: string}} props
 */
export function Select({ name, title, value, options, problem = "" }) {
  const control = (/** @type {object} */ attributes) => html`
    <select ...${attributes} value=${value}>
      ${[...options].map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
    </select>`;
  return html`<${Labelled} name=${name} title=${title} problem=${problem} control=${control} />`;
}

/**
 * A day and a time of day in the page's zone, and which that is.
 * @param {{name: "expire_time", title: string, problem?: string}} props
 */
export function Moment({ name, title, problem = "" }) {
  const { market, entry } = useServices();
  const times = useTimes();
  const { ms } = times.read(entry.fields[name]);
  const remark =
    ms === undefined ? `Read as ${times.name(market.nowMs)}, the page's time zone` : times.whole(ms / 1_000);
  const control = (/** @type {object} */ attributes) => html`<input ...${attributes} type="datetime-local" step="1" />`;
  return html`<${Labelled} name=${name} title=${title} problem=${problem} remark=${remark} control=${control} />`;
}
