/**
 * The left of the market: the chart, and the depth as a second tab.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { Tabs } from "../parts/tabs.js";
import { Chart } from "./chart.js";
import { DepthChart } from "./depth-chart.js";

const TABS = [
  { name: "chart", title: "Chart", panel: html`<${Chart} />` },
  { name: "depth", title: "Depth", panel: html`<${DepthChart} />` },
];

export function ChartPanel() {
  return html`
    <section class="panel chart-panel" aria-label="Charts">
      <${Tabs} group="chart" label="Charts" tabs=${TABS} />
    </section>`;
}
