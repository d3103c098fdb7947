/**
 * Open orders with their cancel buttons.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";
import { STATUS_WORDS, describeFailure } from "../model/words.js";
import { KeyedRows, NumberText, clockTime, element, setText } from "./cells.js";
import { atMostEvery } from "./frame.js";

/** More rows than a person can act on; the count tells how many there are. */
const ROWS_MAX = 100;
const DRAW_EVERY_MS = 200;
const CANCELS_AT_ONCE = 8;

export class OpenOrders {
  #desk;
  #rows;
  #empty;
  #count;
  #scope;
  #cancelAll;
  #result;
  /** Ids whose cancel is under way. @type {Set<string>} */ #cancelling = new Set();
  #requestDraw = atMostEvery(DRAW_EVERY_MS, () => this.#draw());

  /** @param {HTMLElement} root the panel @param {import("../desk.js").Desk} desk */
  constructor(root, desk) {
    this.#desk = desk;
    this.#empty = root.querySelector(".empty");
    this.#count = root.querySelector("#orders-count");
    this.#scope = root.querySelector("#orders-scope");
    this.#cancelAll = root.querySelector("#cancel-all");
    this.#result = root.querySelector("#cancel-result");
    this.#rows = new KeyedRows(root.querySelector("tbody"), (order) => order.order_id, (order) => this.#makeRow(order));
    for (const part of ["orders", "link"]) desk.addEventListener(part, this.#requestDraw);
    this.#scope.addEventListener("change", this.#requestDraw);
    this.#cancelAll.addEventListener("click", () => this.#cancelMine());
  }

  #draw() {
    const mine = this.#scope.value === "mine";
    const orders = this.#desk.orders.open({ mine });
    this.#rows.show(orders.slice(0, ROWS_MAX));
    setText(this.#count, orders.length > ROWS_MAX ? `${grouped(String(orders.length))}, newest ${ROWS_MAX} shown` : String(orders.length || ""));
    this.#empty.hidden = orders.length > 0;
    setText(this.#empty, this.#desk.ordersLoaded ? "No open orders." : "Loading…");
    // In the sandbox the account is everybody's: only what this browser entered can be cancelled at a stroke.
    this.#cancelAll.disabled = !mine || orders.length === 0;
    this.#cancelAll.title = mine ? "" : "Cancels only the orders of this browser";
  }

  /** @param {import("../model/types.js").Order} order */
  #makeRow(order) {
    const row = element("tr");
    row.dataset.side = order.side;
    const price = element("td");
    const quantity = element("td");
    const filled = element("td");
    const status = element("td", "text wide");
    const cancel = element("button", "quiet", "Cancel");
    cancel.type = "button";
    const what = `${order.side} ${grouped(order.quantity)} ${order.symbol} at ${grouped(order.price ?? "market")}`;
    cancel.setAttribute("aria-label", `Cancel ${what}`);
    cancel.addEventListener("click", () => this.#cancel([order]));
    const action = element("td", "action");
    action.append(cancel);
    row.append(
      element("td", "text", order.symbol),
      element("td", "text side", order.side === "buy" ? "Buy" : "Sell"),
      price,
      quantity,
      filled,
      status,
      element("td", "time wide", clockTime(order.timestamp)),
      action,
    );
    const [quantityText, filledText] = [new NumberText(quantity), new NumberText(filled)];
    const update = (/** @type {import("../model/types.js").Order} */ latest) => {
      setText(price, latest.price === null ? "–" : grouped(latest.price));
      quantityText.show(latest.quantity);
      filledText.show(latest.filled);
      setText(status, STATUS_WORDS[latest.status] ?? latest.status);
      cancel.disabled = this.#cancelling.has(latest.order_id);
    };
    return { row, update };
  }

  #cancelMine() {
    return this.#cancel(this.#desk.orders.open({ mine: true }));
  }

  /** Cancel some orders, a few at a time, and say how it went. @param {import("../model/types.js").Order[]} orders */
  async #cancel(orders) {
    for (const { order_id } of orders) this.#cancelling.add(order_id);
    this.#requestDraw();
    const waiting = [...orders];
    const failures = [];
    const work = async () => {
      for (let order = waiting.shift(); order; order = waiting.shift()) {
        try {
          await this.#desk.cancelOrder(order.order_id);
        } catch (failure) {
          failures.push(failure);
        } finally {
          this.#cancelling.delete(order.order_id);
        }
      }
    };
    await Promise.all(Array.from({ length: CANCELS_AT_ONCE }, work));
    this.#say(orders, failures);
    this.#requestDraw();
  }

  /** @param {import("../model/types.js").Order[]} orders @param {import("../net/api.js").ApiFailure[]} failures */
  #say(orders, failures) {
    const done = orders.length - failures.length;
    const parts = [];
    if (done > 0) parts.push(done === 1 ? "Order cancelled." : `${done} orders cancelled.`);
    if (failures.length > 0) parts.push(`${failures.length > 1 ? `${failures.length} not cancelled. ` : ""}${describeCancelFailure(failures[0])}`);
    this.#result.dataset.tone = failures.length > 0 ? "bad" : "plain";
    setText(this.#result, parts.join(" "));
  }
}

/** @param {import("../net/api.js").ApiFailure} failure */
function describeCancelFailure(failure) {
  if (failure.kind === "no_answer") return "No answer came, so the order may or may not be cancelled.";
  return describeFailure(failure).replace(/^Rejected: /, "Not cancelled: ");
}
