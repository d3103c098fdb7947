/**
 * Quantities in a column of fixed width: all with the same decimals, as many as the greatest has room for.
 *
 * Cut toward zero, never more than there is; what is greater than its room is written short, and what is less than the
 * decimals show is shown as less, never as nothing.
 * Layer: model.
 */

import { abbreviated, fromUnits, toUnits } from "./decimal.js";

/**
 * @param {bigint[]} quantities of zero or more, all that stand in columns that are to be cut alike
 * @param {number} digits that there is room for, and a point
 * @param {number} scale of the quantities
 * @returns {(quantity: bigint) => string}
 */
export function columnOf(quantities, digits, scale) {
  const short = (/** @type {bigint} */ units) => abbreviated(fromUnits(units, scale), digits + 0.5);
  const greatest = quantities.reduce((most, units) => (units > most && !isShort(short(units)) ? units : most), 0n);
  const decimals = Math.max(0, Math.min(scale, digits - fromUnits(greatest, scale).split(".")[0].length));
  const least = 10n ** BigInt(scale - decimals);
  return (units) => {
    const text = short(units);
    if (isShort(text)) return text;
    return units > 0n && units < least
      ? `<${cut(fromUnits(least, scale), decimals)}`
      : cut(fromUnits(units, scale), decimals);
  };
}

/**
 * The same of texts.
 * @param {string[]} quantities plain decimals
 * @param {number} digits
 * @param {number} scale that none is finer than
 * @returns {(quantity: string) => string}
 */
export function textColumnOf(quantities, digits, scale) {
  const unitsIn = (/** @type {string} */ text) => toUnits(text, scale) ?? 0n;
  const shown = columnOf(quantities.map(unitsIn), digits, scale);
  return (text) => shown(unitsIn(text));
}

/** @param {string} text */
export function isShort(text) {
  return /[A-Z]$/.test(text);
}

/** Without the decimals beyond `decimals`, never more than there is. @param {string} text @param {number} decimals */
export function cut(text, decimals) {
  const point = text.indexOf(".");
  if (point < 0) return text;
  return decimals === 0 ? text.slice(0, point) : text.slice(0, point + 1 + decimals);
}
