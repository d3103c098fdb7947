/**
 * What the ladder shows: levels in groups of ticks, running totals, the account's own orders at their levels.
 *
 * Prices and quantities are counted in whole units of the book's scales; a group is a whole number of ticks.
 * A group of bids is named by its lowest price and one of asks by its highest, so that neither promises more
 * than is there. Cost: of what is shown, and of the levels in it.
 * Layer: model.
 */

import { columnOf, cut, isShort } from "../parts/columns.js";
import { abbreviated, breadth, fromUnits, grouped, scaleOf, shortest, toUnits, unitsOf } from "../parts/decimal.js";

/** @typedef {import("../types.js").Side} Side */

const GROUPINGS_MAX = 7;
/** A group is at most this part of the price. */
const COARSEST_PART = 20n;
/**
 * Digits that sizes and totals are shown with, so that their columns keep their width: both alike, or a total looks
 * less than its size.
 */
const SIZE_DIGITS = 8;
const OWN_DIGITS = 5;
/** Digits that a price has room for; a longer one takes it from sizes and totals. */
const PRICE_DIGITS = 9;

/**
 * @typedef {object} LadderRow
 * @property {string} price a whole number of ticks
 * @property {string} shown the price with as many decimals as the group has
 * @property {string} quantity cut to the decimals that all rows have room for, and short where it has none
 * @property {string} total quantity from the best level to this one, likewise
 * @property {string} exact both as they are, in words, where they are shown short or cut; else ""
 * @property {number} orders
 * @property {number} share of the bar, in whole per cent of the longest
 * @property {boolean} meets whether it would trade in the auction that is gathering
 * @property {string} own what rests here of the account's, short; "" of none
 * @property {string} place where the first of it stands: "3rd"; "" while unknown
 * @property {string} ownWords the same in words; "" of none
 */

/**
 * @typedef {{quantity: bigint, orders: number, place: import("../orders/queue-positions.js").QueuePosition | null}}
 *   OwnLevel
 */

/** @typedef {{price: bigint, quantity: bigint, total: bigint, orders: number}} Group */

/**
 * The sizes of groups to choose from: 1, 10, 100, ... ticks.
 * @param {string} tickSize
 * @param {string | null} price about what it trades at
 * @returns {string[]} in the quote asset: "0.01", "0.1", "1"
 */
export function groupings(tickSize, price) {
  const scale = scaleOf(tickSize);
  const tick = unitsOf(tickSize, scale);
  const units = price === null ? null : toUnits(cut(price, scale), scale);
  const sizes = [];
  for (let size = tick; sizes.length < GROUPINGS_MAX; size *= 10n) {
    if (size > tick && units !== null && size * COARSEST_PART > units) break;
    sizes.push(shortest(fromUnits(size, scale)));
  }
  return sizes;
}

/**
 * @param {bigint} price
 * @param {bigint} step
 * @param {Side} side
 * @returns {bigint} the price that its group is named by
 */
function groupOf(price, step, side) {
  return side === "buy" ? (price / step) * step : ((price + step - 1n) / step) * step;
}

/**
 * Where the account's orders rest, by side and group. O(orders).
 * @param {import("../types.js").Order[]} orders open ones, of any symbol
 * @param {import("../orders/queue-positions.js").QueuePositions} positions
 * @param {import("../types.js").Instrument} instrument
 * @param {string} grouping of `groupings`
 * @returns {Map<string, OwnLevel>} by "buy 3000000"
 */
export function ownLevels(orders, positions, { symbol, tick_size, lot_size }, grouping) {
  const [priceScale, quantityScale] = [scaleOf(tick_size), scaleOf(lot_size)];
  const step = unitsOf(grouping, priceScale);
  /** @type {Map<string, OwnLevel>} */ const levels = new Map();
  for (const order of orders) {
    if (order.symbol !== symbol || order.price === null || order.status === "pending_trigger") continue;
    const price = toUnits(order.price, priceScale);
    const quantity = toUnits(order.remaining, quantityScale);
    if (price === null || quantity === null) continue;
    const side = /** @type {Side} */ (order.side);
    const key = `${side} ${groupOf(price, step, side)}`;
    const level = levels.get(key) ?? { quantity: 0n, orders: 0, place: null };
    levels.set(key, {
      quantity: level.quantity + quantity,
      orders: level.orders + 1,
      place: nearer(level.place, positions.of(order.order_id)),
    });
  }
  return levels;
}

/** @param {OwnLevel["place"]} a @param {OwnLevel["place"]} b */
function nearer(a, b) {
  if (a === null || b === null) return a ?? b;
  return b.ordersAhead < a.ordersAhead ? b : a;
}

/**
 * @param {import("../market/book.js").BookSides} sides
 * @param {object} view
 * @param {string} view.grouping of `groupings`
 * @param {number} view.asks how many rows of them
 * @param {number} view.bids
 * @param {"total" | "level"} view.bars what their length shows: all up to the level, or the level alone
 * @param {Map<string, OwnLevel>} view.own
 * @param {string | null} [view.indicative] the price at which a gathering auction would trade
 * @returns {{asks: LadderRow[], bids: LadderRow[]}} best first
 */
export function ladderOf(sides, { grouping, asks, bids, bars, own, indicative = null }) {
  const step = unitsOf(grouping, sides.priceScale);
  const auction = indicative === null ? null : toUnits(indicative, sides.priceScale);
  const groups = { sell: groupsOf(sides.asks, "sell", step, asks), buy: groupsOf(sides.bids, "buy", step, bids) };
  const all = [...groups.sell, ...groups.buy];
  const lengthOf = (/** @type {Group} */ { total, quantity }) => (bars === "total" ? total : quantity);
  const longest = all.reduce((most, group) => (lengthOf(group) > most ? lengthOf(group) : most), 1n);
  const shown = (/** @type {string} */ price) =>
    grouped(price.slice(0, price.length - sides.priceScale + scaleOf(grouping)).replace(/\.$/, ""));
  const widest = all.reduce((most, { price }) => Math.max(most, breadth(shown(fromUnits(price, sides.priceScale)))), 0);
  const missing = Math.max(0, widest - PRICE_DIGITS);
  const textOf = columnOf(
    all.flatMap(({ quantity, total }) => [quantity, total]),
    SIZE_DIGITS - Math.ceil(missing / 2),
    sides.quantityScale,
  );
  const toRow = (/** @type {Side} */ side) => (/** @type {Group} */ group) => {
    const price = fromUnits(group.price, sides.priceScale);
    const mine = own.get(`${side} ${group.price}`);
    const [quantity, total] = [textOf(group.quantity), textOf(group.total)];
    const whole = (/** @type {bigint} */ units) => shortest(fromUnits(units, sides.quantityScale));
    const isWhole = shortest(quantity) === whole(group.quantity) && shortest(total) === whole(group.total);
    return {
      price,
      shown: shown(price),
      quantity,
      total,
      exact: isWhole ? "" : `${grouped(whole(group.quantity))}, in all ${grouped(whole(group.total))}`,
      orders: group.orders,
      share: Number((lengthOf(group) * 100n) / longest),
      meets: auction !== null && (side === "buy" ? group.price >= auction : group.price <= auction),
      ...ownTexts(mine, sides.quantityScale),
    };
  };
  return { asks: groups.sell.map(toRow("sell")), bids: groups.buy.map(toRow("buy")) };
}

/** How many digits wide the widest price is. @param {{asks: LadderRow[], bids: LadderRow[]}} rows */
export function priceDigits({ asks, bids }) {
  return [...asks, ...bids].reduce((most, { shown }) => Math.max(most, breadth(shown)), 0);
}

/**
 * @param {readonly import("../market/book.js").Entry[]} entries best first
 * @param {Side} side
 * @param {bigint} step
 * @param {number} count
 */
function groupsOf(entries, side, step, count) {
  /** @type {Group[]} */ const groups = [];
  let last = /** @type {Group | undefined} */ (undefined);
  let total = 0n;
  for (const { price, quantity, wire } of entries) {
    const name = groupOf(price, step, side);
    if (last?.price !== name) {
      if (groups.length === count) break;
      last = { price: name, quantity: 0n, total, orders: 0 };
      groups.push(last);
    }
    total += quantity;
    last.quantity += quantity;
    last.total = total;
    last.orders += wire[2];
  }
  return groups;
}

/** @param {OwnLevel | undefined} level @param {number} scale */
function ownTexts(level, scale) {
  if (!level) return { own: "", place: "", ownWords: "" };
  const quantity = shortest(fromUnits(level.quantity, scale));
  const place = level.place ? ordinal(level.place.ordersAhead + 1) : "";
  const many = level.orders > 1 ? ` in ${level.orders} orders` : "";
  return {
    own: compact(quantity),
    place,
    ownWords: `Your ${quantity}${many}${level.place ? `: ${describePosition(level.place)}` : ""}`,
  };
}

/** @param {import("../orders/queue-positions.js").QueuePosition} place @returns {string} "3rd, 1.25 ahead" */
export function describePosition({ ordersAhead, quantityAhead }) {
  return ordersAhead === 0
    ? "1st, next to trade"
    : `${ordinal(ordersAhead + 1)}, ${grouped(shortest(quantityAhead))} ahead`;
}

/** @param {number} n @returns {string} "1st", "22nd", "113th" */
export function ordinal(n) {
  const tens = n % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${grouped(String(n))}${ending}`;
}

/** Few digits where exact ones have no room: "1234.56789" is "1234.6". @param {string} quantity */
function compact(quantity) {
  const [whole, fraction = ""] = quantity.split(".");
  if (isShort(abbreviated(quantity, OWN_DIGITS + 0.5))) return abbreviated(quantity, OWN_DIGITS + 0.5, OWN_DIGITS - 2);
  const decimals = Math.max(0, OWN_DIGITS - whole.length);
  if (fraction.length <= decimals) return quantity;
  const short = shortest(cut(quantity, decimals));
  return /^0*$/.test(short.replace(".", "")) ? `<${"0.".padEnd(decimals + 1, "0")}1` : short;
}

/**
 * The queue of a level, from depth by order.
 * @param {{order_id: string, price: string, quantity: string, timestamp: number}[]} orders of its side, first to trade
 *   first
 * @param {Side} side
 * @param {string} price that names the level or its group
 * @param {string} grouping of `groupings`
 * @param {Set<string>} ownIds
 * @returns {{order_id: string, price: string, quantity: string, ahead: string, timestamp: number, own: boolean}[]}
 */
export function queueOf(orders, side, price, grouping, ownIds) {
  const scale = Math.max(scaleOf(price), scaleOf(grouping));
  const step = unitsOf(grouping, scale);
  const name = toUnits(price, scale);
  let ahead = 0n;
  return orders
    .filter((order) => groupOf(unitsOf(order.price, scale), step, side) === name)
    .map(({ order_id, price: at, quantity, timestamp }) => {
      const before = ahead;
      ahead += unitsOf(quantity, scaleOf(quantity));
      return {
        order_id,
        price: at,
        quantity,
        timestamp,
        ahead: fromUnits(before, scaleOf(quantity)),
        own: ownIds.has(order_id),
      };
    });
}
