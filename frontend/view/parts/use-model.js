/**
 * Drawing when a store emits a change: at most once per animation frame, or less often, however fast the feed.
 *
 * What people do is drawn at the next frame; what the feed or the clock drives keeps a pace of its own, all of it in
 * the same frames, so that the frames between cost nothing and are there for pointer and keys.
 * All components that changed are drawn in the same frame, parents before their children.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";

/** @type {Set<(nothing?: undefined) => void>} */ const waiting = new Set();
let frame = 0;

/** @param {() => void} draw is called at the next frame; asking again before that costs nothing */
function atNextFrame(draw) {
  waiting.add(draw);
  if (frame !== 0) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    const due = [...waiting];
    waiting.clear();
    for (const each of due) each();
  });
}

/**
 * A little less than three frames of sixty a second: twenty drawings, and no change waits longer than this and a frame.
 */
const PACE_MS = 47;
/** @type {Set<() => void>} */ const paced = new Set();
let pacedAtMs = -Infinity;
/** @type {ReturnType<typeof setTimeout> | undefined} */ let pace;

/**
 * @param {() => void} draw is called at the next frame of the pace: the very next, when nothing was drawn just before
 */
function atPace(draw) {
  paced.add(draw);
  if (pace !== undefined) return;
  pace = setTimeout(() => atNextFrame(drawPaced), Math.max(0, pacedAtMs + PACE_MS - performance.now()));
}

function drawPaced() {
  pace = undefined;
  pacedAtMs = performance.now();
  const due = [...paced];
  paced.clear();
  for (const each of due) each();
}

/** When all that the feed has changed so far is drawn. @returns {Promise<void>} */
export function drawnAtPace() {
  return new Promise((drawn) => atPace(() => setTimeout(drawn)));
}

/**
 * @returns {[number, () => void]} how often it was drawn by what draws the component that calls this; the latter is
 *   always the same function
 */
function useRedraw() {
  return useReducer((/** @type {number} */ count, /** @type {void} */ _) => count + 1, 0);
}

/**
 * Draw the component by `ask` whenever `target` emits one of `names`, until it goes.
 * @param {(draw: () => void) => void} ask
 * @param {Set<() => void>} asked what `ask` adds to
 * @param {EventTarget} target
 * @param {string[]} names
 */
function useEvents(ask, asked, target, names) {
  const [, redraw] = useRedraw();
  useLayoutEffect(() => {
    const request = () => ask(redraw);
    for (const name of names) target.addEventListener(name, request);
    return () => {
      for (const name of names) target.removeEventListener(name, request);
      asked.delete(redraw);
    };
  }, [target, names.join(" ")]);
}

/**
 * Draw the component whenever `target` emits one of these events; it then reads the fields of the store itself.
 * @param {EventTarget} target
 * @param {...string} names
 */
export function useModel(target, ...names) {
  useEvents(atNextFrame, waiting, target, names);
}

/**
 * The same for what the feed changes many times a second: drawn at the pace.
 * @param {EventTarget} target
 * @param {...string} names
 */
export function useFeed(target, ...names) {
  useEvents(atPace, paced, target, names);
}

/**
 * The same for what is dear to draw and read slowly, such as a long table.
 * @param {number} leastMs between two drawings
 * @param {EventTarget} target
 * @param {...string} names
 * @returns {number} another one at each of these drawings: what is dear to reckon can be kept until then
 */
export function useModelSlowly(leastMs, target, ...names) {
  const [drawing, redraw] = useRedraw();
  useLayoutEffect(() => {
    let drawnAtMs = -Infinity;
    let timer = 0;
    const draw = () => {
      timer = 0;
      drawnAtMs = performance.now();
      atPace(redraw);
    };
    const request = () => (timer ||= setTimeout(draw, Math.max(0, drawnAtMs + leastMs - performance.now())));
    for (const name of names) target.addEventListener(name, request);
    return () => {
      for (const name of names) target.removeEventListener(name, request);
      clearTimeout(timer);
      paced.delete(redraw);
    };
  }, [leastMs, target, names.join(" ")]);
  return drawing;
}

/** Draw the component again and again: for what changes with the clock alone. @param {number} everyMs */
export function useClock(everyMs) {
  const [, redraw] = useRedraw();
  useEffect(() => {
    const timer = setInterval(() => atPace(redraw), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
