/**
 * The foot of the page: sequence, age and gaps of the feed, whose charts these are.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useClock } from "../parts/use-model.js";
import { linkFigures } from "./link-words.js";

/** Nobody reads a sequence that changes faster, and the age is a clock of its own. */
const REDRAW_EVERY_MS = 250;

export function StatusBar() {
  const { market, nodes, workspace } = useServices();
  useClock(REDRAW_EVERY_MS);
  const { connection, book } = market;
  return html`
    <footer class="status">
      <dl id="status">
        ${linkFigures(connection, book, performance.now(), nodes).map(
          ([name, title, text]) => html`
          <div key=${name}><dt>${title}</dt><dd data-status=${name}>${text}</dd></div>`,
        )}
      </dl>
      <button type="button" class="plain keys-button" aria-haspopup="dialog" aria-keyshortcuts="Shift+?"
        title="Time zone, keys and notices (?)" onClick=${() => workspace.showKeys()}>Keys</button>
      <p class="credit">Charts: <a href="https://www.tradingview.com/" target="_blank"
        rel="noopener noreferrer">TradingView</a> Lightweight Charts™ © TradingView, Inc.</p>
    </footer>`;
}
