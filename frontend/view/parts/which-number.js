/**
 * Asks which of two numbers a text is: "1,234 is 1234 or 1.234?", both to be clicked.
 * Layer: view.
 */

import { html } from "./html.js";

/**
 * @param {{text?: string, readings: [string, string], take: (plain: string) => void}} props without a `text` where it
 *   stands beside
 */
export function WhichNumber({ text = "", readings: [one, other], take }) {
  const answer = (/** @type {string} */ plain) =>
    html`<button type="button" class="plain" data-reads=${plain} onClick=${() => take(plain)}>${plain}</button>`;
  return html`<span class="which-number">${text && `${text.trim()} is `}${answer(one)} or ${answer(other)}?</span>`;
}
