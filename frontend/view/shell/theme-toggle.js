/**
 * Dark or light; by default as the reader's system has it.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";

const NEXT = Object.freeze({ system: "dark", dark: "light", light: "system" });
const WORDS = Object.freeze({ system: "as the system", dark: "dark", light: "light" });
const SIGNS = Object.freeze({ system: "◐", dark: "☾", light: "☀" });

export function ThemeToggle() {
  const { workspace } = useServices();
  useModel(workspace, "theme");
  const { theme } = workspace;
  const label = `Theme: ${WORDS[theme]}`;
  return html`
    <button type="button" class="icon-button" id="theme" title=${label} aria-label=${label}
      onClick=${() => (workspace.theme = NEXT[theme])}>
      <span aria-hidden="true">${SIGNS[theme]}</span>
    </button>`;
}
