/**
 * Where a code of an authenticator app is typed; phones offer their digits.
 * Layer: view.
 */

import { html } from "../parts/html.js";

export function CodeField() {
  return html`
    <label>Code of the authenticator app <input name="code" inputmode="numeric" autocomplete="one-time-code"
      maxlength="7" /></label>`;
}
