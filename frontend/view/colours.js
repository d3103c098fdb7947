/**
 * The theme's colours for what draws on a canvas, where a custom property means nothing.
 * Layer: view.
 */

/**
 * @param {string} token such as "--buy"
 * @returns {string} "rgb(…)" as it is in the theme that shows now
 */
export function colourOf(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
