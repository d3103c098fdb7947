/**
 * An explanation as rows of a picture: the levels an order walked, with what stopped it, where it waited, what an
 * auction weighed.
 *
 * Prices and quantities stay texts; shares are parts of the widest bar, 0 to 1, for drawing alone.
 * Layer: model.
 */

import { compare, grouped, isZero, rounded, shortest, subtract } from "../parts/decimal.js";

/**
 * @typedef {object} Segment one order of a level
 * @property {number} share of the widest level
 * @property {number} taken part of it that was taken, 0 to 1
 * @property {boolean} own
 * @property {string} text
 */
/**
 * @typedef {object} LevelRow
 * @property {"level"} kind
 * @property {string} price
 * @property {string} shown
 * @property {number} orders
 * @property {string} taken
 * @property {string} cumulative
 * @property {Segment[]} segments in queue order
 * @property {"emptied" | "taken" | "met" | "left"} state
 */
/** @typedef {{kind: "line", what: "limit" | "collar" | "band", price: string, text: string}} LineRow */
/** @typedef {{kind: "rest", price: string, text: string}} RestRow */

const LINE_WORDS = Object.freeze({ limit: "Your limit", collar: "Price collar", band: "Price band" });

/**
 * One chapter of an answer of the explain routes, as far as it is drawn here.
 * @typedef {{seq: number, side: string | null, asked: any, book: any, levels: any[], auction: any[], place_after: any,
 *   words: string[], protections: {sentence: string}[]}} Chapter
 */

/**
 * The book a chapter met, best level first, with the lines that bound the order and where it came to rest.
 * @param {Chapter} chapter
 * @returns {(LevelRow | LineRow | RestRow)[]}
 */
export function walkRows(chapter) {
  const { side, book, levels } = chapter;
  if (!side || (levels.length === 0 && !book?.opposite.length)) return [];
  const walked = new Map(levels.map((level) => [level.price, level]));
  const met = [
    ...levels,
    ...(book?.opposite ?? []).filter((/** @type {{price: string}} */ { price }) => !walked.has(price)).map(untouched),
  ];
  const widest = met.reduce((most, { shown, taken }) => Math.max(most, Number(shown), Number(taken)), 0) || 1;
  const worse = side === "buy" ? 1 : -1;
  const rows = [...met.map((level) => levelRow(level, widest)), ...linesOf(chapter)];
  return rows.sort((left, right) => worse * compare(left.price, right.price) || rank(left) - rank(right));
}

/** At one price the level comes first, then what ends there. @param {{kind: string}} row */
function rank({ kind }) {
  return ["level", "line", "rest"].indexOf(kind);
}

/** @param {{price: string, quantity: string, orders: number}} level */
function untouched({ price, quantity, orders }) {
  return { price, shown: quantity, orders, taken: "0", cumulative: "", queue: [], more_orders: orders };
}

/**
 * @param {{price: string, shown: string, orders: number, taken: string, cumulative: string, queue: any[],
 *   more_orders: number}} level
 * @param {number} widest
 * @returns {LevelRow}
 */
function levelRow({ price, shown, orders, taken, cumulative, queue, more_orders: more }, widest) {
  const segments = queue.map((order) => segmentOf(order, widest));
  const listed = queue.reduce((sum, order) => sum + Number(order.shown), 0);
  const rest = Number(shown) - listed;
  if (rest > 1e-12)
    segments.push({
      share: rest / widest,
      taken: 0,
      own: false,
      text: more === 1 ? "1 order, untouched" : `${more} orders, untouched`,
    });
  const state = isZero(taken) ? (queue.length > 0 ? "met" : "left") : compare(taken, shown) >= 0 ? "emptied" : "taken";
  return {
    kind: "level",
    price,
    shown,
    orders,
    taken,
    cumulative: isZero(cumulative || "0") ? "" : cumulative,
    segments,
    state,
  };
}

/**
 * An iceberg gives more than it showed: its bar is as long as what was taken.
 * @param {any} order
 * @param {number} widest
 * @returns {Segment}
 */
function segmentOf({ shown, taken, own }, widest) {
  const size = Math.max(Number(shown), Number(taken));
  const who = own ? "your own order" : "an order";
  const text = isZero(taken)
    ? `${who} of ${short(shown)}, left`
    : `${short(taken)} taken of ${who} that showed ${short(shown)}`;
  return { share: size / widest, taken: size ? Number(taken) / size : 0, own, text };
}

/** @param {Chapter} chapter @returns {(LineRow | RestRow)[]} */
function linesOf({ side, asked, book, place_after: place, levels }) {
  /** @type {[LineRow["what"], string | undefined][]} */
  const limits = [
    ["limit", asked?.price],
    ["collar", book?.collar_limit],
    ["band", side === "buy" ? book?.band_high : book?.band_low],
  ];
  /** @type {LineRow[]} */ const lines = [];
  for (const [what, price] of limits) {
    if (price && isPrice(price)) lines.push({ kind: "line", what, price, text: LINE_WORDS[what] });
  }
  if (!place || !(asked || levels.length)) return lines;
  return [...lines, { kind: "rest", price: place.price, text: `Rests here, ${aheadText(place)}` }];
}

/** What was asked for may be off the grid, but is a number where it is drawn. @param {string} text */
function isPrice(text) {
  return /^\d+(\.\d+)?$/.test(text);
}

/** @param {{orders_ahead: number, quantity_ahead: string}} place */
function aheadText({ orders_ahead: orders, quantity_ahead: quantity }) {
  if (orders === 0) return "first in the queue";
  return `${orders === 1 ? "1 order" : `${orders} orders`} with ${short(quantity)} ahead`;
}

/**
 * How the place in the queue moved, from chapter to chapter; a move to another price begins anew.
 * @param {any[]} chapters
 * @returns {{timestamp: number, price: string, text: string, share: number, moved: string}[]}
 */
export function queueMoves(chapters) {
  /** @type {any[]} */ const places = [];
  for (const { timestamp, place_before: before, place_after: after } of chapters) {
    for (const place of [before, after]) {
      const last = places.at(-1);
      const same =
        last &&
        last.price === place?.price &&
        last.orders_ahead === place?.orders_ahead &&
        last.quantity_ahead === place?.quantity_ahead;
      if (place && !same) places.push({ timestamp, ...place });
    }
  }
  const widest = places.reduce((most, place) => Math.max(most, Number(place.quantity_ahead)), 0) || 1;
  return places.map((place, index) => ({
    timestamp: place.timestamp,
    price: place.price,
    text: aheadText(place),
    share: Number(place.quantity_ahead) / widest,
    moved: movedText(places[index - 1], place),
  }));
}

/** @param {any} before @param {any} place */
function movedText(before, place) {
  if (!before) return "came to rest";
  if (before.price !== place.price) return `moved from ${grouped(before.price)}`;
  const gone = subtract(before.quantity_ahead, place.quantity_ahead);
  return gone.startsWith("-") ? "went back in the queue" : isZero(gone) ? "moved up" : `${short(gone)} ahead went`;
}

/**
 * The prices of an auction with bars for who would buy and sell there.
 * @param {Pick<Chapter, "auction">} chapter
 */
export function auctionRows({ auction }) {
  const widest = auction.reduce((most, { demand, supply }) => Math.max(most, Number(demand), Number(supply)), 0) || 1;
  return auction.map((row) => ({
    ...row,
    demandShare: Number(row.demand) / widest,
    supplyShare: Number(row.supply) / widest,
  }));
}

/** Where people write another word than the wire. @type {Readonly<Record<string, string>>} */
const ORDER_WORDS = Object.freeze({ ioc: "IOC", fok: "FOK", oco: "OCO" });

/**
 * What is explained, on one line.
 * @param {{trade_id?: string, order_id?: string, symbol?: string, seq?: number, chapters: any[]}} explanation
 */
export function titleOf({ trade_id: trade, order_id: order, symbol, seq, chapters }) {
  const asked = chapters.find((chapter) => chapter.asked)?.asked;
  const what = asked ? `${asked.side === "buy" ? "Buy" : "Sell"} ${amountOf(asked)}` : "";
  const name = trade ? `Trade ${trade}` : order ? `Order ${order}` : `Command ${seq}`;
  return [name, symbol, what.trim()].filter(Boolean).join(" · ");
}

/** @param {any} asked */
function amountOf({ quantity, quote_quantity: worth, price, order_type: type }) {
  const amount = quantity ? short(quantity) : worth ? `for ${short(worth)}` : "";
  const kind = ORDER_WORDS[type] ?? type.replaceAll("_", " ");
  return `${amount}, ${kind}${price ? ` ${isPrice(price) ? grouped(price) : price}` : ""}`;
}

/** @type {Readonly<Record<string, string>>} */
const HAPPENED_WORDS = Object.freeze({
  accepted: "Entered",
  rejected: "Rejected",
  repeated: "Sent again",
  id_used: "Its id was sent again",
  triggered: "Triggered",
  filled: "Filled",
  amended: "Amended",
  decremented: "Made smaller",
  trailed: "Followed the market",
  replenished: "Showed its next slice",
  auction: "Auction",
  completed: "Completed",
  cancelled: "Cancelled",
  expired: "Expired",
  exits_entered: "Exits entered",
  exits_refused: "Exits refused",
  done: "Done",
});

/** @param {{happened: string[]}} chapter */
export function headingOf({ happened }) {
  const words = happened.map((each) => HAPPENED_WORDS[each] ?? each.replaceAll("_", " "));
  return (
    words.map((word, index) => (index ? word.charAt(0).toLowerCase() + word.slice(1) : word)).join(", ") || "Nothing"
  );
}

/**
 * What is said nowhere else: its number stands in the heading, what protects in a list of its own.
 * @param {Pick<Chapter, "seq" | "words" | "protections">} chapter
 * @returns {string[]}
 */
export function sentencesOf({ seq, words, protections }) {
  const listed = new Set(protections.map(({ sentence }) => sentence));
  return words.filter((sentence) => !listed.has(sentence) && !sentence.startsWith(`Command ${seq}, `));
}

/** Whether a chapter ended in a refusal or was ended by a protection. @param {{happened: string[]}} chapter */
export function toneOf({ happened }) {
  if (happened.includes("rejected") || happened.includes("exits_refused")) return "bad";
  return happened.includes("filled") ? "good" : "plain";
}

/**
 * The figures at the top.
 * @param {any} explanation
 * @param {{base: string, quote: string} | undefined} instrument
 * @returns {[string, string][]}
 */
export function figuresOf({ filled, notional, fees, average_price: average, as_of_seq: read }, instrument) {
  if (isZero(filled))
    return [
      ["Filled", "nothing"],
      ["Journal read to", grouped(String(read))],
    ];
  const { base = "", quote = "" } = instrument ?? {};
  return [
    ["Filled", `${grouped(shortest(filled))} ${base}`],
    ["Average", grouped(rounded(average ?? "0", 6))],
    ["Value", `${grouped(shortest(notional))} ${quote}`],
    ["Fees", `${grouped(shortest(fees))} ${quote}`],
    ["Journal read to", grouped(String(read))],
  ];
}

/** @param {string} text */
function short(text) {
  return grouped(shortest(text));
}
