/**
 * The depth of the book over a price axis, with what stands between the middle and the price that is pointed at.
 *
 * Pointer and touch read anywhere; left and right walk the levels, + and - zoom, Escape lets go.
 * The book is drawn at most ten times a second, and only while it can be seen.
 * Layer: view.
 */

import { useCallback, useLayoutEffect, useMemo, useReducer, useState } from "preact/hooks";
import { orderLines, ordersBeyond } from "../../model/chart/chart-marks.js";
import { ALL, depthAt, depthCurve, nextStep } from "../../model/chart/depth-curve.js";
import { midText } from "../../model/market/book.js";
import { grouped, rounded, scaleOf, shortest } from "../../model/parts/decimal.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useElement } from "../parts/use-element.js";
import { useModelSlowly } from "../parts/use-model.js";
import { useTheme } from "../parts/use-theme.js";
import { BeyondMark } from "./chart.js";
import { actOnKey } from "./chart-keys.js";
import { drawDepth } from "./depth-drawing.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */
/** @typedef {import("../parts/html.js").DomMouseEvent} DomMouseEvent */

const LEVELS = 500;
const DRAW_EVERY_MS = 100;
const ZOOM_MAX = 64;
/** Decimals of a cost and of a quantity: more than anybody reads at a glance. */
const COST_DECIMALS = 2;
const QUANTITY_DECIMALS = 4;

export function DepthChart() {
  const { market, portfolio } = useServices();
  const drawing = useModelSlowly(DRAW_EVERY_MS, market, "book", "symbol");
  useModelSlowly(DRAW_EVERY_MS, portfolio, "orders");
  /** @type {{current: HTMLCanvasElement}} */ const canvas = useElement();
  const seen = useVisibleSize(canvas);
  const [zoom, setZoom] = useState(1);
  const [pointed, setPointed] = useState(/** @type {number | null} */ (null));
  const { book, instrument } = market;
  // Not with every move of the pointer.
  const curve = useMemo(
    () => (seen ? depthCurve(book.levels(LEVELS), zoom) : null),
    [book, drawing, seen !== null, zoom],
  );
  const reading = curve && pointed !== null ? depthAt(curve, pointed) : null;
  const own = curve && instrument ? orderLines(portfolio.orders.open(), instrument.symbol) : [];
  const beyond = curve && ordersBeyond(own, curve.low, curve.high);
  useLayoutEffect(() => {
    if (!curve || !seen || !instrument) return;
    drawDepth(canvas.current, seen, { curve, reading, own, decimals: scaleOf(instrument.tick_size) });
  });
  const hidden = curve ? curve.beyond.below + curve.beyond.above : 0;
  const mayWiden = zoom > 1 || (zoom === 1 && hidden > 0);
  const closer = (/** @type {1 | -1} */ direction) => {
    if (direction > 0) setZoom(zoom === ALL ? 1 : Math.min(ZOOM_MAX, zoom * 2));
    else if (mayWiden) setZoom(zoom === 1 ? ALL : zoom / 2);
  };
  const point = (/** @type {DomMouseEvent} */ event) => {
    if (!curve) return;
    const { left, width } = canvas.current.getBoundingClientRect();
    setPointed(curve.low + ((event.clientX - left) / width) * (curve.high - curve.low));
  };
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    if (!curve) return;
    actOnKey(event, {
      ArrowLeft: () => setPointed(nextStep(curve, pointed ?? curve.middle, -1)),
      ArrowRight: () => setPointed(nextStep(curve, pointed ?? curve.middle, 1)),
      "+": () => closer(1),
      "-": () => closer(-1),
      Escape: pointed === null ? undefined : () => setPointed(null),
    });
  };
  return html`
    <div class="chart-tools">
      <${DepthReadout} book=${book} instrument=${instrument} reading=${reading} hidden=${hidden} />
      <div class="intervals" role="group" aria-label="Zoom">
        <button type="button" class="interval" aria-label="Show more prices" disabled=${!mayWiden}
          onClick=${() => closer(-1)}>−</button>
        <button type="button" class="interval" aria-label="Show fewer prices" disabled=${zoom === ZOOM_MAX}
          onClick=${() => closer(1)}>+</button>
      </div>
    </div>
    <div class="chart-area">
      <canvas class="depth" id="depth" ref=${canvas} tabindex="0" role="application" aria-roledescription="chart"
        aria-label=${`Depth of the book${instrument ? ` of ${instrument.symbol}` : ""}`}
        aria-describedby="depth-readout"
        onPointerMove=${point} onPointerDown=${point} onPointerLeave=${() => setPointed(null)}
        onBlur=${() => setPointed(null)} onKeyDown=${onKeyDown}></canvas>
      ${
        beyond &&
        html`<${BeyondMark} edge="right" arrow="▶" beyond=${beyond.above} />
        <${BeyondMark} edge="left" arrow="◀" beyond=${beyond.below} />`
      }
      ${
        seen &&
        !curve &&
        html`<p class="chart-state">
        ${book.state === "empty" ? "The book is loading." : "Nobody is quoting. The first order draws the first step."}
        </p>`
      }
    </div>`;
}

/**
 * What is pointed at, else mid and spread.
 * @param {{book: import("../../model/market/book.js").Book, instrument: import("../../model/types.js").Instrument |
 *   null, reading: import("../../model/chart/depth-curve.js").Reading | null, hidden: number}} props
 */
function DepthReadout({ book, instrument, reading, hidden }) {
  if (!instrument) return html`<p class="legend" id="depth-readout"></p>`;
  const { base, quote } = instrument;
  if (!reading) {
    return html`
      <p class="legend" id="depth-readout" role="status">
        <span><i>Mid</i> ${midText(book.mid)}</span><span>
          <i>Spread</i> ${book.spread === null ? "–" : grouped(book.spread)}</span>
        ${
          hidden > 0 &&
          html`<span class="depth-hidden">
          ${grouped(String(hidden))} ${hidden === 1 ? "level" : "levels"} farther out: − shows more</span>`
        }
      </p>`;
  }
  const { side, step } = reading;
  if (!step)
    return html`<p class="legend" id="depth-readout" role="status">
      <span>Between the best prices: nothing stands here.</span></p>`;
  return html`
    <p class="legend" id="depth-readout" role="status" data-direction=${side === "buy" ? "1" : "-1"}>
      <span class="legend-side">${side === "buy" ? "▲ Bids down to" : "▼ Asks up to"} ${grouped(step.text)}</span>
      <span><i>Quantity</i> ${grouped(shortest(rounded(step.total, QUANTITY_DECIMALS)))} ${base}</span>
      <span><i>${side === "buy" ? "Worth" : "Cost"}</i> ${grouped(rounded(step.cost, COST_DECIMALS))} ${quote}</span>
    </p>`;
}

/**
 * The element's size in CSS pixels while it can be seen, else null; draws again when that changes. It is observed,
 * never asked for: asking makes the browser lay out the whole page anew at each drawing.
 * @param {{current: Element}} element
 * @returns {{width: number, height: number} | null}
 */
function useVisibleSize(element) {
  const [, redraw] = useReducer((/** @type {number} */ count, /** @type {void} */ _) => count + 1, 0);
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const watched = new ResizeObserver(([{ contentRect }]) =>
      setSize({ width: contentRect.width, height: contentRect.height }),
    );
    watched.observe(element.current);
    return () => watched.disconnect();
  }, []);
  useTheme(useCallback(() => redraw(), []));
  return width > 0 && height > 0 && !document.hidden ? { width, height } : null;
}
