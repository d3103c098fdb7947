/**
 * How own fills are announced besides the page: a notification, a sound. Both are off until asked for.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { chime } from "../parts/chime.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useModel } from "../parts/use-model.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

export function NoticeSettings() {
  const { workspace } = useServices();
  useModel(workspace, "layout");
  const [said, say] = useState("");
  const notify = async (/** @type {DomEvent} */ event) => {
    const wanted = event.target.checked;
    const allowed = wanted && (await permission());
    workspace.remember("fills.notify", allowed);
    say(wanted && !allowed ? "The browser does not allow notifications for this page." : "");
  };
  const sound = (/** @type {DomEvent} */ event) => {
    workspace.remember("fills.sound", event.target.checked);
    if (event.target.checked) chime();
  };
  return html`
    <div class="notice-settings">
      <label class="check"><input type="checkbox" checked=${workspace.recall("fills.notify", false)}
        onChange=${notify} /> Notification when the page is not in front</label>
      <label class="check"><input type="checkbox" checked=${workspace.recall("fills.sound", false)}
        onChange=${sound} /> Sound</label>
      <${Result} tone="bad" text=${said} />
    </div>`;
}

/** The browser asks its reader. @returns {Promise<boolean>} */
async function permission() {
  return "Notification" in window && (await Notification.requestPermission()) === "granted";
}
