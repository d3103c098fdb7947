/**
 * Drawing at most once per animation frame, however fast the feed.
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
