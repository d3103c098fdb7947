/**
 * API: what each click of this page asked, and what the venue answered; and how to do the same by curl and by Python.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { curlOf, pretty, pythonOf } from "../model/snippets.js";
import { html } from "./html.js";
import { memo } from "./memo.js";
import { useServices } from "./services.js";
import { useModelSlowly } from "./use-model.js";
import { useTimes } from "./use-times.js";

const DRAW_EVERY_MS = 200;
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
        <input name="api-filter" type="search" autocomplete="off" placeholder="path, method or status" value=${text} onInput=${(event) => setText(event.target.value)} />
      </label>
      <label class="check"><input type="checkbox" checked=${all} onInput=${(event) => workspace.remember("api.all", event.target.checked)} /><span>What the page asks by itself too</span></label>
      <span class="spacer" />
      <a class="soft" href="/docs" target="_blank" rel="noopener">All routes</a>
      <button type="button" class="plain" disabled=${log.calls.entries.length === 0} onClick=${() => log.clear()}>Clear</button>
    </div>
    ${entry
      ? html`
        <div class="api-log" id="api-log">
          <ol class="scroller api-calls" tabindex="0" aria-label="Calls, newest first">
            ${entries.map((each) => html`<${Call} key=${each.id} entry=${each} chosen=${each === entry} choose=${choose} />`)}
          </ol>
          <${Details} key=${entry.id} entry=${entry} />
        </div>`
      : html`<p class="empty" id="api-log">${log.calls.entries.length && text ? "No such call." : "Send, amend or cancel an order: what the page asks of the venue for it is shown here, with the same for curl and for Python."}</p>`}`;
}

const Call = memo(({ entry: { id, method, path, status, tookMs, at }, chosen, choose }) => html`
  <li>
    <button type="button" class="api-call" aria-current=${chosen ? "true" : null} onClick=${() => choose(id)}>
      <span class="time">${useTimes().clock(at / 1_000)}</span><b data-method=${method}>${method}</b><span class="api-path">${path}</span>
      <span class="api-status" data-tone=${toneOf(status)}>${status || "no answer"}</span><span class="soft api-took">${tookMs.toFixed(tookMs < 10 ? 1 : 0)} ms</span>
    </button>
  </li>`);

/** @param {number} status */
function toneOf(status) {
  return status >= 200 && status < 300 ? "good" : "bad";
}

function Details({ entry }) {
  const { method, path, body, status, text } = entry;
  return html`
    <div class="scroller api-details" tabindex="0" role="region" aria-label=${`${method} ${path}`}>
      <div>
        ${body !== undefined && html`<${Code} title="Request" text=${pretty(JSON.stringify(body))} />`}
        <${Code} title=${status ? `Answer, ${status}` : "No answer"} text=${pretty(text)} />
      </div>
      <div>
        <${Code} title="curl" text=${curlOf(entry, location.origin)} />
        <${Code} title="Python" text=${pythonOf(entry, location.origin)} />
      </div>
      <p class="soft api-note">${entry.signed ? "OPENBELL_TOKEN is the token of a session, by POST /auth/login. " : ""}Secrets are never shown here.</p>
    </div>`;
}

/** @param {{title: string, text: string}} props */
function Code({ title, text }) {
  const [copied, setCopied] = useState("");
  if (text === "") return html`<section class="api-code"><h4>${title}</h4></section>`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
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
