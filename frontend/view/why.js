/**
 * Why: the explanation of a fill or a reject, as the levels that were walked.
 * Layer: view.
 */

import { html } from "./html.js";

export function Why() {
  return html`<p class="empty">Pick a fill, or an order that was rejected, to see why it happened.</p>`;
}
