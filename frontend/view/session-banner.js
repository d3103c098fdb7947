/**
 * Says when there is no account, and why, with the ways out of it. Nobody becomes somebody else by themself.
 * Layer: view.
 */

import { describeFailure, describeNoSession } from "../model/words.js";
import { setText } from "./cells.js";

export class SessionBanner {
  #access;
  #banner;
  #text;
  #guest;

  /**
   * @param {HTMLElement} banner
   * @param {import("../net/access.js").Access} access
   * @param {import("./account-menu.js").AccountMenu} menu
   */
  constructor(banner, access, menu) {
    this.#access = access;
    this.#banner = banner;
    this.#text = banner.querySelector("span");
    this.#guest = banner.querySelector('[data-do="guest"]');
    this.#guest.addEventListener("click", () => this.#newGuest());
    banner.querySelector('[data-do="login"]').addEventListener("click", () => menu.open("login"));
    access.addEventListener("session", () => this.#draw());
  }

  #draw() {
    const { state, why, profile } = this.#access;
    const text = describeNoSession(state, why, profile);
    this.#banner.hidden = text === "";
    this.#banner.dataset.tone = state === "signed_out" ? "plain" : "bad";
    setText(this.#text, text);
  }

  async #newGuest() {
    this.#guest.disabled = true;
    try {
      await this.#access.guest();
    } catch (failure) {
      setText(this.#text, describeFailure(failure, "ask"));
    } finally {
      this.#guest.disabled = false;
    }
  }
}
