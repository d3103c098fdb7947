/**
 * Listens to every call of this page and keeps it for the API tab. Tells "change".
 * Layer: above net and model, below view.
 */

import { CallLog } from "./model/api-log.js";

export class ApiLog extends EventTarget {
  calls = new CallLog();

  /** @param {import("./net/http.js").Http} http */
  constructor(http) {
    super();
    http.onCall = (call) => {
      this.calls.add(call);
      this.#tell();
    };
  }

  clear() {
    this.calls.clear();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
