/**
 * Small pieces of text that the panels share.
 * Layer: view.
 */

import { grouped } from "../../model/parts/decimal.js";
import { html } from "./html.js";

/**
 * A number whose closing zeros are dimmed, so that columns align and sizes can be read at a glance.
 * @param {{value: string}} props a decimal, or ""
 */
export function NumberText({ value }) {
  const significant = value.includes(".") ? value.replace(/\.?0+$/, "") : value;
  const whole = grouped(value);
  const zeros = value.length - significant.length;
  return html`<span>${zeros ? whole.slice(0, -zeros) : whole}</span><span class="zeros">
    ${zeros ? whole.slice(-zeros) : ""}</span>`;
}

/** What became of something, announced when it changes. @param {{id?: string, tone: string, text: string}} props */
export function Result({ id, tone, text }) {
  return html`<p class="result" id=${id} role="status" aria-live="polite" data-tone=${tone}>${text}</p>`;
}

/** For a reader who does not see the screen. @param {{children: any}} props */
export function Spoken({ children }) {
  return html`<span class="visually-hidden">${children}</span>`;
}
