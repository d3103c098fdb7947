/**
 * Candles of the trades on the tape. The numbers a chart draws are floats; nothing else reads them.
 * Layer: view.
 */

import { CandlestickSeries, createChart } from "lightweight-charts";
import { useLayoutEffect, useRef } from "preact/hooks";

import { candlesOf } from "../model/candles.js";
import { colourOf } from "./colours.js";
import { html } from "./html.js";
import { useServices } from "./services.js";
import { useModelSlowly } from "./use-model.js";

const CANDLE_S = 60;
const DRAW_EVERY_MS = 250;

export function Chart() {
  const { desk, workspace } = useServices();
  useModelSlowly(DRAW_EVERY_MS, desk, "tape", "symbol");
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const drawn = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    // Its logo would bring a style element, which the policy does not allow; the foot of the page names whose charts these are.
    const chart = createChart(root.current, { autoSize: true, layout: { attributionLogo: false } });
    drawn.current = chart.addSeries(CandlestickSeries);
    const paint = () => {
      chart.applyOptions(chartColours());
      drawn.current.applyOptions(candleColours());
    };
    // The new theme is on the page at the next frame.
    const repaint = () => requestAnimationFrame(() => requestAnimationFrame(paint));
    const system = matchMedia("(prefers-color-scheme: light)");
    paint();
    workspace.addEventListener("theme", repaint);
    system.addEventListener("change", repaint);
    return () => {
      workspace.removeEventListener("theme", repaint);
      system.removeEventListener("change", repaint);
      chart.remove();
    };
  }, [workspace]);
  useLayoutEffect(() => {
    drawn.current.setData(candlesOf(desk.tape.trades, CANDLE_S));
  });
  return html`<div class="chart" id="chart" ref=${root} role="img" aria-label="Price chart"></div>`;
}

function chartColours() {
  return {
    layout: { background: { color: colourOf("--panel") }, textColor: colourOf("--soft"), fontSize: 11 },
    grid: { vertLines: { color: colourOf("--grid") }, horzLines: { color: colourOf("--grid") } },
    timeScale: { borderColor: colourOf("--line"), timeVisible: true },
    rightPriceScale: { borderColor: colourOf("--line") },
  };
}

function candleColours() {
  const [up, down] = [colourOf("--buy"), colourOf("--sell")];
  return { upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down };
}
