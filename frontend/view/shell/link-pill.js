/**
 * How well we hear the venue, in one word and the round trip; pressed, all that there is to say of it.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { grouped } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useClock, useFeed, useModel } from "../parts/use-model.js";
import { ageText, linkFigures, nodeSentence, roundTripText, STATE_SENTENCES, STATE_WORDS } from "./link-words.js";

const REDRAW_EVERY_MS = 250;

export function LinkPill() {
  const { market, nodes } = useServices();
  const [open, setOpen] = useState(false);
  useModel(market, "link", "symbol");
  useFeed(market, "book");
  useClock(REDRAW_EVERY_MS);
  const { linkState, connection } = market;
  const beside =
    linkState === "live"
      ? roundTripText(connection)
      : linkState === "stale" && !nodes.stale
        ? ageText(connection.ageMs(performance.now()))
        : "";
  return html`
    <button type="button" class="pill" id="pill" data-state=${linkState} popovertarget="link-details"
      aria-haspopup="dialog" aria-expanded=${String(open)}>
      <${Spoken}>Connection: <//><span class="pill-state">${STATE_WORDS[linkState]}</span>
      <span class="pill-rtt" title=${linkState === "stale" ? "Since anything came" : "Round trip to the server"}>
        ${beside}</span>
    </button>
    <div class="menu link-details" id="link-details" popover="auto" role="dialog" aria-label="Connection"
      onToggle=${({ newState }) => setOpen(newState === "open")}>
      ${open && html`<${Details} />`}
    </div>`;
}

function Details() {
  const { market, nodes } = useServices();
  useClock(REDRAW_EVERY_MS);
  const { book, connection, linkState } = market;
  return html`
    <p class="menu-title" data-state=${linkState}>${STATE_WORDS[linkState]}</p>
    <p class="soft">${nodes.stale ? nodeSentence(nodes) : STATE_SENTENCES[linkState]}</p>
    <dl class="menu-figures">
      ${linkFigures(connection, book, performance.now(), nodes).map(
        ([name, title, text]) => html`
        <div key=${name}><dt>${title}</dt><dd data-link=${name}>${text}</dd></div>`,
      )}
    </dl>
    <p class="soft">${
      connection.gaps === 0
        ? "No message was missed."
        : `Missed messages ${grouped(String(connection.gaps))} times; the book was fetched anew each time.`
    }</p>
    ${nodes.left !== "" && !nodes.stale && html`<p class="soft" data-link="moved">${nodeSentence(nodes)}</p>`}`;
}
