/**
 * Drawing when a model tells a change: at most once per animation frame, or less often, however fast the feed.
 *
 * All components that changed are drawn in the same frame, parents before their children.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";

/** @type {Set<(nothing?: undefined) => void>} */ const waiting = new Set();
let frame = 0;

/** @param {() => void} draw is called at the next frame; asking again before that costs nothing */
function atNextFrame(draw) {
  waiting.add(draw);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    const due = [...waiting];
    waiting.clear();
    for (const each of due) each();
  });
}

/** @returns {() => void} draws the component that calls this; always the same function */
function useRedraw() {
  return useReducer((count) => count + 1, 0)[1];
}

/**
 * Draw the component whenever `target` tells one of these events; it then reads the fields of the model itself.
 * @param {EventTarget} target
 * @param {...string} names
 */
export function useModel(target, ...names) {
  const redraw = useRedraw();
  useLayoutEffect(() => {
    const request = () => atNextFrame(redraw);
    for (const name of names) target.addEventListener(name, request);
    return () => {
      for (const name of names) target.removeEventListener(name, request);
      waiting.delete(redraw);
    };
  }, [target, names.join(" ")]);
}

/**
 * The same for what is dear to draw and read slowly, such as a long table.
 * @param {number} leastMs between two drawings
 * @param {EventTarget} target
 * @param {...string} names
 */
export function useModelSlowly(leastMs, target, ...names) {
  const redraw = useRedraw();
  useLayoutEffect(() => {
    let drawnAtMs = -Infinity;
    let timer = 0;
    const draw = () => {
      timer = 0;
      drawnAtMs = performance.now();
      atNextFrame(redraw);
    };
    const request = () => (timer ||= setTimeout(draw, Math.max(0, drawnAtMs + leastMs - performance.now())));
    for (const name of names) target.addEventListener(name, request);
    return () => {
      for (const name of names) target.removeEventListener(name, request);
      clearTimeout(timer);
      waiting.delete(redraw);
    };
  }, [leastMs, target, names.join(" ")]);
}

/** Draw the component again and again: for what changes with the clock alone. @param {number} everyMs */
export function useClock(everyMs) {
  const redraw = useRedraw();
  useEffect(() => {
    const timer = setInterval(() => atNextFrame(redraw), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
