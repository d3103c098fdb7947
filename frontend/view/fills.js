/**
 * Fills of this browser's orders, newest on top.
 * Layer: view.
 */

import { grouped, shortest } from "../model/decimal.js";
import { KeyedRows, NumberText, clockTime, element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

export class FillsView {
  #desk;
  #rows;
  #empty;

  /** @param {HTMLElement} root @param {import("../desk.js").Desk} desk */
  constructor(root, desk) {
    this.#desk = desk;
    this.#empty = root.querySelector(".empty");
    this.#rows = new KeyedRows(root.querySelector("tbody"), (fill) => `${fill.trade_id} ${fill.order_id}`, makeRow);
    desk.addEventListener("orders", oncePerFrame(() => this.#draw()));
  }

  #draw() {
    const { orders, ordersLoaded } = this.#desk;
    this.#rows.show(orders.fills);
    this.#empty.hidden = orders.fills.length > 0;
    setText(this.#empty, ordersLoaded ? "No fills since this page was opened." : "Loading…");
  }
}

/** @param {import("../model/orders.js").Fill} fill */
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
