/**
 * The account's fills with their fees, newest on top.
 * Layer: view.
 */

import { grouped, shortest } from "../model/decimal.js";
import { fillKey } from "../model/fills.js";
import { html } from "./html.js";
import { memo } from "./memo.js";
import { useServices } from "./services.js";
import { NumberText, clockTime } from "./text.js";
import { useModelSlowly } from "./use-model.js";

const DRAW_EVERY_MS = 200;

export function Fills() {
  const { portfolio } = useServices();
  useModelSlowly(DRAW_EVERY_MS, portfolio, "fills");
  const { fills } = portfolio.fills;
  return html`
    <div class="scroller" id="fills" tabindex="0" role="region" aria-label="Fills">
      <table>
        <thead>
          <tr>
            <th scope="col" class="text">Symbol</th>
            <th scope="col" class="text">Side</th>
            <th scope="col">Price</th>
            <th scope="col">Quantity</th>
            <th scope="col" class="wide">Fee</th>
            <th scope="col" class="text wide">Role</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>${fills.map((fill) => html`<${FillRow} key=${fillKey(fill)} fill=${fill} />`)}</tbody>
      </table>
      ${fills.length === 0 && html`<p class="empty">${emptyText(portfolio)}</p>`}
    </div>`;
}

/** @param {{fill: import("../model/fills.js").Fill}} props */
const FillRow = memo(({ fill }) => html`
  <tr data-side=${fill.side}>
    <td class="text">${fill.symbol}</td>
    <td class="text side">${fill.side === "buy" ? "Bought" : "Sold"}</td>
    <td>${grouped(fill.price)}</td>
    <td><${NumberText} value=${fill.quantity} /></td>
    <td class="wide">${grouped(shortest(fill.fee))}</td>
    <td class="text wide">${fill.liquidity === "maker" ? "Maker" : "Taker"}</td>
    <td class="time">${clockTime(fill.timestamp)}</td>
  </tr>`);

/** @param {import("../portfolio.js").Portfolio} portfolio */
function emptyText({ access, fillsLoaded }) {
  if (!access.session) return "No account.";
  return fillsLoaded ? "No fills yet." : "Loading…";
}
