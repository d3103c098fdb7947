/**
 * The tape: trades as they happen, newest on top, coloured by who took.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";
import { KeyedRows, NumberText, clockTime, element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

const SIDE_WORDS = Object.freeze({ buy: "buyer took", sell: "seller took" });

export class TapeView {
  #desk;
  #rows;
  #empty;

  /** @param {HTMLElement} root @param {import("../desk.js").Desk} desk */
  constructor(root, desk) {
    this.#desk = desk;
    this.#empty = root.querySelector(".empty");
    this.#rows = new KeyedRows(root.querySelector("tbody"), (trade) => `${trade.symbol} ${trade.trade_id}`, makeRow);
    const draw = oncePerFrame(() => this.#draw());
    for (const part of ["tape", "symbol"]) desk.addEventListener(part, draw);
  }

  #draw() {
    const { tape, tapeLoaded } = this.#desk;
    this.#rows.show(tape.trades);
    this.#empty.hidden = tape.trades.length > 0;
    setText(this.#empty, tapeLoaded ? "No trades yet." : "Loading…");
  }
}

/** A trade never changes, so neither does its row. @param {import("../model/types.js").Trade} trade */
function makeRow(trade) {
  const row = element("tr");
  row.dataset.side = trade.aggressor_side;
  const price = element("td", "price");
  price.append(element("span", "", grouped(trade.price)), element("span", "visually-hidden", ` ${SIDE_WORDS[trade.aggressor_side]}`));
  const quantity = element("td");
  new NumberText(quantity).show(trade.quantity);
  row.append(price, quantity, element("td", "time", clockTime(trade.timestamp)));
  return { row, update: () => {} };
}
