/**
 * Keeps the shown symbol in the page's address, so that it can be linked to, survives a reload and is gone back to; and
 * shows what the address is changed to.
 *
 * Another symbol that was chosen on the page is a step in the browser's history. An address that names no symbol is
 * mended: it says what is shown.
 * Layer: stores.
 */

import { fragmentOf, nameIn, symbolCalled } from "../model/shell/symbol-address.js";

export class SymbolAddress {
  #market;
  #page;

  /**
   * @param {import("./market.js").MarketStore} market
   * @param {Pick<Window, "location" | "history" | "addEventListener">} page its window
   */
  constructor(market, page) {
    this.#market = market;
    this.#page = page;
    market.addEventListener("symbol", () => this.#write());
    page.addEventListener("hashchange", () => this.#read());
  }

  /** What the address asks for; "" of nothing. */
  get name() {
    return nameIn(this.#page.location.hash);
  }

  #read() {
    if (this.name !== "") this.#market.follow(this.name);
    if (this.#market.instrument) this.#write(); // what is not listed there, or is spelled otherwise
  }

  #write() {
    const { instrument, instruments } = this.#market;
    if (instrument === null) return;
    const named = symbolCalled(instruments.keys(), this.name);
    const fragment = fragmentOf(instrument.symbol);
    if (named !== undefined && named !== instrument.symbol) this.#page.history.pushState(null, "", fragment);
    else if (this.#page.location.hash !== fragment) this.#page.history.replaceState(null, "", fragment);
  }
}
