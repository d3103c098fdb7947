/**
 * Rows of a table that moved while the pointer lay on it: a click just then was aimed at the row that was there before.
 * Layer: model.
 */

/** No hand answers to a new row in less. */
const AIMING_MS = 500;
/** The pointer lies still when it moved by less; less than a row is high. */
const STILL_PX = 16;

/** @typedef {{x: number, y: number}} Point in the window */

export class RowMoves {
  /** @type {Map<string, {index: number, atMs: number, pointer: Point | null}>} */ #places = new Map();

  /**
   * The table was drawn. O(rows).
   * @param {string[]} ids from top to bottom
   * @param {number} nowMs
   * @param {Point | null} pointer where it lies on the table
   */
  drawn(ids, nowMs, pointer) {
    const places = new Map();
    for (const [index, id] of ids.entries()) {
      const before = this.#places.get(id);
      places.set(id, before?.index === index ? before : { index, atMs: nowMs, pointer });
    }
    this.#places = places;
  }

  /**
   * Whether the row came under the lying pointer just before a click there.
   * @param {string} id
   * @param {Point} click
   * @param {number} nowMs
   */
  cameUnder(id, { x, y }, nowMs) {
    const place = this.#places.get(id);
    if (!place?.pointer || nowMs - place.atMs >= AIMING_MS) return false;
    return Math.hypot(place.pointer.x - x, place.pointer.y - y) < STILL_PX;
  }
}
