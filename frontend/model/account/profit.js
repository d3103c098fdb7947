/**
 * Profit and loss as the venue reckons it from every fill since the first, as rows: nothing is reckoned here.
 * Layer: model.
 */

import { compare, fromUnits, grouped, isZero, rounded, scaleOf, shortest, unitsOf } from "../parts/decimal.js";

/** Decimals of money; the title has all of them. */
const MONEY_DECIMALS = 2;

/**
 * @typedef {object} ProfitRow texts as they are shown; "–" of what is not known
 * @property {string} key
 * @property {boolean} total of one asset of payment, rather than a symbol
 * @property {string} name of the symbol, or of that asset
 * @property {Figure} position
 * @property {Figure} average
 * @property {Figure} mark
 * @property {Figure} unrealised
 * @property {Figure} realised
 * @property {Figure} fees
 * @property {Figure} profit
 * @property {string} fills
 */
/**
 * @typedef {{text: string, exact: string, sign: -1 | 0 | 1}} Figure `exact` with its unit, for a title; `sign` for its
 *   colour: 0 of what is no gain or loss
 */

/**
 * Symbols in the order of their names, then the total of each asset that they are paid in.
 * @param {{positions: any[], totals: any[]}} answer of GET /account/profit
 * @param {Map<string, import("../types.js").Instrument>} instruments for how fine prices are
 * @returns {ProfitRow[]}
 */
export function profitRows({ positions, totals }, instruments) {
  const rows = positions.map((position) => {
    const { symbol, base, quote, position: held, average_price: average, mark, fills } = position;
    const decimals = Math.max(MONEY_DECIMALS, scaleOf(instruments.get(symbol)?.tick_size ?? ""));
    return {
      ...moneyOf(position, quote),
      key: symbol,
      total: false,
      name: symbol,
      position: figure(shown(shortest(held)), held, base),
      average: average === null ? NONE : figure(shown(fixed(average, decimals)), average, quote),
      mark: mark === null ? NONE : figure(shown(fixed(mark, decimals)), mark, quote),
      fills: grouped(String(fills)),
    };
  });
  const sums = totals.map((total) => ({
    ...moneyOf(total, total.asset),
    key: `total ${total.asset}`,
    total: true,
    name: `All in ${total.asset}`,
    position: EMPTY,
    average: EMPTY,
    mark: EMPTY,
    fills: grouped(String(total.fills)),
  }));
  return [...rows, ...sums];
}

/** How many fills all of it is the sum of. @param {{totals: {fills: number}[]}} answer */
export function fillsIn({ totals }) {
  return totals.reduce((sum, { fills }) => sum + fills, 0);
}

/** @type {Figure} */
const NONE = Object.freeze({ text: "–", exact: "", sign: 0 });
/** @type {Figure} */
const EMPTY = Object.freeze({ text: "", exact: "", sign: 0 });

/** @param {any} sums of a symbol or a total @param {string} unit */
function moneyOf({ unrealised, realised, fees, profit }, unit) {
  return {
    unrealised: gain(unrealised, unit),
    realised: gain(realised, unit),
    fees: paid(fees, unit),
    profit: gain(profit, unit),
  };
}

/**
 * With its sign, since colour alone is not seen by everybody.
 * @param {string | null} amount
 * @param {string} unit
 * @returns {Figure}
 */
function gain(amount, unit) {
  if (amount === null) return NONE;
  const sign = /** @type {-1 | 0 | 1} */ (compare(amount, "0"));
  return { text: `${sign > 0 ? "+" : ""}${shown(fixed(amount, MONEY_DECIMALS))}`, exact: `${amount} ${unit}`, sign };
}

/**
 * What was paid; below zero the rebates were more, which is a gain.
 * @param {string} fees
 * @param {string} unit
 * @returns {Figure}
 */
function paid(fees, unit) {
  if (!fees.startsWith("-") || isZero(fees)) return figure(shown(fixed(fees, MONEY_DECIMALS)), fees, unit);
  return {
    text: `+${shown(fixed(fees.slice(1), MONEY_DECIMALS))}`,
    exact: `${fees.slice(1)} ${unit}, more rebates than fees`,
    sign: 1,
  };
}

/** @param {string} text @param {string} exact @param {string} unit @returns {Figure} */
function figure(text, exact, unit) {
  return { text, exact: `${exact} ${unit}`, sign: 0 };
}

/** Always with its decimals. @param {string} text @param {number} decimals */
function fixed(text, decimals) {
  return fromUnits(unitsOf(rounded(text, decimals), decimals), decimals);
}

/** @param {string} text */
function shown(text) {
  return text.startsWith("-") ? `−${grouped(text.slice(1))}` : grouped(text);
}
