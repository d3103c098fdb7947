/**
 * Draws the depth of the book on a canvas: two stairs, their axes, the middle, own orders and what is pointed at.
 *
 * Layer: view.
 */

import { grouped } from "../../model/parts/decimal.js";
import { colourOf } from "./colours.js";

const FONT = "11px system-ui, sans-serif";
/** Below the stairs, for the prices; CSS pixels. */
const AXIS = 20;
const PRICE_LABEL_EVERY = 85;
const QUANTITY_LABEL_EVERY = 55;
const OWN_RADIUS = 4;
/** Above a line, for its label. */
const LABEL_ROOM = 14;

/** @typedef {import("../../model/chart/depth-curve.js").Curve} Curve */
/**
 * @typedef {{curve: Curve, reading: import("../../model/chart/depth-curve.js").Reading | null, own:
 *   import("../../model/chart/chart-marks.js").OrderLine[], decimals: number}} Depth
 */
/** @typedef {{x: (price: number) => number, y: (quantity: number) => number, width: number, bottom: number}} Scales */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{width: number, height: number}} size CSS pixels
 * @param {Depth} depth
 */
export function drawDepth(canvas, { width, height }, depth) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = FONT;
  const { curve } = depth;
  const bottom = height - AXIS;
  const scales = {
    x: (/** @type {number} */ price) => ((price - curve.low) / (curve.high - curve.low)) * width,
    y: (/** @type {number} */ quantity) => bottom - (quantity / curve.most) * bottom,
    width,
    bottom,
  };
  drawAxes(pen, scales, depth);
  drawStairs(pen, scales, curve.bids, "buy");
  drawStairs(pen, scales, curve.asks, "sell");
  drawLine(pen, scales.x(curve.middle), bottom, colourOf("--soft"), [3, 3]);
  drawOwn(pen, scales, depth);
  drawReading(pen, scales, depth);
}

/** @param {CanvasRenderingContext2D} pen @param {Scales} scales @param {Depth} depth */
function drawAxes(pen, { x, y, width, bottom }, { curve, decimals }) {
  pen.strokeStyle = colourOf("--grid");
  pen.fillStyle = colourOf("--soft");
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  for (const quantity of roundSteps(0, curve.most, Math.max(2, bottom / QUANTITY_LABEL_EVERY))) {
    if (quantity === 0) continue;
    pen.beginPath();
    pen.moveTo(0, Math.round(y(quantity)) + 0.5);
    pen.lineTo(width, Math.round(y(quantity)) + 0.5);
    pen.stroke();
    pen.textAlign = "right";
    if (y(quantity) > LABEL_ROOM) pen.fillText(shortNumber(quantity), width - 4, y(quantity) - 7);
  }
  pen.textAlign = "center";
  for (const price of roundSteps(curve.low, curve.high, Math.max(2, width / PRICE_LABEL_EVERY))) {
    const text = grouped(price.toFixed(decimals));
    const half = pen.measureText(text).width / 2 + 2;
    pen.beginPath();
    pen.moveTo(Math.round(x(price)) + 0.5, bottom);
    pen.lineTo(Math.round(x(price)) + 0.5, bottom + 3);
    pen.stroke();
    if (x(price) > half && x(price) < width - half) pen.fillText(text, x(price), bottom + AXIS / 2 + 1);
  }
}

/**
 * From the best price outward; a level reaches as far as the next.
 * @param {CanvasRenderingContext2D} pen
 * @param {Scales} scales
 * @param {import("../../model/chart/depth-curve.js").Step[]} steps
 * @param {"buy" | "sell"} side
 */
function drawStairs(pen, { x, y, width, bottom }, steps, side) {
  if (steps.length === 0) return;
  const edge = side === "buy" ? 0 : width;
  pen.beginPath();
  pen.moveTo(x(steps[0].price), bottom);
  let level = bottom;
  for (const { price, cumulative } of steps) {
    pen.lineTo(x(price), level);
    level = y(cumulative);
    pen.lineTo(x(price), level);
    if (side === "buy" ? x(price) < 0 : x(price) > width) break;
  }
  pen.lineTo(edge, level);
  pen.strokeStyle = colourOf(`--${side}`);
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.lineTo(edge, bottom);
  pen.closePath();
  pen.fillStyle = colourOf(`--${side}-bar`);
  pen.fill();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} bottom
 * @param {string} colour
 * @param {number[]} [dashes]
 */
function drawLine(pen, x, bottom, colour, dashes = []) {
  pen.setLineDash(dashes);
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(Math.round(x) + 0.5, 0);
  pen.lineTo(Math.round(x) + 0.5, bottom);
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * A triangle on the price axis at each price of an own order.
 * @param {CanvasRenderingContext2D} pen
 * @param {Scales} scales
 * @param {Depth} depth
 */
function drawOwn(pen, { x, bottom }, { curve, own }) {
  for (const { price, side, stop } of own) {
    if (price < curve.low || price > curve.high) continue;
    const colour = colourOf(`--${side}`);
    drawLine(pen, x(price), bottom, colour, stop ? [1, 3] : [4, 3]);
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x(price), bottom - OWN_RADIUS * 2);
    pen.lineTo(x(price) + OWN_RADIUS, bottom);
    pen.lineTo(x(price) - OWN_RADIUS, bottom);
    pen.fill();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Scales} scales @param {Depth} depth */
function drawReading(pen, { x, y, bottom }, { reading }) {
  if (!reading) return;
  drawLine(pen, x(reading.price), bottom, colourOf("--text"));
  if (!reading.step) return;
  pen.fillStyle = colourOf(`--${reading.side}`);
  pen.beginPath();
  pen.arc(x(reading.price), y(reading.step.cumulative), OWN_RADIUS, 0, 2 * Math.PI);
  pen.fill();
}

/**
 * Round numbers from `low` to `high`, about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function roundSteps(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, index) => (first + index) * step);
}

const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** @param {number} number */
function shortNumber(number) {
  return SHORT.format(number);
}
