/**
 * Keys of a chart that has the focus.
 * Layer: view.
 */

/**
 * Do what the key stands for, and let nobody else act on it. A key without an act, or with a modifier, is left alone.
 * @param {KeyboardEvent} event
 * @param {Record<string, (() => void) | undefined>} acts by the key's name
 */
export function actOnKey(event, acts) {
  const act = acts[event.key];
  if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}
