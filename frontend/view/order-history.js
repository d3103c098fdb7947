/**
 * Order history: what became of every order.
 * Layer: view.
 */

import { html } from "./html.js";

export function OrderHistory() {
  return html`<p class="empty">Orders that ended are listed here.</p>`;
}
