/**
 * What the keys do, whether they do it, in which zone times are, and how own fills are announced.
 * Layer: view.
 */

import { LADDER_KEYS, SHORTCUTS } from "../../model/shell/shortcuts.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useDialog } from "../parts/use-dialog.js";
import { useModel } from "../parts/use-model.js";
import { NoticeSettings } from "./notice-settings.js";
import { ZoneSettings } from "./zone-settings.js";

/** @param {{onClose: () => void}} props */
export function KeysDialog({ onClose }) {
  const { workspace } = useServices();
  useModel(workspace, "layout");
  const dialog = useDialog();
  return html`
    <dialog class="dialog" id="keys-dialog" ref=${dialog} aria-labelledby="keys-title" onClose=${onClose}>
      <h2 id="keys-title">Keys</h2>
      <${KeyList} keys=${SHORTCUTS} />
      <h3>In the order book</h3>
      <${KeyList} keys=${LADDER_KEYS} />
      <label class="check">
        <input type="checkbox" checked=${workspace.recall("shortcuts", true)}
          onChange=${(event) => workspace.remember("shortcuts", event.target.checked)} /> Single keys work
      </label>
      <h3>Time zone</h3>
      <${ZoneSettings} />
      <h3>Own fills</h3>
      <${NoticeSettings} />
      <div class="dialog-actions"><button type="button" class="plain" autofocus
        onClick=${() => dialog.current.close()}>Close</button></div>
    </dialog>`;
}

/** @param {{keys: readonly {shown: string, words: string}[]}} props */
function KeyList({ keys }) {
  return html`
    <dl class="keys">
      ${keys.map(({ shown, words }) => html`<div key=${shown}><dt><kbd>${shown}</kbd></dt><dd>${words}</dd></div>`)}
    </dl>`;
}
