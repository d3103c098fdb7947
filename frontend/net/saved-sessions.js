/**
 * Where the sessions of this browser are kept: all of them for every tab, the chosen one for each.
 *
 * No token is written down: refresh tokens are in cookies that no script reads, those that requests carry in memory.
 * Where the browser refuses storage, everything lasts as long as the page.
 * Layer: net.
 */

import { NOBODY, parseSigned } from "../model/account/sessions.js";

/** @typedef {import("../model/account/sessions.js").Signed} Signed */

const SIGNED_KEY = "openbell.sessions";
const CHOSEN_KEY = "openbell.session";

export class SavedSessions {
  /** Called when another tab has changed the sessions. */
  onChange = () => {};
  #lasting;
  #ofTab;

  /** @param {() => Storage} lasting @param {() => Storage} ofTab both may throw */
  constructor(lasting, ofTab) {
    this.#lasting = storageOr(lasting);
    this.#ofTab = storageOr(ofTab);
    globalThis.addEventListener?.("storage", (event) => event.key === SIGNED_KEY && this.onChange());
  }

  /** @returns {Signed | null} null on first sight */
  read() {
    return parseSigned(this.#lasting.getItem(SIGNED_KEY));
  }

  /** Read and write without another tab in between. @param {(signed: Signed) => Signed} fold */
  update(fold) {
    return alone("sessions", () => this.#lasting.setItem(SIGNED_KEY, JSON.stringify(fold(this.read() ?? NOBODY))));
  }

  /** The id of the session this tab was showing before it was loaded anew. @returns {string | null} */
  get chosen() {
    return this.#ofTab.getItem(CHOSEN_KEY);
  }

  /** @param {string | null} sessionId "" for none */
  set chosen(sessionId) {
    this.#ofTab.setItem(CHOSEN_KEY, sessionId ?? "");
  }
}

/**
 * Do something while no other tab does something of that name. Browsers offer this to secure origins and
 * to localhost; elsewhere it is just done.
 * @template Result
 * @param {string} name
 * @param {() => Result | Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function alone(name, work) {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request(`openbell.${name}`, work) : work();
}

/** @param {() => Storage} storageOf @returns {Pick<Storage, "getItem" | "setItem">} */
function storageOr(storageOf) {
  try {
    const storage = storageOf();
    storage.setItem("openbell.probe", "");
    storage.removeItem("openbell.probe");
    return storage;
  } catch {
    const values = new Map();
    return { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) };
  }
}
