/**
 * The top of the page: symbol with its figures, connection, theme, account.
 * Layer: view.
 */

import { AccountMenu } from "./account-menu.js";
import { html } from "./html.js";
import { InstrumentBar } from "./instrument-bar.js";
import { LinkPill } from "./link-pill.js";
import { ThemeToggle } from "./theme-toggle.js";

export function Header() {
  return html`
    <header class="bar" id="bar">
      <h1 class="brand"><img src="/static/favicon.svg" alt="" width="22" height="22" /><span>Openbell</span></h1>
      <${InstrumentBar} />
      <${LinkPill} />
      <${ThemeToggle} />
      <${AccountMenu} />
    </header>`;
}
