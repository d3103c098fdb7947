/**
 * What the reader had in hand last: whether Enter, with nothing focused, may send the order in the ticket.
 *
 * It may when the ticket was the last thing touched: typed in, clicked, changed by a key, filled by a price. And after
 * something closed, or what had the focus went, Enter and Escape rest a moment: they were meant for what is gone.
 * Any other key, and the pointer, end that moment. Times are in milliseconds of one clock.
 * Layer: model.
 */

/** Longer than a double press takes, shorter than reading what is there now. */
export const SETTLING_MS = 500;

export class Attention {
  /** Whether the ticket was the last thing touched. */ onTicket = false;
  /** Whether that was by a key. */ byKey = false;
  #closedAtMs = -Infinity;

  /** @param {boolean} onTicket */
  touched(onTicket) {
    this.onTicket = onTicket;
  }

  /** Something closed, or the focus had to go elsewhere. @param {number} nowMs */
  closed(nowMs) {
    this.onTicket = false;
    this.#closedAtMs = nowMs;
  }

  /** A new act has begun: what closed before does not matter. @param {boolean} byKey */
  began(byKey) {
    this.byKey = byKey;
    this.#closedAtMs = -Infinity;
  }

  /** @param {number} nowMs */
  settling(nowMs) {
    return nowMs - this.#closedAtMs < SETTLING_MS;
  }
}
