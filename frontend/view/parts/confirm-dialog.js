/**
 * Asks before something that hurts.
 * Layer: view.
 */

import { html } from "./html.js";
import { useDialog } from "./use-dialog.js";

/**
 * @typedef {{title: string, text: string, yes: string, act: (seconds: string) => unknown, seconds?: boolean}} Question
 */

/** @param {{question: Omit<Question, "act"> & {act: () => unknown}, onClose: () => void, children?: any}} props */
export function ConfirmDialog({ question: { title, text, yes, act }, onClose, children = null }) {
  const dialog = useDialog();
  const confirm = () => {
    act();
    dialog.current.close();
  };
  return html`
    <dialog class="dialog" id="confirm" ref=${dialog} aria-labelledby="confirm-title" onClose=${onClose}>
      <h2 id="confirm-title">${title}</h2>
      <p class="soft">${text}</p>
      ${children}
      <div class="dialog-actions">
        <button type="button" class="plain" autofocus onClick=${() => dialog.current.close()}>Leave it</button>
        <button type="button" class="danger" onClick=${confirm}>${yes}</button>
      </div>
    </dialog>`;
}
