/**
 * Exact decimal arithmetic on texts, by BigInt. Prices and quantities never become floats.
 *
 * "Units" are whole numbers at a scale: at scale 2, "30000.5" is 3000050n.
 * Layer: model.
 */

const DECIMAL = /^(-?)(\d+)(?:\.(\d*))?$|^(-?)\.(\d+)$/;

/**
 * Decimals that a text shows: "0.01" has 2, "1" has 0.
 * @param {string} text
 */
export function scaleOf(text) {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/**
 * `text` as a whole number of units, or null when it is not a plain decimal or is finer than the scale.
 * @param {string} text
 * @param {number} scale
 * @returns {bigint | null}
 */
export function toUnits(text, scale) {
  const match = DECIMAL.exec(text.trim());
  if (!match) return null;
  const sign = match[1] || match[4] || "";
  const fraction = (match[3] ?? match[5] ?? "").replace(/0+$/, "");
  if (fraction.length > scale) return null;
  return BigInt(sign + (match[2] ?? "0") + fraction.padEnd(scale, "0"));
}

/**
 * The same of what is known to be a decimal, and not finer than the scale.
 * @param {string} text
 * @param {number} scale
 * @returns {bigint} throws RangeError of anything else
 */
export function unitsOf(text, scale) {
  const units = toUnits(text, scale);
  if (units === null) throw new RangeError(`not a decimal of scale ${scale}: ${text}`);
  return units;
}

/**
 * The text of `units`, always with `scale` decimals.
 * @param {bigint} units
 * @param {number} scale
 */
export function fromUnits(units, scale) {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * The exact product.
 * @param {string} left
 * @param {string} right
 * @returns {string | null} null when one of them is not a decimal
 */
export function multiply(left, right) {
  const leftScale = scaleOf(left.trim());
  const rightScale = scaleOf(right.trim());
  const a = toUnits(left, leftScale);
  const b = toUnits(right, rightScale);
  return a === null || b === null ? null : shortest(fromUnits(a * b, leftScale + rightScale));
}

/** The exact product of two that are known to be decimals. @param {string} left @param {string} right */
export function productOf(left, right) {
  const [leftScale, rightScale] = [scaleOf(left), scaleOf(right)];
  return shortest(fromUnits(unitsOf(left, leftScale) * unitsOf(right, rightScale), leftScale + rightScale));
}

/**
 * -1, 0 or 1 as `left` is below, at or above `right`. Both must be decimals.
 * @param {string} left
 * @param {string} right
 */
export function compare(left, right) {
  const scale = Math.max(scaleOf(left), scaleOf(right));
  const a = unitsOf(left, scale);
  const b = unitsOf(right, scale);
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * `left` less `right`, with the decimals of the finer one. Both must be decimals.
 * @param {string} left
 * @param {string} right
 */
export function subtract(left, right) {
  const scale = Math.max(scaleOf(left), scaleOf(right));
  const a = unitsOf(left, scale);
  const b = unitsOf(right, scale);
  return fromUnits(a - b, scale);
}

/**
 * Whether the decimal is zero, however it is written.
 * @param {string} text
 */
export function isZero(text) {
  return /^-?[0.]*$/.test(text);
}

/**
 * Without the zeros that say nothing: "0.500" is "0.5", "2.0" is "2".
 * @param {string} text
 */
export function shortest(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * With thousands separated: "30000.00" is "30,000.00".
 * @param {string} text
 */
export function grouped(text) {
  const [whole, fraction] = text.split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/**
 * Rounded to at most `decimals`, half away from zero. For showing, never for sending.
 * @param {string} text
 * @param {number} decimals
 */
export function rounded(text, decimals) {
  const scale = scaleOf(text);
  if (scale <= decimals) return text;
  const units = unitsOf(text, scale);
  const step = 10n ** BigInt(scale - decimals);
  const half = units < 0n ? -step / 2n : step / 2n;
  return fromUnits((units + half) / step, decimals);
}

/** Thousands, millions, ... */
const LARGE = Object.freeze(["", "K", "M", "B", "T"]);

/**
 * About how many digits wide a number is drawn: a point or a comma is half as wide as a digit.
 * @param {string} text with its thousands separated
 */
export function breadth(text) {
  return text.length - (text.match(/[.,]/g)?.length ?? 0) / 2;
}

/**
 * Short where it has no room: "987646666791" is "987.6B", cut toward zero. For showing.
 * @param {string} text of zero or more
 * @param {number} room in digits, for what stands before the point
 * @param {number} [digits] that are left of what has no room
 */
export function abbreviated(text, room, digits = 4) {
  const [whole] = text.split(".");
  if (breadth(grouped(whole)) <= room) return text;
  const power = Math.min(LARGE.length - 1, Math.floor((whole.length - 1) / 3));
  if (power === 0) return text;
  const [before, after] = [whole.slice(0, -3 * power), whole.slice(-3 * power)];
  const decimals = Math.max(0, digits - before.length);
  return `${decimals > 0 ? shortest(`${before}.${after.slice(0, decimals)}`) : before}${LARGE[power]}`;
}

/**
 * Cut to at most `decimals`, toward zero: never more than there is. For showing.
 * @param {string} text
 * @param {number} decimals
 */
export function truncated(text, decimals) {
  const point = text.indexOf(".");
  return point < 0 ? text : shortest(text.slice(0, point + 1 + decimals));
}
