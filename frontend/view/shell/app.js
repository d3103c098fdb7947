/**
 * The page: header, banners, the market with its panels, the status line; on a phone one view at a time.
 * Layer: view.
 */

import { useLayoutEffect } from "preact/hooks";
import { ChartPanel } from "../chart/chart-panel.js";
import { DepthLadder } from "../ladder/depth-ladder.js";
import { Tape } from "../ladder/tape.js";
import { FillNotices } from "../orders/fill-notices.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useClock, useFeed, useModel } from "../parts/use-model.js";
import { OrderTicket } from "../ticket/order-ticket.js";
import { BottomPanel } from "./bottom-panel.js";
import { Header } from "./header.js";
import { ClockBanner, LinkBanner, NoticeBanner, StateBanner } from "./link-banner.js";
import { SessionBanner } from "./session-banner.js";
import { Shortcuts } from "./shortcuts.js";
import { StatusBar } from "./status-bar.js";

/** @type {readonly [import("../../stores/workspace.js").PhoneView, string][]} */
const PHONE_VIEWS = Object.freeze([
  ["chart", "Chart"],
  ["book", "Book"],
  ["trade", "Trade"],
  ["orders", "Orders"],
  ["account", "Account"],
]);
/** The feed grows stale by silence, which emits no event. */
const LINK_EVERY_MS = 500;

export function App() {
  const { workspace } = useServices();
  useModel(workspace, "theme");
  const { theme } = workspace;
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return html`
    <${Header} />
    <div class="banners">
      <${LinkBanner} />
      <${ClockBanner} />
      <${SessionBanner} />
      <${NoticeBanner} />
      <${StateBanner} />
    </div>
    <${Panels}>
      <${ChartPanel} />
      <${DepthLadder} />
      <${Tape} />
      <${OrderTicket} />
      <${BottomPanel} />
    <//>
    <${StatusBar} />
    <${PhoneBar} />
    <${Shortcuts} />
    <${FillNotices} />`;
}

/** Greys out what is not current, and on a phone shows one view. @param {{children: any}} props */
function Panels({ children }) {
  const { market, workspace } = useServices();
  useModel(market, "link", "symbol");
  useFeed(market, "book");
  useModel(workspace, "layout");
  useClock(LINK_EVERY_MS);
  return html`
    <main class="panels" id="panels" data-link=${market.linkState} data-book=${market.book.state}
      data-view=${workspace.tab("phone")}>
      ${children}
    </main>`;
}

function PhoneBar() {
  const { workspace } = useServices();
  useModel(workspace, "layout");
  const shown = workspace.tab("phone");
  return html`
    <nav class="phone-bar" aria-label="Views">
      ${PHONE_VIEWS.map(
        ([name, title]) => html`
        <button key=${name} type="button" aria-current=${name === shown ? "page" : null}
          onClick=${() => workspace.view(name)}>
          ${title}
        </button>`,
      )}
    </nav>`;
}
