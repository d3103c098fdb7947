/**
 * The operator's panel; only operators see it.
 * Layer: view.
 */

import { html } from "./html.js";

export function Operator() {
  return html`<p class="empty">Operators look after the venue here.</p>`;
}
