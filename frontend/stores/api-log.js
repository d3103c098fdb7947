/**
 * Listens to every call of this page and keeps it, with the venue's time, for the API tab. Emits "change".
 * Layer: stores.
 */

import { CallLog } from "../model/shell/api-log.js";

export class ApiLogStore extends EventTarget {
  calls = new CallLog();

  /** @param {import("../net/http.js").Http} http @param {import("../model/shell/venue-clock.js").VenueClock} clock */
  constructor(http, clock) {
    super();
    http.onCall = (call) => {
      // Before the feed is heard the answer's own date is known, in whole seconds; of none, only this machine's time.
      this.calls.add(call, clock.at(performance.now()) ?? call.servedAt ?? Date.now());
      this.#emit();
    };
  }

  clear() {
    this.calls.clear();
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}
