/**
 * Which node of the venue this page asks, and which of the others takes its place when that one does not answer.
 *
 * The page knows the nodes from the server that it came from, whose policy lets the browser connect to these and no
 * others. A server by itself is none of several: then nothing here ever moves.
 * Event "node": another node is asked, or what is known of it changed.
 * Layer: net.
 */

import { pause } from "./retry.js";

/** @typedef {{name: string, url: string}} Node */

/** A node that takes longer to say who it is does not take anybody's place. */
const ANSWER_WITHIN_MS = 1_500;
/** The others come first: who was just lost may be stopping, and still answer. */
const SAME_LATER_MS = 400;
/** What is old is better than nothing, when nobody has anything newer. */
const STALE_LATER_MS = 1_000;

export class Nodes extends EventTarget {
  /** Origin of the node that is asked; "" is the one that this page came from. */
  base = "";
  /** What the node is called that is asked; "" of a server by itself, or as long as it is not known. */
  name = "";
  /** Whether that node says that it has heard nothing of the venue for a while. */
  stale = false;
  /** How often another node has taken over. */
  moves = 0;
  #listed;
  #origin;
  #fetch;
  /** What the node is called that this page came from. */ #home = "";
  /** @type {Promise<boolean> | null} */ #search = null;

  /**
   * @param {readonly Node[]} [listed] every node, that of this page too
   * @param {string} [origin] of this page
   * @param {typeof fetch} [fetcher]
   */
  constructor(listed = [], origin = "", fetcher = (...request) => fetch(...request)) {
    super();
    this.#listed = listed;
    this.#origin = origin;
    this.#fetch = fetcher;
    this.#home = this.name = listed.find(({ url }) => url === origin)?.name ?? "";
  }

  /** Whether there is another one to go to. */
  get several() {
    return this.#listed.length > 1;
  }

  /** What the node is called that this page came from, where another one is asked; else "". */
  get left() {
    return this.base === "" ? "" : this.#home || this.#origin;
  }

  /** Whether cookies of the node that this page came from are shown to the one that is asked: they go by host. */
  get sharesCookies() {
    return this.base === "" || new URL(this.base).hostname === new URL(this.#origin).hostname;
  }

  /** What the node that is asked says of itself. @param {{node?: string | null, stale?: boolean}} said */
  fold({ node, stale }) {
    const name = node ?? this.name;
    const old = stale ?? this.stale;
    if (this.base === "") this.#home = name;
    if (name === this.name && old === this.stale) return;
    this.name = name;
    this.stale = old;
    this.#emit();
  }

  /**
   * Look for a node that answers, the one that is asked now last; where it is `stale`, for one that is not.
   * @returns {Promise<boolean>} whether another one is asked from now on. Never fails.
   */
  move() {
    if (!this.several) return Promise.resolve(false);
    this.#search ??= this.#moved().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  async #moved() {
    const bases = new Set(this.#listed.map((node) => this.#baseOf(node)));
    bases.delete(this.base);
    const asked = [...bases].map((base) => this.#answerOf(base, 0));
    if (!this.stale) asked.push(this.#answerOf(this.base, SAME_LATER_MS));
    try {
      const { base, name } = await Promise.any(asked);
      if (base === this.base) return false;
      this.base = base;
      this.name = name;
      this.stale = false;
      this.moves += 1;
      this.#emit();
      return true;
    } catch {
      return false; // nobody answers
    }
  }

  /** @param {string} base @param {number} afterMs @returns {Promise<{base: string, name: string}>} */
  async #answerOf(base, afterMs) {
    if (afterMs > 0) await pause(afterMs);
    const response = await this.#fetch(`${base}/node`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!response.ok) throw new Error(`the node answered ${response.status}`);
    const { name, stale } = await response.json();
    if (stale && this.stale) throw new Error("it is stale, too");
    if (stale) await pause(STALE_LATER_MS);
    return { base, name };
  }

  /** @param {Node} node */
  #baseOf({ name, url }) {
    return url === this.#origin || (this.#home !== "" && name === this.#home) ? "" : url;
  }

  #emit() {
    this.dispatchEvent(new Event("node"));
  }
}
