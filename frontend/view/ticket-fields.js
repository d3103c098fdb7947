/**
 * The controls of the order ticket: each with its label, its unit and, below it, what is wrong with it.
 * Layer: view.
 */

import { keyHint } from "../model/shortcuts.js";
import { html } from "./html.js";
import { useServices } from "./services.js";

/** Radio buttons in a row. @param {{name: string, legend: string, options: Iterable<[string, any]>, describedBy?: string}} props */
export function Choice({ name, legend, options, describedBy = null }) {
  const { entry } = useServices();
  return html`
    <fieldset class=${`choice ${name}s`} aria-describedby=${describedBy}>
      <legend class="visually-hidden">${legend}</legend>
      ${[...options].map(([value, title]) => {
        const { title: hint, ...keys } = keyHint(value);
        return html`
          <label key=${value} title=${hint}>
            <input type="radio" name=${name} value=${value} checked=${entry.fields[name] === value} ...${keys} /><span>${title}</span>
          </label>`;
      })}
    </fieldset>`;
}

/**
 * A number with its unit, or with the choice of one.
 * @param {{name: string, title: string, unit?: string, units?: {name: string, title: string, options: [string, string][]}, problem?: string, placeholder?: string}} props
 */
export function Field({ name, title, unit = "", units = null, problem = "", placeholder = "" }) {
  const { entry } = useServices();
  const shown = entry.complainsOf(name) ? problem : "";
  return html`
    <div class="field">
      <label for=${name}>${title}</label>
      <span class="input">
        <input id=${name} name=${name} inputmode="decimal" autocomplete="off" spellcheck=${false} placeholder=${placeholder}
          aria-describedby=${`${name}-problem`} aria-invalid=${shown ? "true" : null} value=${entry.fields[name]}
          aria-keyshortcuts=${name === "price" ? "ArrowUp ArrowDown" : null} />
        ${units ? html`<${UnitSelect} ...${units} />` : html`<span class="unit">${unit}</span>`}
      </span>
      <p class="problem" id=${`${name}-problem`}>${shown}</p>
    </div>`;
}

function UnitSelect({ name, title, options }) {
  const { entry } = useServices();
  return html`
    <select class="unit" name=${name} aria-label=${title} value=${entry.fields[name]}>
      ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
    </select>`;
}

/** @param {{name: string, title: string, value: string, options: Iterable<[string, string]>, problem?: string}} props */
export function Select({ name, title, value, options, problem = "" }) {
  const { entry } = useServices();
  const shown = entry.complainsOf(name) ? problem : "";
  return html`
    <div class="field">
      <label for=${name}>${title}</label>
      <span class="input">
        <select id=${name} name=${name} value=${value} aria-describedby=${`${name}-problem`} aria-invalid=${shown ? "true" : null}>
          ${[...options].map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
        </select>
      </span>
      <p class="problem" id=${`${name}-problem`}>${shown}</p>
    </div>`;
}

/** A day and a time of day, local. @param {{name: string, title: string, problem?: string}} props */
export function Moment({ name, title, problem = "" }) {
  const { entry } = useServices();
  const shown = entry.complainsOf(name) ? problem : "";
  return html`
    <div class="field">
      <label for=${name}>${title}</label>
      <span class="input">
        <input id=${name} name=${name} type="datetime-local" step="1" value=${entry.fields[name]}
          aria-describedby=${`${name}-problem`} aria-invalid=${shown ? "true" : null} />
      </span>
      <p class="problem" id=${`${name}-problem`}>${shown}</p>
    </div>`;
}
