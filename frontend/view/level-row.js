/**
 * One line of the ladder; drawn again only when its level changed.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";
import { html } from "./html.js";
import { memo } from "./memo.js";
import { NumberText } from "./text.js";

/**
 * @param {object} props
 * @param {string} props.price "" where no level stands
 * @param {string} props.quantity
 * @param {string} props.cumulative
 * @param {number | ""} props.orders
 * @param {number} props.share of the deepest level, 0 to 1
 * @param {boolean} props.own whether an order of ours rests here
 * @param {boolean} props.first whether the tab key stops here
 */
function Line({ price, quantity, cumulative, orders, share, own, first }) {
  return html`
    <tr role="row" class=${`${price ? "" : "vacant"} ${own ? "own" : ""}`} style=${{ "--share": share }}>
      <td role="cell">
        <button type="button" class="level-price" value=${price} disabled=${price === ""} tabindex=${first ? 0 : -1}
          aria-description=${own ? "Your order rests here" : null}><span>${grouped(price)}</span></button>
      </td>
      <td role="cell"><${NumberText} value=${quantity} /></td>
      <td role="cell"><${NumberText} value=${cumulative} /></td>
      <td role="cell" class="orders-column">${orders}</td>
    </tr>`;
}

export const LevelRow = memo(Line);
