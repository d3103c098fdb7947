/**
 * The symbol in the page's address, behind the #: what a person typed there, or a link says.
 *
 * Layer: model.
 */

/** Longer than any symbol; of what is longer the rest says nothing. */
const NAME_MAX = 40;

/**
 * The name in a fragment, however broken that is. Never throws.
 * @param {string} fragment with its #, or ""
 * @returns {string} at most 40 characters; "" of none
 */
export function nameIn(fragment) {
  const text = fragment.replace(/^#/, "").slice(0, NAME_MAX * 12); // a character may be written as twelve
  return decoded(text).trim().slice(0, NAME_MAX);
}

/** @param {string} text @returns {string} as it is written, where it can't be decoded */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} symbol @returns {string} */
export function fragmentOf(symbol) {
  return `#${encodeURIComponent(symbol)}`;
}

/**
 * The symbol of that name, in any case.
 * @param {Iterable<string>} symbols
 * @param {string} name
 * @returns {string | undefined}
 */
export function symbolCalled(symbols, name) {
  const all = [...symbols];
  const wanted = name.toUpperCase();
  return all.find((symbol) => symbol === name) ?? all.find((symbol) => symbol.toUpperCase() === wanted);
}
