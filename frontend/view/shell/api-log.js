/**
 * API: what each click of this page asked, and what the venue answered; and how to do the same by curl and by Python.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { curlOf, masked, pretty, pythonOf, takesKey } from "../../model/shell/snippets.js";
import { OwnFaults } from "../operator/faults.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useServices } from "../parts/services.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";
import { ApiCredentials } from "./api-credentials.js";

const DRAW_EVERY_MS = 200;
const NO_CALLS =
  "Send, amend or cancel an order: what the page asks of the venue for it is shown here, " +
  "with the same for curl and for Python.";
const COPIED_MS = 1_500;

export function ApiLog() {
  const { log, workspace } = useServices();
  useModelSlowly(DRAW_EVERY_MS, log, "change");
  const [text, setText] = useState("");
  const [chosen, choose] = useState(0);
  const all = workspace.recall("api.all", false);
  const entries = log.calls.matching(all, text);
  const entry = entries.find(({ id }) => id === chosen) ?? entries[0];
  return html`
    <div class="tools api-tools">
      <label class="filter"><span class="visually-hidden">Filter the calls</span>
        <input name="api-filter" type="search" autocomplete="off" placeholder="path, method or status" value=${text}
          onInput=${(event) => setText(event.target.value)} />
      </label>
      <label class="check"><input type="checkbox" checked=${all}
        onInput=${(event) => workspace.remember("api.all", event.target.checked)} />
        <span>What the page asks by itself too</span></label>
      <span class="spacer" />
      <a class="soft" href="/docs" target="_blank" rel="noopener">All routes</a>
      <button type="button" class="plain" disabled=${log.calls.entries.length === 0}
        onClick=${() => log.clear()}>Clear</button>
    </div>
    <${OwnFaults} />
    ${
      entry
        ? html`
        <div class="api-log" id="api-log">
          <ol class="scroller api-calls" tabindex="0" aria-label="Calls, newest first">
            ${entries.map(
              (each) => html`<${Call} key=${each.id} entry=${each} chosen=${each === entry}
              choose=${choose} />`,
            )}
          </ol>
          <${Details} key=${entry.id} entry=${entry} keep=${() => choose(entry.id)} />
        </div>`
        : html`<p class="empty" id="api-log">
          ${log.calls.entries.length && text ? "No such call." : NO_CALLS}</p>`
    }`;
}

const Call = memo(
  ({ entry: { id, method, path, status, tookMs, at }, chosen, choose }) => html`
  <li>
    <button type="button" class="api-call" aria-current=${chosen ? "true" : null} onClick=${() => choose(id)}>
      <span class="time">${useTimes().clock(at / 1_000)}</span><b data-method=${method}>${method}</b>
        <span class="api-path">${path}</span>
      <span class="api-status" data-tone=${toneOf(status)}>${status || "no answer"}</span><span class="soft api-took">
        ${tookMs.toFixed(tookMs < 10 ? 1 : 0)} ms</span>
    </button>
  </li>`,
);

/** @param {number} status */
function toneOf(status) {
  return status >= 200 && status < 300 ? "good" : "bad";
}

/**
 * @param {{entry: import("../../model/shell/api-log.js").Entry, keep: () => void}} props `keep`: stay at this call when
 *   others come
 */
function Details({ entry, keep }) {
  const { credentials, nodes } = useServices();
  useModel(credentials, "change");
  const origin = nodes.base || location.origin;
  const [seen, see] = useState(false);
  const { asker, method, path, body, signed, status, text } = entry;
  const made = signed && asker ? credentials.of(asker.session_id) : null;
  const used = made?.kind === "key" && !takesKey(path, made) ? null : made;
  const shown = used && !seen ? masked(used) : used;
  return html`
    <div class="scroller api-details" tabindex="0" role="region" aria-label=${`${method} ${path}`}>
      <div>
        ${body !== undefined && html`<${Code} title="Request" text=${pretty(JSON.stringify(body))} />`}
        <${Code} title=${status ? `Answer, ${status}` : "No answer"} text=${pretty(text)} />
      </div>
      <div>
        ${signed && asker && html`<${ApiCredentials} asker=${asker} seen=${seen} see=${see} onMake=${keep} />`}
        <${Code} title="curl" text=${curlOf(entry, origin, shown)}
          copied=${curlOf(entry, origin, used)} />
        <${Code} title="Python" text=${pythonOf(entry, origin, shown)}
          copied=${pythonOf(entry, origin, used)} />
      </div>
      <p class="soft api-note">${noteOf(entry, made !== null && used === null)}</p>
    </div>`;
}

/**
 * @param {import("../../model/shell/api-log.js").Entry} entry
 * @param {boolean} keyless whether a key was made that is of no use for it
 */
function noteOf({ asker, signed }, keyless) {
  const words = ["curl for a POSIX shell; Python 3 as it comes."];
  if (keyless) words.push("A key is not good for this call: it reads a token from OPENBELL_TOKEN.");
  else if (signed && !asker) words.push("OPENBELL_TOKEN is the token of a session, by POST /auth/login.");
  return `${words.join(" ")} Copy takes what is covered too; requests and answers never show a secret.`;
}

/** @param {{title: string, text: string, copied?: string}} props `copied`: in place of the text that is shown */
function Code({ title, text, copied: wanted = text }) {
  const [copied, setCopied] = useState("");
  if (text === "") return html`<section class="api-code"><h4>${title}</h4></section>`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(wanted);
      setCopied("Copied");
    } catch {
      setCopied("Not allowed: select and copy it");
    }
    setTimeout(() => setCopied(""), COPIED_MS);
  };
  return html`
    <section class="api-code">
      <h4>${title}</h4>
      <span class="soft" role="status">${copied}</span>
      <button type="button" class="plain" aria-label=${`Copy ${title}`} onClick=${copy}>Copy</button>
      <pre tabindex="0" aria-label=${title}><code>${text}</code></pre>
    </section>`;
}
