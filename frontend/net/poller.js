/**
 * A question that is asked again and again: not too often, one at a time, and always once more after the last reason
 * for it.
 *
 * What only ever dropped a reason that came too soon would stand at an old answer for as long as nothing else happens.
 * Layer: net.
 */

export class Poller {
  #ask;
  #everyMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** When the timer ends. */ #dueMs = Infinity;
  #notBeforeMs = -Infinity;
  /** Which question is under way; 0 while none is. */ #asking = 0;
  #asked = 0;
  #askedAtMs = -Infinity;

  /**
   * @param {() => Promise<unknown>} ask never fails; until it is settled nothing else is asked
   * @param {number} everyMs at least so long from one question to the next
   */
  constructor(ask, everyMs) {
    this.#ask = ask;
    this.#everyMs = everyMs;
  }

  /** Whether a question is still to come for what happened so far. */
  get isDue() {
    return this.#dueMs < Infinity;
  }

  /** There is a reason to ask: now, or as soon as that may be. @param {number} [afterMs] not before so long from now */
  want(afterMs = 0) {
    this.#dueMs = Math.min(this.#dueMs, performance.now() + afterMs);
    if (this.#asking === 0) this.#arrange();
  }

  /** The venue wants patience: ask nothing for so long, whatever the reason. @param {number} ms */
  holdOff(ms) {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, performance.now() + ms);
    if (this.#asking === 0 && this.isDue) this.#arrange();
  }

  /**
   * No reason is left, and nobody waits for the answer under way. The next question need not keep its distance from the
   * last.
   */
  stop() {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
    if (this.#notBeforeMs <= this.#askedAtMs + this.#everyMs) this.#notBeforeMs = -Infinity;
    this.#asking = 0;
  }

  #arrange() {
    clearTimeout(this.#timer);
    const waitMs = Math.max(this.#dueMs, this.#notBeforeMs) - performance.now();
    if (waitMs <= 0) this.#run();
    else this.#timer = setTimeout(() => this.#run(), waitMs);
  }

  async #run() {
    this.#asked += 1;
    const asking = this.#asked;
    this.#asking = asking;
    this.#dueMs = Infinity;
    this.#askedAtMs = performance.now();
    this.#notBeforeMs = this.#askedAtMs + this.#everyMs;
    await this.#ask();
    if (this.#asking !== asking) return; // stopped meanwhile
    this.#asking = 0;
    if (this.isDue) this.#arrange();
  }
}
