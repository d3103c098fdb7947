/**
 * What an order takes from the account, and how large one can be: exact, as the venue's ledger reckons.
 *
 * A buy holds for each lot its price and the higher of the two fees on it, rounded up to the quote asset's
 * minor unit; a sell holds the lots. A market buy costs what the levels it takes cost, and the taker's fee; what these
 * are is certain only to the venue, which knows what icebergs hide and what self-trade prevention would do.
 * Layer: model.
 */

import { compare, fromUnits, grouped, rounded, scaleOf, shortest, truncated, unitsOf } from "../parts/decimal.js";

/** @typedef {import("../types.js").Instrument} Instrument */
/** @typedef {{asset: string, amount: string}} Money */
/** @typedef {{maker: bigint, taker: bigint}} Rates in units of 10^-RATE_SCALE of the notional; below zero: a rebate */

/** Amounts beside a field are short where that is enough. */
const SHORT_DECIMALS = 2;
const RATE_SCALE = 6;
const RATE_ONE = 10n ** BigInt(RATE_SCALE);
/** Percent to parts of one. */
const PERCENT_DECIMALS = 2;

/**
 * The account's own rates where it has them, else the symbol's.
 * @param {Instrument} instrument
 * @param {{maker_percent: string | null, taker_percent: string | null} | null} own of GET /account
 * @returns {Rates}
 */
export function feeRates(instrument, own) {
  const rate = (/** @type {"maker_percent" | "taker_percent"} */ name) =>
    unitsOf(own?.[name] ?? instrument.fees?.[name] ?? "0", RATE_SCALE - PERCENT_DECIMALS);
  return { maker: rate("maker_percent"), taker: rate("taker_percent") };
}

/**
 * The price that a buy's hold is reckoned at: its limit; of a stop or take-profit the worst that it may trade at once
 * triggered, which is the collar's width above its stop price; of one-cancels-other the dearer leg's.
 * @param {{order_type?: string, price?: string, stop_price?: string, stop_limit_price?: string}} order on the grid
 * @param {Instrument} instrument
 * @returns {string | null} null for what holds nothing, or so much as only the venue knows: a market order, a trailing
 *   stop
 */
export function holdPrice(order, instrument) {
  const { price = null, stop_price: stop, stop_limit_price: stopLimit } = order;
  if (!stop || (price !== null && order.order_type !== "oco")) return price;
  const percent = instrument.limits?.collar_percent ?? instrument.rules?.uncollared_percent;
  const leg = stopLimit ?? (percent === undefined ? null : collared(stop, percent, instrument));
  if (leg === null) return null;
  return price === null || compare(leg, price) > 0 ? leg : price;
}

/**
 * A price and the collar's width above it, or below it for a sell, in whole ticks.
 * @param {string} price
 * @param {string} percent the collar
 * @param {Instrument} instrument
 * @param {import("../types.js").Side} [side]
 */
function collared(price, percent, { tick_size: tick }, side = "buy") {
  const scale = scaleOf(tick);
  const collar = unitsOf(percent, RATE_SCALE - PERCENT_DECIMALS);
  const ticks = unitsOf(price, scale) / unitsOf(tick, scale);
  const width = (ticks * collar) / RATE_ONE;
  return fromUnits((side === "buy" ? ticks + width : ticks - width) * unitsOf(tick, scale), scale);
}

/**
 * What an order that rests or waits holds until it is filled or cancelled.
 * @param {{side: string, quantity: string, price: string}} order on the grid, its price that of `holdPrice`
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {Money & {fee: string}} `amount` with the fee in it; the most that can be taken
 */
export function holdOf(order, instrument, rates) {
  if (order.side === "sell") return { asset: instrument.base, amount: shortest(order.quantity), fee: "0" };
  const { lots, notional, fee, scale } = lotCost(order.price, instrument, rates);
  const count = unitsOf(order.quantity, scaleOf(instrument.lot_size)) / lots;
  return {
    asset: instrument.quote,
    amount: shortest(fromUnits(count * (notional + fee), scale)),
    fee: shortest(fromUnits(count * fee, scale)),
  };
}

/**
 * The levels that a market order may take: those within the collar and the band. Before the last trade is known
 * they are too many rather than too few.
 * @param {import("../types.js").Side} side of the order
 * @param {{asks: import("../types.js").Level[], bids: import("../types.js").Level[]}} levels best first
 * @param {{last: string | null, band: [string, string] | null}} market its last price, and the least and the greatest
 *   that may trade
 * @param {Instrument} instrument
 * @returns {import("../types.js").Level[]}
 */
export function withinReach(side, { asks, bids }, { last, band }, instrument) {
  const [offered, near] = side === "buy" ? [asks, bids[0]?.price] : [bids, asks[0]?.price];
  if (offered.length === 0) return [];
  const beyond = (/** @type {string} */ a, /** @type {string} */ b) =>
    side === "buy" ? compare(a, b) > 0 : compare(a, b) < 0;
  const best = offered[0].price;
  const edges = band ? [side === "buy" ? band[1] : band[0]] : [];
  const percent = instrument.limits?.collar_percent;
  if (percent) {
    const inside = near !== undefined && last !== null && beyond(near, last) ? near : last;
    edges.push(collared(inside === null || beyond(inside, best) ? best : inside, percent, instrument, side));
  }
  return upTo(offered, ({ price }) => edges.some((edge) => beyond(price, edge)));
}

/**
 * Those before the first that is beyond, of levels best first. O(log n) looks.
 * @param {import("../types.js").Level[]} levels
 * @param {(level: import("../types.js").Level) => boolean} isBeyond
 */
function upTo(levels, isBeyond) {
  let [low, high] = [0, levels.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBeyond(levels[middle])) high = middle;
    else low = middle + 1;
  }
  return levels.slice(0, low);
}

/**
 * Whether the hold of an order is what the page reckons: not where the venue may price it lower.
 * @param {any} order
 * @param {[string, string] | null} band
 */
export function isHoldCertain({ order_type: type, post_only: postOnly, price }, band) {
  return type !== "market" && postOnly !== "slide" && !(band && price && compare(price, band[1]) > 0);
}

/**
 * What a market order would take now.
 * @param {{side: string, quantity: string}} order
 * @param {import("../types.js").Level[]} asks of `withinReach`; a sell does not look at them
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {Money}
 */
export function costNow(order, asks, instrument, rates) {
  if (order.side === "sell") return { asset: instrument.base, amount: shortest(order.quantity) };
  const scale = scaleOfQuote(instrument);
  let left = unitsOf(order.quantity, scaleOf(instrument.lot_size));
  let cost = 0n;
  for (const level of asks) {
    const taken = least(left, unitsOf(level.quantity, scaleOf(instrument.lot_size)));
    cost += withTakerFee(notionalOf(taken, level.price, instrument), rates);
    left -= taken;
    if (left === 0n) break;
  }
  return { asset: instrument.quote, amount: shortest(fromUnits(cost, scale)) };
}

/**
 * The largest quantity that a part of what is available pays for, in whole lots.
 * @param {{side: string, price: string | null}} order without a price: a market order, which takes `asks`
 * @param {string} available of the asset that pays
 * @param {number} percent 1 to 100
 * @param {import("../types.js").Level[]} asks of `withinReach`, for a market buy
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {string | null} null when it is less than a lot, or the price is none
 */
export function affordable(order, available, percent, asks, instrument, rates) {
  const scale = Math.max(
    order.side === "sell" ? scaleOf(instrument.lot_size) : scaleOfQuote(instrument),
    scaleOf(available),
  );
  const budget = (unitsOf(available, scale) * BigInt(percent)) / 100n;
  const units = unitsFor(order, budget, scale, asks, instrument, rates);
  return units > 0n ? fromUnits(units, scaleOf(instrument.lot_size)) : null;
}

/**
 * @param {{side: string, price: string | null}} order
 * @param {bigint} budget
 * @param {number} scale of the budget
 * @param {import("../types.js").Level[]} asks
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {bigint} quantity in units of the lot size's scale, a whole number of lots
 */
function unitsFor(order, budget, scale, asks, instrument, rates) {
  const lots = unitsOf(instrument.lot_size, scaleOf(instrument.lot_size));
  if (order.side === "sell") {
    return (budget / (lots * 10n ** BigInt(scale - scaleOf(instrument.lot_size)))) * lots;
  }
  const finer = 10n ** BigInt(scale - scaleOfQuote(instrument));
  let left = budget / finer;
  if (order.price !== null) {
    const { notional, fee } = lotCost(order.price, instrument, rates);
    return notional + fee > 0n ? (left / (notional + fee)) * lots : 0n;
  }
  let units = 0n;
  for (const level of asks) {
    const { notional, fee } = lotCost(level.price, instrument, { maker: rates.taker, taker: rates.taker });
    const all = unitsOf(level.quantity, scaleOf(instrument.lot_size)) / lots;
    const count = least(all, left / (notional + fee));
    units += count * lots;
    left -= count * (notional + fee);
    if (count < all) break;
  }
  return units;
}

/**
 * A part of what is available, to be spent by a market order: with the taker's fee it is not more than that part.
 * @param {string} available of the quote asset
 * @param {number} percent 1 to 100
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {string | null} null when it is nothing
 */
export function spendable(available, percent, instrument, { taker }) {
  const scale = scaleOfQuote(instrument);
  const budget = (unitsOf(truncated(available, scale), scale) * BigInt(percent)) / 100n;
  const spent = (budget * RATE_ONE) / (RATE_ONE + (taker > 0n ? taker : 0n));
  return spent > 0n ? shortest(fromUnits(spent, scale)) : null;
}

/**
 * What spending so much takes with the taker's fee.
 * @param {string} amount
 * @param {Instrument} instrument
 * @param {Rates} rates
 * @returns {Money}
 */
export function costOfSpending(amount, instrument, rates) {
  const scale = scaleOfQuote(instrument);
  return { asset: instrument.quote, amount: shortest(fromUnits(withTakerFee(unitsOf(amount, scale), rates), scale)) };
}

/**
 * @param {Money} needed
 * @param {string} available
 * @returns {boolean}
 */
export function canPay(needed, available) {
  return compare(needed.amount, available) <= 0;
}

/** @param {Instrument} instrument decimals of the quote asset's minor unit */
function scaleOfQuote(instrument) {
  return instrument.quote_scale ?? scaleOf(instrument.tick_size) + scaleOf(instrument.lot_size);
}

/**
 * One lot at a price, in minor units of the quote asset.
 * @param {string} price
 * @param {Instrument} instrument
 * @param {Rates} rates
 */
function lotCost(price, instrument, rates) {
  const lots = unitsOf(instrument.lot_size, scaleOf(instrument.lot_size));
  const notional = notionalOf(lots, price, instrument);
  const rate = rates.maker > rates.taker ? rates.maker : rates.taker;
  return { lots, notional, fee: rate > 0n ? upwards(notional * rate) : 0n, scale: scaleOfQuote(instrument) };
}

/**
 * @param {bigint} units of quantity
 * @param {string} price
 * @param {Instrument} instrument minor units of the quote asset
 */
function notionalOf(units, price, instrument) {
  const product = units * unitsOf(price, scaleOf(price));
  const scale = scaleOf(instrument.lot_size) + scaleOf(price);
  const wanted = scaleOfQuote(instrument);
  return wanted >= scale ? product * 10n ** BigInt(wanted - scale) : product / 10n ** BigInt(scale - wanted);
}

/** @param {bigint} notional @param {Rates} rates */
function withTakerFee(notional, { taker }) {
  return taker > 0n ? notional + upwards(notional * taker) : notional;
}

/** @param {bigint} scaled by RATE_ONE, not below zero */
function upwards(scaled) {
  return (scaled + RATE_ONE - 1n) / RATE_ONE;
}

/** @param {bigint} a @param {bigint} b */
function least(a, b) {
  return a < b ? a : b;
}

/**
 * Why the ticket is not sent: what it needs and what there is.
 * @param {{asset: string, amount: string}} needed
 * @param {string} available
 */
export function describeShort({ asset, amount }, available) {
  const [needed, there] = [rounded(amount, SHORT_DECIMALS), truncated(available, SHORT_DECIMALS)];
  const clear = compare(needed, there) > 0; // cents are enough to see it
  const [needs, has] = clear ? [needed, there] : [amount, available];
  return `Needs ${grouped(shortest(needs))} ${asset}; ${grouped(shortest(has))} available.`;
}
