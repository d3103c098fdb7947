/**
 * The top of the page: symbol with its figures, session and clock, connection, theme, account.
 * Layer: view.
 */

import { AccountMenu } from "../account/account-menu.js";
import { FaultBadge } from "../operator/faults.js";
import { html } from "../parts/html.js";
import { InstrumentBar } from "./instrument-bar.js";
import { LinkPill } from "./link-pill.js";
import { SessionClock } from "./session-clock.js";
import { ThemeToggle } from "./theme-toggle.js";

export function Header() {
  return html`
    <header class="bar" id="bar">
      <h1 class="brand"><img src="/static/favicon.svg" alt="" width="22" height="22" /><span>Openbell</span></h1>
      <${InstrumentBar} />
      <div class="bar-end">
        <${FaultBadge} />
        <${SessionClock} />
        <${LinkPill} />
        <${ThemeToggle} />
        <${AccountMenu} />
      </div>
    </header>`;
}
