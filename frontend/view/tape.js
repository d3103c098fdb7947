/**
 * The tape: trades as they happen, newest on top, coloured by who took.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";
import { html } from "./html.js";
import { memo } from "./memo.js";
import { useServices } from "./services.js";
import { NumberText, Spoken, clockTime } from "./text.js";
import { useModel } from "./use-model.js";

const SIDE_WORDS = Object.freeze({ buy: "buyer took", sell: "seller took" });

export function Tape() {
  const { desk } = useServices();
  useModel(desk, "tape", "symbol");
  const { tape, tapeLoaded, instrument } = desk;
  return html`
    <section class="panel tape-panel" aria-labelledby="tape-title">
      <h2 id="tape-title">Trades</h2>
      <div class="scroller" id="tape" tabindex="0" role="region" aria-labelledby="tape-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Price <span>${instrument?.quote ?? ""}</span></th>
              <th scope="col">Quantity <span>${instrument?.base ?? ""}</span></th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>${tape.trades.map((trade) => html`<${TradeRow} key=${`${trade.symbol} ${trade.trade_id}`} trade=${trade} />`)}</tbody>
        </table>
        ${tape.trades.length === 0 && html`<p class="empty">${tapeLoaded ? "No trades yet." : "Loading…"}</p>`}
      </div>
    </section>`;
}

/** A trade never changes, so neither does its row. @param {{trade: import("../model/types.js").Trade}} props */
const TradeRow = memo(({ trade }) => html`
  <tr data-side=${trade.aggressor_side}>
    <td class="price"><span>${grouped(trade.price)}</span><${Spoken}> ${SIDE_WORDS[trade.aggressor_side]}<//></td>
    <td><${NumberText} value=${trade.quantity} /></td>
    <td class="time">${clockTime(trade.timestamp)}</td>
  </tr>`);
