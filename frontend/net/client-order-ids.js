/**
 * Client order ids of this browser: a prefix that stays, and a part that never repeats.
 *
 * The id is what makes sending an order again safe. It is no secret and proves nothing.
 * Layer: net.
 */

const STORAGE_KEY = "openbell.browser";

export class ClientOrderIds {
  /**
   * @param {() => Storage} storageOf where the prefix is kept; when it refuses, the prefix lasts as long as the page
   */
  constructor(storageOf) {
    let browser = null;
    try {
      const storage = storageOf();
      browser = storage.getItem(STORAGE_KEY);
      if (!browser) {
        browser = randomText(6);
        storage.setItem(STORAGE_KEY, browser);
      }
    } catch {
      browser ??= randomText(6);
    }
    /** Every id of this browser starts with it. */
    this.prefix = `web-${browser}-`;
  }

  next() {
    return this.prefix + randomText(8);
  }
}

/** @param {number} bytes of randomness */
function randomText(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
