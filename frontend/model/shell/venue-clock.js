/**
 * The venue's time, guessed from its answers: the quickest of the last answers says it best.
 *
 * Half of a round trip is taken for the way back, so the guess is wrong by at most the other half.
 * Layer: model.
 */

const SAMPLES = 16;

export class VenueClock {
  /**
   * @type {{roundTripMs: number, aheadMs: number}[]} newest last; by how much the venue's clock is ahead of ours
   */
  #samples = [];

  /**
   * @param {number} sentMs of any clock of ours
   * @param {number} nowMs of the same
   * @param {number} timestamp the venue's, epoch seconds, in its answer
   */
  answered(sentMs, nowMs, timestamp) {
    if (!Number.isFinite(timestamp)) return;
    this.#samples.push({ roundTripMs: nowMs - sentMs, aheadMs: timestamp * 1_000 - (sentMs + nowMs) / 2 });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Another connection, perhaps another venue. */
  forget() {
    this.#samples = [];
  }

  /**
   * @param {number} nowMs of that clock
   * @returns {number | null} epoch milliseconds at the venue; null before its first answer
   */
  at(nowMs) {
    if (this.#samples.length === 0) return null;
    const best = this.#samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
    return nowMs + best.aheadMs;
  }
}
