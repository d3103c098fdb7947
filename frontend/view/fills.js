/**
 * The account's fills with their fees, newest on top.
 * Layer: view.
 */

import { grouped, shortest } from "../model/decimal.js";
import { fillKey } from "../model/fills.js";
import { KeyedRows, NumberText, clockTime, element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

export class FillsView {
  #portfolio;
  #rows;
  #empty;

  /** @param {HTMLElement} root @param {import("../portfolio.js").Portfolio} portfolio */
  constructor(root, portfolio) {
    this.#portfolio = portfolio;
    this.#empty = root.querySelector(".empty");
    this.#rows = new KeyedRows(root.querySelector("tbody"), fillKey, makeRow);
    portfolio.addEventListener("fills", oncePerFrame(() => this.#draw()));
  }

  #draw() {
    const { fills, fillsLoaded, access } = this.#portfolio;
    this.#rows.show(fills.fills);
    this.#empty.hidden = fills.fills.length > 0;
    setText(this.#empty, !access.session ? "No account." : fillsLoaded ? "No fills yet." : "Loading…");
  }
}

/** @param {import("../model/fills.js").Fill} fill */
function makeRow(fill) {
  const row = element("tr");
  row.dataset.side = fill.side;
  const quantity = element("td");
  new NumberText(quantity).show(fill.quantity);
  row.append(
    element("td", "text", fill.symbol),
    element("td", "text side", fill.side === "buy" ? "Bought" : "Sold"),
    element("td", "", grouped(fill.price)),
    quantity,
    element("td", "wide", grouped(shortest(fill.fee))),
    element("td", "text wide", fill.liquidity === "maker" ? "Maker" : "Taker"),
    element("td", "time", clockTime(fill.timestamp)),
  );
  return { row, update: () => {} };
}
