/**
 * Where the account's resting orders stand among those of their price.
 *
 * The feed sends a position when it has changed. Positions are forgotten with the connection, since they may change
 * while nothing is heard.
 * Layer: model.
 */

/** @typedef {{ordersAhead: number, quantityAhead: string}} QueuePosition `quantityAhead` counts what others show */

export class QueuePositions {
  /** @type {Map<string, QueuePosition>} */ #positions = new Map();

  /** @param {{order_id: string, orders_ahead: number, quantity_ahead: string}[]} positions those that changed */
  apply(positions) {
    for (const { order_id: id, orders_ahead: ordersAhead, quantity_ahead: quantityAhead } of positions) {
      this.#positions.set(id, { ordersAhead, quantityAhead });
    }
  }

  /** @param {string} orderId @returns {QueuePosition | null} null while unknown; the same object until it changes */
  of(orderId) {
    return this.#positions.get(orderId) ?? null;
  }

  /** It rests no more. @param {string} orderId */
  drop(orderId) {
    this.#positions.delete(orderId);
  }

  forget() {
    this.#positions.clear();
  }
}
