/**
 * The theme's colours for what draws on a canvas, where a custom property means nothing.
 * Layer: view.
 */

const system = matchMedia("(prefers-color-scheme: light)");
/**
 * Asking the page costs a layout; a theme has each colour but once.
 * @type {Map<string, string>}
 */
const known = new Map();

/**
 * @param {string} token such as "--buy"
 * @returns {string} "rgb(…)" as it is in the theme that shows now
 */
export function colourOf(token) {
  const key = `${document.documentElement.dataset.theme} ${system.matches} ${token}`;
  let colour = known.get(key);
  if (colour === undefined) {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    probe.style.forcedColorAdjust = "none"; // else each would be the reader's one text colour
    document.body.append(probe);
    colour = getComputedStyle(probe).color;
    probe.remove();
    known.set(key, colour);
  }
  return colour;
}
