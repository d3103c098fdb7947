/**
 * Asks before every open order is cancelled; what keeps them has the focus, so that no stray Enter takes them.
 * Layer: view.
 */

import { useState } from "preact/hooks";
import { describeFailure } from "../../model/parts/failures.js";
import { describeOpen } from "../../model/shell/shortcuts.js";
import { useKeptFocus } from "../parts/focus.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useDialog } from "../parts/use-dialog.js";
import { useElement } from "../parts/use-element.js";
import { useModel } from "../parts/use-model.js";

/** @type {{tone: string, text: string}} */
const NOTHING = Object.freeze({ tone: "plain", text: "" });

/** @param {{onClose: () => void}} props */
export function CancelAllDialog({ onClose }) {
  const { portfolio } = useServices();
  useModel(portfolio, "orders", "switch");
  const dialog = useDialog();
  /** @type {{current: HTMLButtonElement}} */ const keep = useElement();
  useKeptFocus(dialog, () => keep.current);
  const [busy, setBusy] = useState(false);
  const [result, say] = useState(NOTHING);
  const orders = portfolio.orders.open();
  const cancel = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const { count } = await portfolio.cancelAll();
      say({ tone: "plain", text: count === 1 ? "Order cancelled." : `${count} orders cancelled.` });
    } catch (failure) {
      say({ tone: "bad", text: describeFailure(failure, "cancel") });
    } finally {
      setBusy(false);
    }
  };
  const some = orders.length > 0;
  return html`
    <dialog class="dialog" id="cancel-all-dialog" ref=${dialog} aria-labelledby="cancel-all-title" onClose=${onClose}>
      <h2 id="cancel-all-title">${titleOf(orders.length)}</h2>
      <p class="soft">${some ? describeOpen(orders) : "There is nothing to cancel."}</p>
      <${Result} ...${result} />
      <div class="dialog-actions">
        <button type="button" class="plain" autofocus ref=${keep} onClick=${() => dialog.current.close()}>
          ${orders.length > 1 ? "Keep them" : some ? "Keep it" : "Close"}</button>
        ${
          some &&
          html`
          <button type="button" class="danger" aria-disabled=${busy ? "true" : null} onClick=${cancel}>
            ${busy ? "Cancelling…" : orders.length > 1 ? `Cancel all ${orders.length}` : "Cancel it"}
          </button>`
        }
      </div>
    </dialog>`;
}

/** @param {number} count */
function titleOf(count) {
  return count === 0 ? "No open orders" : count === 1 ? "Cancel your open order?" : `Cancel all ${count} open orders?`;
}
