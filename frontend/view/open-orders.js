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

export class OpenOrders {
  #portfolio;
  #rows;
  #empty;
  #count;
  #cancelAll;
  #result;
  /** Ids whose cancel is under way. @type {Set<string>} */ #cancelling = new Set();
  #cancellingAll = false;
  #requestDraw = atMostEvery(DRAW_EVERY_MS, () => this.#draw());

  /** @param {HTMLElement} root the panel @param {import("../portfolio.js").Portfolio} portfolio @param {import("../desk.js").Desk} desk */
  constructor(root, portfolio, desk) {
    this.#portfolio = portfolio;
    this.#empty = root.querySelector(".empty");
    this.#count = root.querySelector("#orders-count");
    this.#cancelAll = root.querySelector("#cancel-all");
    this.#result = root.querySelector("#cancel-result");
    this.#rows = new KeyedRows(root.querySelector("tbody"), (order) => order.order_id, (order) => this.#makeRow(order));
    portfolio.addEventListener("orders", this.#requestDraw);
    portfolio.addEventListener("switch", () => setText(this.#result, ""));
    desk.addEventListener("link", this.#requestDraw);
    this.#cancelAll.addEventListener("click", () => this.#cancelEvery());
  }

  #draw() {
    const { access, ordersLoaded } = this.#portfolio;
    const orders = this.#portfolio.orders.open();
    this.#rows.show(orders.slice(0, ROWS_MAX));
    setText(this.#count, orders.length > ROWS_MAX ? `${grouped(String(orders.length))}, newest ${ROWS_MAX} shown` : String(orders.length || ""));
    this.#empty.hidden = orders.length > 0;
    setText(this.#empty, !access.session ? "No account." : ordersLoaded ? "No open orders." : "Loading…");
    this.#cancelAll.disabled = orders.length === 0 || this.#cancellingAll;
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
    cancel.addEventListener("click", () => this.#cancel(order));
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

  /** @param {import("../model/types.js").Order} order */
  async #cancel({ order_id }) {
    this.#cancelling.add(order_id);
    this.#requestDraw();
    try {
      await this.#portfolio.cancelOrder(order_id);
      this.#say("plain", "Order cancelled.");
    } catch (failure) {
      this.#say("bad", describeFailure(failure, "cancel"));
    } finally {
      this.#cancelling.delete(order_id);
      this.#requestDraw();
    }
  }

  async #cancelEvery() {
    this.#cancellingAll = true;
    this.#requestDraw();
    try {
      const { count } = await this.#portfolio.cancelAll();
      this.#say("plain", count === 1 ? "Order cancelled." : `${count} orders cancelled.`);
    } catch (failure) {
      this.#say("bad", describeFailure(failure, "cancel"));
    } finally {
      this.#cancellingAll = false;
      this.#requestDraw();
    }
  }

  /** @param {"plain" | "bad"} tone @param {string} text */
  #say(tone, text) {
    this.#result.dataset.tone = tone;
    setText(this.#result, text);
  }
}
