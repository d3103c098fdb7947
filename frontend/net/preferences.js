/**
 * What this browser remembers of how its reader likes the page: small values by name, no secrets.
 *
 * Where the browser refuses storage, they last as long as the page.
 * Layer: net.
 */

const KEY = "openbell.preferences";

export class Preferences {
  #storageOf;
  /** @type {Record<string, unknown>} */ #values;

  /** @param {() => Storage} storageOf may throw */
  constructor(storageOf) {
    this.#storageOf = storageOf;
    this.#values = this.#read();
  }

  /** @template Value @param {string} name @param {Value} otherwise @returns {Value} */
  get(name, otherwise) {
    const value = this.#values[name];
    return value === undefined ? otherwise : /** @type {Value} */ (value);
  }

  /** @param {string} name @param {unknown} value that JSON can hold; undefined forgets it */
  set(name, value) {
    this.#values = { ...this.#read(), ...this.#values, [name]: value };
    try {
      this.#storageOf().setItem(KEY, JSON.stringify(this.#values));
    } catch {
      // It lasts as long as the page.
    }
  }

  /** @returns {Record<string, unknown>} */
  #read() {
    try {
      const values = JSON.parse(this.#storageOf().getItem(KEY) ?? "{}");
      return values !== null && typeof values === "object" ? values : {};
    } catch {
      return {};
    }
  }
}
