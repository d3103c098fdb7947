/**
 * One line of the ladder; drawn again only when its level changed. A size that changed flashes once.
 * Layer: view.
 */

import { useRef } from "preact/hooks";

import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { NumberText, Spoken } from "../parts/text.js";

/** A size flashes when it had not changed for so long. */
const QUIET_MS = 1_000;

/**
 * @param {object} props
 * @param {string} props.price "" where no level stands
 * @param {string} props.shown
 * @param {string} props.quantity
 * @param {string} props.total
 * @param {string} props.exact size and total where they are shown short; else ""
 * @param {number | ""} props.orders
 * @param {number} props.share of the longest bar, in per cent
 * @param {boolean} props.meets whether it would trade in the auction that is gathering
 * @param {string} props.own what of it is the account's; "" of none
 * @param {string} props.place of the first of that in the queue
 * @param {string} props.ownWords
 * @param {boolean} props.first whether the tab key stops here
 * @param {boolean} props.opened whether its queue is shown
 */
function Line({ price, shown, quantity, total, exact, orders, share, meets, own, place, ownWords, first, opened }) {
  const flash = useFlash(price, quantity);
  const classes = `${price ? "" : "vacant"} ${own ? "own" : ""} ${meets ? "meets" : ""} ${opened ? "opened" : ""}`;
  return html`
    <tr role="row" class=${classes}
      style=${{ backgroundSize: `${share}% 100%` }} title=${[exact, ownWords].filter(Boolean).join(". ") || null}
      aria-hidden=${price ? null : "true"}>
      <td role="cell">
        <button type="button" class="level-price" value=${price} disabled=${price === ""} tabindex=${first ? 0 : -1}
          aria-description=${ownWords || null}><span>${shown}</span></button>
      </td>
      <td role="cell">
        <button type="button" class="level-size" value=${price} disabled=${price === ""} tabindex="-1"
          aria-expanded=${String(opened)}
          data-flash=${flash}><${NumberText} value=${quantity} /><${Spoken}>, show the queue<//></button>
      </td>
      <td role="cell"><${NumberText} value=${total} /></td>
      <td role="cell" class="orders-column">${orders}</td>
      <td role="cell" class="own-column">
        ${own && html`<span class="own-size">${own}</span> <span class="own-place">${place}</span>`}</td>
    </tr>`;
}

/**
 * Another word each time the quantity at the same price changed after a quiet while, which starts the animation anew.
 * In a fast market every line would flash without end, which shows nothing and costs frames.
 * @returns {string | null}
 * @param {string} price
 * @param {string} quantity
 */
function useFlash(price, quantity) {
  const before = useRef({ price, quantity, changedMs: -Infinity, flash: /** @type {string | null} */ (null) });
  const { current } = before;
  if (current.price === price && current.quantity === quantity) return current.flash;
  const nowMs = performance.now();
  if (current.price !== price) current.flash = null;
  else if (nowMs - current.changedMs > QUIET_MS) current.flash = current.flash === "a" ? "b" : "a";
  before.current = { price, quantity, changedMs: nowMs, flash: current.flash };
  return current.flash;
}

export const LevelRow = memo(Line);
