/**
 * The account's balances, live, and the way to more paper money.
 * Layer: view.
 */

import { toUnits, grouped, isDecimal, isZero, shortest, truncated } from "../model/decimal.js";
import { describeFailure } from "../model/words.js";
import { KeyedRows, element, setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

/** More decimals than these are in the title. */
const DECIMALS_SHOWN = 8;

export class BalancesView {
  #portfolio;
  #desk;
  #rows;
  #empty;
  #toggle;
  #form;
  #asset;
  #result;
  #busy = false;
  #requestDraw = oncePerFrame(() => this.#draw());

  /** @param {HTMLElement} root the panel @param {import("../portfolio.js").Portfolio} portfolio @param {import("../desk.js").Desk} desk */
  constructor(root, portfolio, desk) {
    this.#portfolio = portfolio;
    this.#desk = desk;
    this.#empty = root.querySelector(".empty");
    this.#toggle = root.querySelector("#deposit-toggle");
    this.#form = root.querySelector("#deposit");
    this.#asset = root.querySelector("#deposit-asset");
    this.#result = root.querySelector("#deposit-result");
    this.#rows = new KeyedRows(root.querySelector("tbody"), (balance) => balance.asset, makeRow);
    portfolio.addEventListener("balances", this.#requestDraw);
    portfolio.addEventListener("switch", () => this.#open(false));
    for (const part of ["symbol", "instruments"]) desk.addEventListener(part, this.#requestDraw);
    desk.addEventListener("instruments", () => this.#listAssets());
    this.#toggle.addEventListener("click", () => this.#open(this.#form.hidden));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#deposit();
    });
  }

  #draw() {
    const { balances, access } = this.#portfolio;
    const { instrument, instruments } = this.#desk;
    const first = instrument ? [instrument.quote, instrument.base] : [];
    this.#rows.show(balances.loaded ? balances.listed(first, assetsOf(instruments)) : []);
    this.#empty.hidden = balances.loaded;
    setText(this.#empty, access.session ? "Loading…" : "Sign in, or become a guest, to have money here.");
    this.#toggle.disabled = !access.session;
  }

  #listAssets() {
    const options = [...assetsOf(this.#desk.instruments)].map((asset) => element("option", "", asset));
    this.#asset.replaceChildren(...options);
  }

  /** @param {boolean} open */
  #open(open) {
    this.#form.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
    setText(this.#result, "");
    if (!open) return;
    if (this.#desk.instrument) this.#asset.value = this.#desk.instrument.quote;
    this.#form.elements.amount.focus();
  }

  async #deposit() {
    const amount = this.#form.elements.amount.value.trim();
    const asset = this.#asset.value;
    if (!isDecimal(amount) || toUnits(amount, 40) <= 0n) {
      this.#say("bad", "Enter an amount such as 1000.");
      this.#form.elements.amount.focus();
      return;
    }
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#portfolio.deposit(asset, amount);
      this.#say("good", `${grouped(shortest(amount))} ${asset} deposited.`);
      this.#form.elements.amount.value = "";
    } catch (failure) {
      this.#say("bad", describeFailure(failure, "deposit"));
    } finally {
      this.#busy = false;
    }
  }

  /** @param {"good" | "bad"} tone @param {string} text */
  #say(tone, text) {
    this.#result.dataset.tone = tone;
    setText(this.#result, text);
  }
}

/** @param {Map<string, import("../model/types.js").Instrument>} instruments @returns {Set<string>} */
function assetsOf(instruments) {
  return new Set([...instruments.values()].flatMap(({ quote, base }) => [quote, base]).sort());
}

/** @param {import("../model/balances.js").Balance} balance */
function makeRow({ asset }) {
  const row = element("tr");
  row.dataset.asset = asset;
  const cells = ["available", "held", "total"].map((name) => {
    const cell = element("td");
    cell.dataset.amount = name;
    return cell;
  });
  const name = element("th", "text", asset);
  name.scope = "row";
  row.append(name, ...cells);
  const update = (balance) => {
    for (const cell of cells) {
      const exact = balance[cell.dataset.amount];
      setText(cell, grouped(truncated(exact, DECIMALS_SHOWN)));
      cell.title = `${exact} ${asset}`;
    }
    row.classList.toggle("nothing", isZero(balance.total));
  };
  return { row, update };
}
