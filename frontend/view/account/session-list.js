/**
 * Where somebody is signed in, with a button to end each.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useTimes } from "../parts/use-times.js";

/** @param {{sessions: readonly any[], busy: boolean, onEnd: (sessionId: string) => unknown}} props */
export function SessionList({ sessions, busy, onEnd }) {
  const { market } = useServices();
  const times = useTimes();
  return html`
    <ul class="session-list" aria-label="Sessions">
      ${sessions.map(
        ({ session_id, address, user_agent, used_at, created_at, current }) => html`
        <li key=${session_id} data-session=${session_id}>
          <div>
            <p title=${user_agent}>${nameOf(user_agent)} <span class="soft">${address}</span></p>
            <p class="soft" title=${`Opened ${times.whole(created_at)}`}>${
              current ? "This session" : `Used ${times.dayTime(used_at, market.nowMs)}`
            }</p>
          </div>
          ${
            !current &&
            html`<button type="button" class="quiet" disabled=${busy}
              onClick=${() => onEnd(session_id)}>End it</button>`
          }
        </li>`,
      )}
    </ul>`;
}

/** Each says that it is those behind it, too. */
const BROWSERS = Object.freeze([
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
]);

/** A browser by its name, another program by how it begins. @param {string} userAgent */
function nameOf(userAgent) {
  const browser = BROWSERS.find(([mark]) => userAgent.includes(mark));
  return browser?.[1] ?? (userAgent.slice(0, 40) || "A program");
}
