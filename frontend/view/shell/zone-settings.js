/**
 * In which zone all times of the page are.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";

/** @type {readonly import("../../stores/workspace.js").Zone[]} */
const ZONES = Object.freeze(["local", "utc"]);

export function ZoneSettings() {
  const { market, workspace } = useServices();
  useModel(workspace, "zone");
  const times = workspace.timesOf("local");
  const words = { local: `Local: ${times.zone.replaceAll("_", " ")}, now ${times.name(market.nowMs)}`, utc: "UTC" };
  return html`
    <fieldset class="zone-settings">
      <legend class="visually-hidden">Time zone of the page</legend>
      ${ZONES.map(
        (zone) => html`
        <label key=${zone} class="check">
          <input type="radio" name="zone" value=${zone} checked=${workspace.zone === zone}
            onChange=${() => (workspace.zone = zone)} /> ${words[zone]}</label>`,
      )}
    </fieldset>`;
}
