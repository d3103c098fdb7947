/**
 * A row of tabs over panels that stay mounted: a hidden one keeps its fields and its place.
 * Arrow keys, Home and End move along the row, as the ARIA pattern has it.
 * Layer: view.
 */

import { useEffect, useRef } from "preact/hooks";

import { html } from "./html.js";
import { useServices } from "./services.js";
import { useModel } from "./use-model.js";

/** @typedef {import("./html.js").DomKeyEvent} DomKeyEvent */

/**
 * @param {object} props
 * @param {"chart" | "bottom"} props.group whose shown tab the workspace remembers
 * @param {string} props.label of the row
 * @param {{name: string, title: string, count?: string, panel: any}[]} props.tabs `count` is "" where there is none
 *   just now
 */
export function Tabs({ group, label, tabs }) {
  const { workspace } = useServices();
  useModel(workspace, "layout");
  const wanted = workspace.tab(group);
  const shown = tabs.some(({ name }) => name === wanted) ? wanted : tabs[0].name;
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== shown)
      document.getElementById(`tab-${shown}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    before.current = shown;
  }, [shown]);
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    const from = tabs.findIndex(({ name }) => name === shown);
    /** @type {Record<string, number>} */
    const targets = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: tabs.length - 1 };
    const to = targets[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const { name } = tabs[(to + tabs.length) % tabs.length];
    workspace.show(group, name);
    document.getElementById(`tab-${name}`)?.focus();
  };
  return html`
    <div class="tabs">
      <div class="tab-row" role="tablist" aria-label=${label} onKeyDown=${onKeyDown}>
        ${tabs.map(
          ({ name, title, count }) => html`
          <button key=${name} type="button" role="tab" id=${`tab-${name}`} aria-controls=${`panel-${name}`}
            aria-selected=${String(name === shown)} tabindex=${name === shown ? 0 : -1}
            onClick=${() => workspace.show(group, name)}>
            <span class="tab-title" data-title=${title}>${title}</span>
              ${count === undefined ? null : html` <span class="count">${count}</span>`}
          </button>`,
        )}
      </div>
      ${tabs.map(
        ({ name, panel }) => html`
        <div key=${name} class="tab-panel" role="tabpanel" id=${`panel-${name}`} aria-labelledby=${`tab-${name}`}
          hidden=${name !== shown}>
          ${panel}
        </div>`,
      )}
    </div>`;
}
