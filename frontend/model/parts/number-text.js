/**
 * Numbers as people write and paste them, read exactly: "30,002.91", "29 000.50", "29000,5", "0.5 BTC".
 *
 * A point alone is a decimal point, as everywhere on the page. A comma is one where it can be nothing else; "1,234"
 * could be 1234 or 1.234, and is asked about, never guessed. What is sent is always plain: ASCII digits and a point.
 * Layer: model.
 */

/**
 * @typedef {{value: string, readings?: undefined, problem?: undefined}} Value a plain decimal
 * @typedef {{value?: undefined, readings: [string, string], problem?: undefined}} Question both plain decimals that it
 *   could be
 * @typedef {{value?: undefined, readings?: undefined, problem: string, unit?: string}} Nonsense why it is none: "" of
 *   no text at all; `unit` that is another than the field's
 */

const NO_NUMBER = "It is no number.";
/** Whatever is drawn as a gap: no-break, narrow and thin ones too. */
const GAPS = /[\s\u00a0\u2007-\u200a\u202f\u205f\u3000]+/gu;
/** Drawn, and pasted, as one. */
const APOSTROPHES = /[\u2018\u2019\u02bc\u00b4`]/gu;
const MINUSES = /^[\u2212\u2013\ufe63\uff0d]\s*/u;
/** The number, its sign before it; what follows is its unit. */
const PARTS = /^(-?)([\d.,' ]*[\d.,])\s*(\D.*)?$/su;
const UNIT = /^(?:\p{L}{2,12}|[%$€£¥])$/u;
const PLAIN = /^(?:\d+\.?\d*|\.\d+)$/;
const THOUSANDS = /^[1-9]\d{0,2}(?:,\d{3})+$/;
/** Two digits at a time above the thousands, by commas alone. */
const AS_IN_INDIA = /^[1-9]\d?(?:,\d{2})+,\d{3}$/;
/** A comma that may be a decimal point, or may part the thousands. */
const EITHER = /^[1-9]\d{0,2},\d{3}$/;
const DECIMAL_COMMA = /^\d*,\d+$|^\d+,$/;

/**
 * @param {string} text as typed
 * @param {string[]} [units] that may stand behind it: those of the field, in any case
 * @returns {Value | Question | Nonsense}
 */
export function readNumber(text, units = []) {
  const tidy = text.replace(GAPS, " ").trim().replace(MINUSES, "-").replace(APOSTROPHES, "'");
  if (tidy === "") return { problem: "" };
  const parts = PARTS.exec(withoutUnit(tidy, units));
  if (!parts) return { problem: NO_NUMBER };
  const [, sign, digits, rest] = parts;
  if (rest !== undefined) return unitProblem(rest, units);
  const read = readDigits(digits).map(cleaned);
  if (read.length === 0) return { problem: NO_NUMBER };
  if (read.length === 1) return { value: sign + read[0] };
  return { readings: [sign + read[0], sign + read[1]] };
}

/**
 * A whole number, such as that of an order: no sign, its thousands parted or not.
 * @param {string} text
 * @returns {string | null} its digits
 */
export function readWhole(text) {
  const tidy = text.replace(GAPS, " ").trim().replace(APOSTROPHES, "'").replace(/^#\s*/, "");
  if (/^\d+$/.test(tidy)) return tidy;
  return [",", " ", "'"].some((mark) => isGrouped(tidy, mark)) ? tidy.replace(/\D/g, "") : null;
}

/**
 * The plain decimal that a text is; null of one that is none, or that has to be asked about.
 * @param {string} text
 * @param {string[]} [units]
 * @returns {string | null}
 */
export function plainOf(text, units) {
  return readNumber(text, units).value ?? null;
}

/** Whether a text is written as it is sent, or empty: how it is read need not be said. @param {string} text */
export function isPlain(text) {
  return text.trim() === "" || PLAIN.test(text.trim());
}

/**
 * Both that it could be, to be asked about; null where there is nothing to ask.
 * @param {string} text
 * @param {string[]} [units]
 * @returns {[string, string] | null}
 */
export function readingsOf(text, units) {
  return readNumber(text, units).readings ?? null;
}

/**
 * What is wrong with a text as a number, within a sentence's reach of its noun; "" of one that is a number.
 * @param {string} text not empty
 * @param {string} noun such as "price"
 * @param {string[]} [units]
 * @param {string} [example]
 */
export function numberProblem(text, noun, units, example = "12.5") {
  const { value, readings, problem } = readNumber(text, units);
  if (value !== undefined) return "";
  if (readings) return `${text.trim()} could be ${readings[0]} or ${readings[1]}: which?`;
  return problem === NO_NUMBER ? `The ${noun} is a plain number such as ${example}.` : problem;
}

/** @param {string} text @param {string[]} units */
function withoutUnit(text, units) {
  const found = units.filter(Boolean).find((unit) => {
    if (!text.toLowerCase().endsWith(unit.toLowerCase())) return false;
    const before = text.slice(0, text.length - unit.length);
    return /\d[.,]?$/.test(before) ? !/^\d/.test(unit) : / $/.test(before);
  });
  return found ? text.slice(0, text.length - found.length).trim() : text;
}

/** @param {string} rest what stands behind the number @param {string[]} units @returns {Nonsense} */
function unitProblem(rest, units) {
  const [unit] = units.filter(Boolean);
  return unit && UNIT.test(rest)
    ? { problem: `The unit here is ${unit}, not ${rest}.`, unit: rest }
    : { problem: NO_NUMBER };
}

/** As the venue reads it: digits before and behind a point. @param {string} plain "007.", ".5" */
function cleaned(plain) {
  return plain
    .replace(/\.$/, "")
    .replace(/^0+(?=\d)/, "")
    .replace(/^\./, "0.");
}

/**
 * Everything that digits and marks can mean: no reading, one, or two.
 * @param {string} text
 * @returns {string[]} plain decimals
 */
function readDigits(text) {
  if (PLAIN.test(text)) return [text];
  const gaps = text.includes(" ") || text.includes("'");
  if (EITHER.test(text)) return [text.replace(",", ""), text.replace(",", ".")];
  if (!gaps && !text.includes(".") && DECIMAL_COMMA.test(text)) return [text.replace(",", ".")];
  for (const [group, point] of [
    [",", "."],
    [".", ","],
    [" ", "."],
    [" ", ","],
    ["'", "."],
    ["'", ","],
  ]) {
    const [whole, fraction, ...more] = text.split(point);
    if (more.length > 0 || !/^\d*$/.test(fraction ?? "") || !isGrouped(whole, group)) continue;
    const isDecimalPoint = group === "." && whole.indexOf(".") === whole.lastIndexOf(".");
    if (fraction === undefined && isDecimalPoint) continue;
    const plain = whole.replaceAll(group, "");
    return [fraction === undefined ? plain : `${plain}.${fraction}`];
  }
  return [];
}

/**
 * Whether a text is a whole number with its thousands parted by that mark.
 * @param {string} text
 * @param {string} mark
 */
function isGrouped(text, mark) {
  if (mark === ",") return THOUSANDS.test(text) || AS_IN_INDIA.test(text);
  return !text.includes(",") && THOUSANDS.test(text.replaceAll(mark, ","));
}
