/**
 * Why: the explanation of a trade, an order or a command: the levels walked as a picture, the sentences beneath.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";
import { describeFailure } from "../../model/parts/failures.js";
import { readWhole } from "../../model/parts/number-text.js";
import { figuresOf, queueMoves, titleOf } from "../../model/why/explanation.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";
import { WhyChapter } from "./why-chapter.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

/** Chapters that are open at first; of a longer story the rest is folded. */
const OPEN_CHAPTERS = 3;
const KINDS = Object.freeze([
  ["order_id", "Order"],
  ["trade_id", "Trade"],
  ["seq", "Command"],
]);

export function Why() {
  const { market, explanations, workspace } = useServices();
  const times = useTimes();
  useModel(explanations, "change");
  useModel(market, "instruments");
  useEffect(() => {
    // The tab is shown at the next frame; then whoever asked reads on there.
    const read = () =>
      requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("why")?.focus()));
    const ask = (/** @type {any} */ event) => {
      explanations.ask(event.detail);
      read();
    };
    workspace.addEventListener("why", ask);
    return () => workspace.removeEventListener("why", ask);
  }, [workspace, explanations]);
  return html`
    <${Question} />
    <div class="scroller why" id="why" tabindex="0" role="region" aria-label="Explanation"
      aria-busy=${String(explanations.state === "asking")}>
      <p class="visually-hidden" role="status">${announcement(explanations, times)}</p>
      <${Story} />
    </div>`;
}

/** By its number, of an order, a trade or a command. */
function Question() {
  const { explanations, portfolio } = useServices();
  useModel(portfolio, "switch");
  const [kind, setKind] = useState("order_id");
  const [number, setNumber] = useState("");
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (number.trim()) explanations.ask({ [kind]: readWhole(number) ?? number.trim() });
  };
  const none = !portfolio.access.session;
  return html`
    <form class="tools why-question" onSubmit=${onSubmit}>
      <label class="filter"><span class="visually-hidden">What to explain</span>
        <select name="why-kind" value=${kind} onInput=${(event) => setKind(event.target.value)}>
          ${KINDS.map(([value, title]) => html`<option key=${value} value=${value}>${title}</option>`)}
        </select>
      </label>
      <label><span class="visually-hidden">Its number</span>
        <input name="why-number" inputmode="numeric" autocomplete="off" placeholder="number" value=${number}
          onInput=${(event) => setNumber(event.target.value)} />
      </label>
      <button type="submit" class="plain" disabled=${none}>Explain</button>
      <span class="spacer" />
      <button type="button" class="plain" disabled=${none || explanations.state !== "answered"}
        onClick=${() => explanations.again()}>Refresh</button>
    </form>`;
}

function Story() {
  const { market, explanations, portfolio } = useServices();
  const { state, explanation, failure } = explanations;
  if (!portfolio.access.session)
    return html`<p class="empty">Sign in, and every fill, order and refusal of yours is explained here.</p>`;
  if (state === "idle") {
    return html`<p class="empty">Every fill has its reasons: which levels your order walked, who stood before it, what
      stopped it. Press “Why” beside a fill or an order, or “Why?” below the ticket after one was sent or
      refused.</p>`;
  }
  if (state === "failed" && failure) {
    return html`<p class="empty" data-tone="bad">
      ${describeFailure(failure, "ask")} <button type="button" class="plain" onClick=${() => explanations.again()}>Try
      again</button></p>`;
  }
  if (state === "waiting" && failure) return html`<p class="empty">${failure.message} It is asked again by itself.</p>`;
  if (state === "asking" && !explanation) return html`<p class="empty">Replaying the journal…</p>`;
  const { chapters, chapters_left_out: leftOut } = explanation;
  const instrument = market.instruments.get(explanation.symbol ?? "");
  return html`
    <article class="why-story" data-asking=${state === "asking"}>
      <header class="why-head">
        <h3>${titleOf(explanation)}</h3>
        <dl class="why-figures">
          ${figuresOf(explanation, instrument).map(
            ([name, text]) => html`<div key=${name}><dt>${name}</dt><dd>${text}
          </dd></div>`,
          )}
        </dl>
      </header>
      ${chapters.map(
        (/** @type {any} */ chapter, /** @type {number} */ index) => html`
        <${WhyChapter} key=${`${chapter.seq} ${chapter.order_id}`} chapter=${chapter} instrument=${instrument}
          open=${index < OPEN_CHAPTERS || index === chapters.length - 1} alone=${chapters.length === 1} />`,
      )}
      ${leftOut > 0 && html`<p class="soft why-note">${leftOut} chapters in the middle are left out.</p>`}
      <${Queue} chapters=${chapters} />
    </article>`;
}

/** How a resting order came forward. @param {{chapters: any[]}} props */
function Queue({ chapters }) {
  const times = useTimes();
  const moves = queueMoves(chapters);
  if (moves.length < 2) return null;
  return html`
    <section class="why-queue">
      <h4 id="why-queue-title">Its place in the queue</h4>
      <table class="why-table" aria-labelledby="why-queue-title">
        <thead><tr><th scope="col">Time</th><th scope="col" class="number">Price</th><th scope="col">Ahead of it</th>
          <th scope="col">What happened</th></tr></thead>
        <tbody>
          ${moves.map(
            ({ timestamp, price, text, share, moved }, index) => html`
            <tr key=${index}>
              <td class="time">${times.clock(timestamp)}</td><td class="number">${price}</td>
              <td><span class="why-ahead" style=${{ "--share": share }} aria-hidden="true" />${text}</td>
              <td class="soft">${moved}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
}

/**
 * @param {import("../../stores/explanations.js").ExplanationStore} explanations
 * @param {import("../../model/parts/times.js").Times} times
 */
function announcement({ state, explanation, failure }, times) {
  if (state === "asking") return "Asking why.";
  if (state === "answered") return `${titleOf(explanation)}. ${times.inSentence(explanation.words.join(" "))}`;
  return failure ? describeFailure(failure, "ask") : "";
}
