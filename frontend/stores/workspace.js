/**
 * How the page is laid out just now, and what one panel asks of another. Knows no DOM.
 *
 * Remembered by the browser: theme, time zone, the tab of each group, the phone's view. Emits changes by "layout",
 * "theme" and
 * "zone", with the times as they were as its `detail`;
 * "account" asks for the account menu, with the wanted form as its `detail`; "find" for the symbol switcher, "keys" for
 * the list of keys, "security" for password, second factor and sessions.
 * Layer: stores.
 */

import { Times, UTC } from "../model/parts/times.js";

/** @typedef {"system" | "dark" | "light"} Theme */
/** @typedef {"local" | "utc"} Zone of all times: the reader's own, or UTC */
/** @typedef {"chart" | "book" | "trade" | "orders" | "account"} PhoneView what a phone shows, one at a time */

const DEFAULTS = Object.freeze({ chart: "chart", bottom: "orders", phone: "trade" });

export class WorkspaceStore extends EventTarget {
  #preferences;
  #local = new Times(Intl.DateTimeFormat().resolvedOptions().timeZone);

  /** @param {Pick<import("../net/preferences.js").Preferences, "get" | "set">} preferences */
  constructor(preferences) {
    super();
    this.#preferences = preferences;
  }

  /** @returns {Theme} */
  get theme() {
    return this.#preferences.get("theme", "system");
  }

  /** @param {Theme} theme */
  set theme(theme) {
    this.#preferences.set("theme", theme);
    this.dispatchEvent(new Event("theme"));
  }

  /** @returns {Zone} */
  get zone() {
    return this.#preferences.get("zone", /** @type {string} */ ("local")) === "utc" ? "utc" : "local";
  }

  /** @param {Zone} zone */
  set zone(zone) {
    const before = this.times;
    this.#preferences.set("zone", zone);
    this.dispatchEvent(new CustomEvent("zone", { detail: before }));
  }

  /** How times are shown and read. */
  get times() {
    return this.timesOf(this.zone);
  }

  /** @param {Zone} zone */
  timesOf(zone) {
    return zone === "utc" ? UTC : this.#local;
  }

  /** @param {"chart" | "bottom" | "phone"} group @returns {string} the name of its shown tab */
  tab(group) {
    return this.#preferences.get(`tab.${group}`, DEFAULTS[group]);
  }

  /** @param {"chart" | "bottom" | "phone"} group @param {string} name */
  show(group, name) {
    if (this.tab(group) === name) return;
    this.#preferences.set(`tab.${group}`, name);
    this.dispatchEvent(new Event("layout"));
  }

  /** What a phone shows; the account's view is its balances. @param {PhoneView} name */
  view(name) {
    if (name === "account") this.show("bottom", "balances");
    if (name === "orders" && this.tab("bottom") === "balances") this.show("bottom", "orders");
    this.show("phone", name);
  }

  /**
   * Any other small thing that a panel wants remembered.
   * @template Value
   * @param {string} name
   * @param {Value} otherwise
   * @returns {Value}
   */
  recall(name, otherwise) {
    return this.#preferences.get(name, otherwise);
  }

  /** @param {string} name @param {unknown} value that JSON can hold */
  remember(name, value) {
    this.#preferences.set(name, value);
    this.dispatchEvent(new Event("layout"));
  }

  /** Let the reader look for another symbol. */
  findSymbol() {
    this.dispatchEvent(new Event("find"));
  }

  /**
   * Open the Why tab; "why" asks for the explanation of a trade, an order or a command.
   * @param {import("./explanations.js").Subject} subject
   */
  explain(subject) {
    this.show("bottom", "why");
    this.show("phone", "orders");
    this.dispatchEvent(new CustomEvent("why", { detail: subject }));
  }

  /** Show what the keys do, and how own fills are announced. */
  showKeys() {
    this.dispatchEvent(new Event("keys"));
  }

  /** Show password, second factor and sessions of whoever is signed in. */
  showSecurity() {
    this.dispatchEvent(new Event("security"));
  }

  /** @param {"login" | "signup"} form */
  openAccount(form) {
    this.dispatchEvent(new CustomEvent("account", { detail: form }));
  }
}
