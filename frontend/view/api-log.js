/**
 * API: what each click of this page asked, and what the venue answered.
 * Layer: view.
 */

import { html } from "./html.js";

export function ApiLog() {
  return html`<p class="empty">What the page asks of the venue is listed here.</p>`;
}
