/**
 * Drawing at most once per animation frame, or less often, however fast the feed.
 * Layer: view.
 */

/**
 * @param {() => void} draw
 * @returns {() => void} asks for a drawing at the next frame; asking again before that costs nothing
 */
export function oncePerFrame(draw) {
  let frame = 0;
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
}

/**
 * For what is dear to draw and read slowly, such as a long table.
 * @param {number} leastMs between two drawings
 * @param {() => void} draw
 * @returns {() => void} asks for a drawing at a frame not before that
 */
export function atMostEvery(leastMs, draw) {
  let waiting = false;
  let drawnAtMs = -Infinity;
  const drawNow = oncePerFrame(() => {
    waiting = false;
    drawnAtMs = performance.now();
    draw();
  });
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(drawNow, Math.max(0, drawnAtMs + leastMs - performance.now()));
  };
}
