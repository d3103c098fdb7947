/**
 * The top of the page: symbol switcher, last price, 24 hour figures, and where the flow comes from.
 * Layer: view.
 */

import { compare, grouped, rounded, shortest } from "../model/decimal.js";
import { element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

const FLOW_LABELS = Object.freeze({ simulated: "Simulated flow", replay: "Replay" });

export class InstrumentBar {
  #desk;
  #select;
  #last;
  #figures;
  #flow;

  /** @param {HTMLElement} root @param {import("../desk.js").Desk} desk */
  constructor(root, desk) {
    this.#desk = desk;
    this.#select = root.querySelector("#symbol");
    this.#last = root.querySelector("#last");
    this.#flow = root.querySelector("#flow");
    this.#figures = new Map([...root.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell]));
    this.#select.addEventListener("change", () => desk.select(this.#select.value));
    const draw = oncePerFrame(() => this.#draw());
    desk.addEventListener("instruments", () => this.#listSymbols());
    for (const part of ["symbol", "ticker", "venue"]) desk.addEventListener(part, draw);
  }

  #listSymbols() {
    const options = [...this.#desk.instruments.values()].map(({ symbol, status }) => {
      const option = element("option", "", status && status !== "trading" ? `${symbol} (${status})` : symbol);
      option.value = symbol;
      return option;
    });
    this.#select.replaceChildren(...options);
    this.#select.disabled = false;
  }

  #draw() {
    const { instrument, ticker, venue } = this.#desk;
    const { figures, direction } = ticker;
    if (instrument) this.#select.value = instrument.symbol;
    setText(this.#last.querySelector(".last-price"), figures.last === null ? "–" : grouped(figures.last));
    this.#last.dataset.direction = String(direction);
    const change = figures.change === null ? 0 : compare(figures.change, "0");
    const sign = (text) => (text.startsWith("-") ? text.replace("-", "−") : `${change > 0 ? "+" : ""}${text}`);
    this.#show("change", figures.change && `${sign(grouped(figures.change))}  ${sign(rounded(figures.change_percent ?? "0", 2))} %`);
    this.#figures.get("change").dataset.direction = String(change);
    this.#show("high", figures.high && grouped(figures.high));
    this.#show("low", figures.low && grouped(figures.low));
    this.#show("volume", figures.volume && `${grouped(shortest(rounded(figures.volume, 4)))} ${instrument?.base ?? ""}`);
    this.#flow.hidden = venue.flows.length === 0;
    setText(this.#flow, venue.flows.map((flow) => FLOW_LABELS[flow] ?? flow).join(", "));
    setDocumentTitle(instrument, figures.last);
  }

  /** @param {string} name @param {string | null} text */
  #show(name, text) {
    setText(this.#figures.get(name), text || "–");
  }
}

/** @param {import("../model/types.js").Instrument | null} instrument @param {string | null} last */
function setDocumentTitle(instrument, last) {
  const title = instrument ? `${last === null ? "" : `${grouped(last)} `}${instrument.symbol} · Openbell` : "Openbell";
  if (document.title !== title) document.title = title;
}
