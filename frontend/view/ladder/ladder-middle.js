/**
 * Between asks and bids: the last trade and where it moved, mid and spread; while orders gather, what the auction would
 * do.
 * Layer: view.
 */

import { midText } from "../../model/market/book.js";
import { compare, grouped, isZero, shortest } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useFeed, useModel } from "../parts/use-model.js";

/** @type {Readonly<Record<string, [arrow: string, word: string]>>} */
const ARROWS = Object.freeze({ "-1": ["▼", "fell to"], 0: ["", "at"], 1: ["▲", "rose to"] });
const GATHERING = Object.freeze(["auction", "pre_open"]);

export function LadderMiddle() {
  const { market } = useServices();
  useFeed(market, "book", "tape", "ticker");
  useModel(market, "symbol", "status");
  return html`
    <tbody role="rowgroup" class="middle">
      ${GATHERING.includes(market.trading.status) ? html`<${Auction} />` : html`<${Trading} />`}
    </tbody>`;
}

function Trading() {
  const { book, tape, ticker } = useServices().market;
  const { figures } = ticker;
  const direction = ticker.direction || tape.direction(compare);
  const [arrow, word] = ARROWS[direction];
  return html`
    <tr role="row">
      <td role="cell" class="last-trade" data-direction=${direction}>
        <${Spoken}>Last trade ${word} <//>
          ${figures.last === null ? "–" : grouped(figures.last)} <span aria-hidden="true">${arrow}</span>
      </td>
      <td role="cell"><span class="label">Mid</span> <span class="mid-price">${midText(book.mid)}</span></td>
      <td role="cell"><span class="label">Spread</span> <span class="spread">
        ${book.spread === null ? "–" : grouped(book.spread)}</span></td>
    </tr>`;
}

function Auction() {
  const { trading, instrument } = useServices().market;
  const { indicative } = trading;
  if (!indicative) {
    return html`<tr role="row" class="auction"><td role="cell">No auction price yet</td><td role="cell"></td>
      <td role="cell">Orders gather</td></tr>`;
  }
  const { price, quantity, imbalance, imbalance_side: side } = indicative;
  const rest = side && !isZero(imbalance) ? `${grouped(shortest(imbalance))} more to ${side}` : "";
  return html`
    <tr role="row" class="auction">
      <td role="cell"><${Spoken}>Indicative auction price <//><span class="indicative">${grouped(price)}</span></td>
      <td role="cell"><span class="label">Would trade</span> ${grouped(shortest(quantity))} ${instrument?.base ?? ""}
      </td>
      <td role="cell">${rest ? html`<span class="label">Imbalance</span> ${rest}` : "In balance"}</td>
    </tr>`;
}
