/**
 * The depth of the book: what stands at each price or better, bids to the left and asks to the right.
 * Layer: view.
 */

import { html } from "./html.js";
import { useServices } from "./services.js";
import { useModelSlowly } from "./use-model.js";

const LEVELS = 200;
const DRAW_EVERY_MS = 100;

export function DepthChart() {
  const { desk } = useServices();
  useModelSlowly(DRAW_EVERY_MS, desk, "book", "symbol");
  const { bids, asks } = desk.book.levels(LEVELS);
  if (bids.length + asks.length === 0) return html`<p class="empty">Nobody is quoting.</p>`;
  return html`
    <svg class="depth" id="depth" viewBox="0 0 200 100" preserveAspectRatio="none" role="img" aria-label="Depth of the book">
      <path class="depth-bids" d=${stairs(bids, -1)} />
      <path class="depth-asks" d=${stairs(asks, 1)} />
    </svg>`;
}

/** Every level is one step out from the middle. @param {import("../model/types.js").Level[]} levels best first @param {-1 | 1} direction */
function stairs(levels, direction) {
  const width = 100 / Math.max(levels.length, 1);
  const steps = levels.map(({ share }, index) => `V${100 - share * 95} H${100 + direction * width * (index + 1)}`);
  return `M100 100 ${steps.join(" ")} V100 Z`;
}
