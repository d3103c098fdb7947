/**
 * One chapter of an explanation: what one command meant for the order.
 * Layer: view.
 */

import { grouped, shortest } from "../../model/parts/decimal.js";
import { auctionRows, headingOf, sentencesOf, toneOf, walkRows } from "../../model/why/explanation.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useTimes } from "../parts/use-times.js";

/** @param {{chapter: any, instrument: any, open: boolean, alone: boolean}} props */
export const WhyChapter = memo(({ chapter, instrument, open, alone }) => {
  const times = useTimes();
  const listed = chapter.protections.map((/** @type {{sentence: string}} */ { sentence }) => sentence);
  const rows = walkRows(chapter);
  const pictured = rows.length > 0 || chapter.auction.length > 0;
  return html`
    <details class="why-chapter" open=${open} data-tone=${toneOf(chapter)}>
      <summary>
        <span class="why-happened">${headingOf(chapter)}</span>
        <span class="soft" title=${times.whole(chapter.timestamp)}>
          ${times.clock(chapter.timestamp)} · command ${grouped(String(chapter.seq))}
            ${alone || !chapter.order_id ? "" : ` · order ${chapter.order_id}`}</span>
      </summary>
      <div class=${pictured ? "why-columns" : ""}>
        ${
          pictured &&
          html`
          <div class="why-pictures">
            ${rows.length > 0 && html`<${Walk} chapter=${chapter} rows=${rows} base=${instrument?.base ?? ""} />`}
            ${chapter.auction.length > 0 && html`<${Auction} chapter=${chapter} />`}
          </div>`
        }
        <div class="why-words">
          <ul class="why-sentences">${sentencesOf(chapter).map(
            (sentence, index) => html`<li key=${index}>${times.inSentence(sentence)}</li>`,
          )}</ul>
          <${Protections} list=${chapter.protections} />
          <${Fees} fills=${chapter.fills} quote=${instrument?.quote ?? ""} />
          <${Checks} checks=${chapter.checks} listed=${listed} />
        </div>
      </div>
    </details>`;
});

/**
 * The levels that it met, best first, each with its queue.
 * @param {{chapter: import("../../model/why/explanation.js").Chapter & Record<string, any>, rows: any[], base: string}}
 *   props
 */
function Walk({ chapter, rows, base }) {
  const taker = chapter.side === "buy" ? "asks" : "bids";
  return html`
    <table class="why-table why-walk" data-side=${chapter.side} aria-label=${`The ${taker} it met, best first`}>
      <thead>
        <tr>
          <th scope="col" class="number">Price</th><th scope="col" class="why-bar-head">Queue, first to the left</th>
          <th scope="col" class="number">Shown</th><th scope="col" class="number">Taken</th>
          <th scope="col" class="number in-all">In all</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) =>
          row.kind === "level"
            ? html`<${Level} key=${row.price} row=${row} base=${base} />`
            : html`
            <tr key=${`${row.kind} ${row.what ?? ""}`} class=${`why-line ${row.kind}`} data-what=${row.what ?? "rest"}>
              <th scope="row" class="number">${grouped(row.price)}</th><td colspan="4"><span>${row.text}</span></td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

/** @type {Readonly<Record<string, string>>} */
const STATE_WORDS = Object.freeze({
  emptied: "emptied",
  taken: "part taken",
  met: "met, not taken",
  left: "not reached",
});

/** @param {{row: import("../../model/why/explanation.js").LevelRow, base: string}} props */
function Level({ row, base }) {
  const { price, shown, orders, taken, cumulative, segments, state } = row;
  const nothing = state === "left" || state === "met";
  const count = orders === 1 ? "1 order" : `${orders} orders`;
  return html`
    <tr class="why-level" data-state=${state}
      title=${`${count} showed ${shortest(shown)} ${base}: ${STATE_WORDS[state]}`}>
      <th scope="row" class="number price">${grouped(price)}</th>
      <td class="why-bar-cell">
        <span class="why-bar" aria-hidden="true">
          ${segments.map(
            ({ share, taken: part, own, text }, index) => html`
            <i key=${index} class=${own ? "own" : ""} title=${text} style=${{ "--share": share, "--taken": part }} />`,
          )}
        </span>
        <span class="visually-hidden">${count}, ${STATE_WORDS[state]}: ${segments.map(({ text }) => text).join("; ")}
        </span>
      </td>
      <td class="number soft">${grouped(shortest(shown))}</td>
      <td class="number">${nothing ? html`<span class="soft">–</span>` : grouped(shortest(taken))}</td>
      <td class="number soft in-all">${cumulative ? grouped(shortest(cumulative)) : ""}</td>
    </tr>`;
}

/**
 * Demand to the left, supply to the right, of each price.
 * @param {{chapter: import("../../model/why/explanation.js").Chapter & Record<string, any>}} props
 */
function Auction({ chapter }) {
  return html`
    <table class="why-table why-auction" aria-label="Demand and supply at each price of the auction">
      <thead><tr><th scope="col" class="number">Demand</th><th scope="col" class="middle">Price</th>
        <th scope="col">Supply</th><th scope="col" class="number">Would trade</th></tr></thead>
      <tbody>
        ${auctionRows(chapter).map(
          ({ price, demand, supply, volume, chosen, demandShare, supplyShare }) => html`
          <tr key=${price} class=${chosen ? "chosen" : ""}>
            <td class="number demand"><i style=${{ "--share": demandShare }} aria-hidden="true" /><span>
              ${grouped(shortest(demand))}</span></td>
            <th scope="row" class="middle">${grouped(price)}
              ${chosen ? html`<span class="visually-hidden"> the price of the auction</span>` : ""}</th>
            <td class="supply"><i style=${{ "--share": supplyShare }} aria-hidden="true" /><span>
              ${grouped(shortest(supply))}</span></td>
            <td class="number">${grouped(shortest(volume))}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
}

/** The name that a sentence begins with; the list has it already. */
const NAMED = /^[A-Z][\w -]{2,30}: /;

/** @param {{list: {protection: string, decision: string, sentence: string}[]}} props */
function Protections({ list }) {
  const times = useTimes();
  if (list.length === 0) return null;
  return html`
    <h4>Protections</h4>
    <ul class="why-list">
      ${list.map(
        ({ protection, decision, sentence }) => html`
        <li key=${protection}><b>${protection.replaceAll("_", " ")}</b> <span class="soft">
          ${decision.replaceAll("_", " ")}:</span> ${times.inSentence(sentence.replace(NAMED, ""))}</li>`,
      )}
    </ul>`;
}

/** @param {{fills: any[], quote: string}} props */
function Fees({ fills, quote }) {
  if (fills.length === 0) return null;
  return html`
    <h4>Fills and fees</h4>
    <table class="why-table" aria-label="Fills and fees">
      <thead><tr><th scope="col" class="number">Price</th><th scope="col" class="number">Quantity</th>
        <th scope="col">As</th><th scope="col" class="number">Rate</th><th scope="col" class="number">Fee</th></tr>
        </thead>
      <tbody>
        ${fills.map(
          ({ trade_id: trade, price, quantity, role, fee_percent: rate, fee }) => html`
          <tr key=${`${trade} ${role}`} title=${`Trade ${trade}`}>
            <td class="number">${grouped(price)}</td><td class="number">${grouped(shortest(quantity))}</td><td>${role}
            </td>
            <td class="number soft">${rate} %</td><td class="number">${grouped(shortest(fee))} ${quote}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
}

/** @typedef {{rule: string, passed: boolean, sentence: string | null}} Rule */

/** The rule that refused it; those that passed are folded. @param {{checks: Rule[], listed: string[]}} props */
function Checks({ checks, listed }) {
  if (checks.length === 0) return null;
  const failed = checks.filter(({ passed }) => !passed);
  const passed = checks.filter((check) => check.passed);
  return html`
    ${
      failed.length > 0 &&
      html`<h4>The rule that refused it</h4>
      <${Rules} checks=${failed.map((check) =>
        check.sentence !== null && listed.includes(check.sentence) ? { ...check, sentence: null } : check,
      )} />`
    }
    ${
      passed.length > 0 &&
      html`
      <details class="why-checks">
        <summary>${passed.length} ${passed.length === 1 ? "rule" : "rules"} ${
          failed.length ? "before it passed" : "checked, all passed"
        }</summary>
        <${Rules} checks=${passed} />
      </details>`
    }`;
}

/** @param {{checks: Rule[]}} props */
function Rules({ checks }) {
  const times = useTimes();
  return html`
    <ol class="why-rules">
      ${checks.map(
        ({ rule, passed, sentence }) => html`
        <li key=${rule} data-passed=${String(passed)}>
          <span aria-hidden="true">${passed ? "✓" : "✕"}</span> <b>${rule.replaceAll("_", " ")}</b>
            <span class="visually-hidden">${passed ? ": passed" : ": refused"}</span>
              ${sentence ? ` – ${times.inSentence(sentence)}` : ""}
        </li>`,
      )}
    </ol>`;
}
