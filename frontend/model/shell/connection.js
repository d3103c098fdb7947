/**
 * How well we hear the venue: the state in one word, round trip, age, gaps.
 *
 * Times are milliseconds of a monotonic clock that the caller passes in.
 * Layer: model.
 */

/** Silence of this length on an open connection makes the feed stale; pings are answered far more often. */
export const STALE_AFTER_MS = 6_000;

/** @typedef {"connecting" | "live" | "resyncing" | "stale" | "disconnected"} LinkState */

export class Connection {
  /** @type {number | null} */ roundTripMs = null;
  gaps = 0;
  resyncs = 0;
  /** @type {"connecting" | "connected" | "disconnected"} */ #socket = "connecting";
  #lastHeardMs = 0;

  /** @param {number} nowMs */
  connected(nowMs) {
    this.#socket = "connected";
    this.#lastHeardMs = nowMs;
  }

  /** We left and come back at once. */
  reconnecting() {
    this.#socket = "connecting";
    this.roundTripMs = null;
  }

  disconnected() {
    this.#socket = "disconnected";
    this.roundTripMs = null;
  }

  /** @param {number} nowMs anything came */
  heard(nowMs) {
    this.#lastHeardMs = nowMs;
  }

  /** @param {number} sentMs @param {number} nowMs */
  answered(sentMs, nowMs) {
    this.roundTripMs = nowMs - sentMs;
    this.heard(nowMs);
  }

  /** @param {number} nowMs @returns {number | null} since anything came; null before the first connection */
  ageMs(nowMs) {
    return this.#lastHeardMs === 0 ? null : nowMs - this.#lastHeardMs;
  }

  /**
   * @param {number} nowMs
   * @param {"empty" | "live" | "stale"} book state of the shown book
   * @param {boolean} [old] whether the node we hear says itself that it has heard nothing for a while
   * @returns {LinkState}
   */
  state(nowMs, book, old = false) {
    if (this.#socket !== "connected") return this.#socket;
    if (old || nowMs - this.#lastHeardMs > STALE_AFTER_MS) return "stale";
    return book === "stale" ? "resyncing" : "live";
  }
}
