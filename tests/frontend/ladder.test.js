/** The ladder groups prices, adds up, and marks what is the account's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describePosition,
  groupings,
  ladderOf,
  ordinal,
  ownLevels,
  priceDigits,
  queueOf,
} from "../../frontend/model/ladder/ladder.js";
import { Book } from "../../frontend/model/market/book.js";
import { QueuePositions } from "../../frontend/model/orders/queue-positions.js";
import { textColumnOf } from "../../frontend/model/parts/columns.js";
import { golden } from "./golden.js";

const INSTRUMENT = { symbol: "BTC-USDT", tick_size: "0.01", lot_size: "0.00000001" };
const VIEW = { grouping: "0.01", asks: 10, bids: 10, bars: "total", own: new Map() };

function bookOf(bids, asks) {
  const book = new Book(2, 8);
  book.applySnapshot({ seq: 1, bids, asks });
  return book;
}

const BOOK = bookOf(
  [
    ["100.05", "1.00000000", 1],
    ["100.04", "2.00000000", 2],
    ["99.99", "3.00000000", 1],
  ],
  [
    ["100.06", "0.50000000", 1],
    ["100.10", "0.25000000", 1],
    ["100.11", "4.00000000", 3],
  ],
);

test("each level is shown with all up to it, and its bar is a part of the longest", () => {
  const { asks, bids } = ladderOf(BOOK.sides, VIEW);
  assert.deepEqual(
    bids.map((row) => [row.price, row.quantity, row.total, row.share]),
    [
      ["100.05", "1.0000000", "1.0000000", 16],
      ["100.04", "2.0000000", "3.0000000", 50],
      ["99.99", "3.0000000", "6.0000000", 100],
    ],
  );
  assert.deepEqual(
    asks.map((row) => row.total),
    ["0.5000000", "0.7500000", "4.7500000"],
  );
});

test("bars of each level alone leave out what is before it", () => {
  const { asks, bids } = ladderOf(BOOK.sides, { ...VIEW, bars: "level" });
  assert.deepEqual(
    [...asks, ...bids].map((row) => row.share),
    [12, 6, 100, 25, 50, 75],
  );
});

test("a group of bids has its lowest price and one of asks its highest", () => {
  const { asks, bids } = ladderOf(BOOK.sides, { ...VIEW, grouping: "0.1" });
  assert.deepEqual(
    bids.map((row) => [row.price, row.shown, row.quantity, row.orders]),
    [
      ["100.00", "100.0", "3.0000000", 3],
      ["99.90", "99.9", "3.0000000", 1],
    ],
  );
  assert.deepEqual(
    asks.map((row) => [row.price, row.quantity, row.orders]),
    [
      ["100.10", "0.7500000", 2],
      ["100.20", "4.0000000", 3],
    ],
  );
  assert.deepEqual(
    ladderOf(BOOK.sides, { ...VIEW, grouping: "10" }).bids.map((row) => [row.price, row.shown]),
    [
      ["100.00", "100"],
      ["90.00", "90"],
    ],
  );
});

test("no more groups are made than there are rows, and the last one is whole", () => {
  const { bids } = ladderOf(BOOK.sides, { ...VIEW, grouping: "0.1", bids: 1 });
  assert.deepEqual(
    bids.map((row) => row.quantity),
    ["3.0000000"],
  );
  assert.deepEqual(ladderOf(BOOK.sides, { ...VIEW, bids: 0 }).bids, []);
});

test("the groups to choose from are decades of the tick, none of them too coarse for the price", () => {
  assert.deepEqual(groupings("0.01", "30000.005"), ["0.01", "0.1", "1", "10", "100", "1000"]);
  assert.deepEqual(groupings("0.05", "12.00"), ["0.05", "0.5"]);
  assert.deepEqual(groupings("5", "9"), ["5"]);
  assert.equal(groupings("0.01", null).length, 7);
});

test("great sizes give up decimals, so that the columns keep their width", () => {
  const book = bookOf([["100.05", "1234567.12345678", 1]], []);
  const [row] = ladderOf(book.sides, VIEW).bids;
  assert.deepEqual([row.quantity, row.total], ["1234567.1", "1234567.1"]);
  assert.equal(row.exact, "1,234,567.12345678, in all 1,234,567.12345678");
});

test("sizes and totals are cut alike, so that the first total is its size, and what is cut to nothing says that it is less", () => {
  const book = bookOf(
    [
      ["100.05", "0.12345678", 1],
      ["100.04", "123456.00000000", 1],
      ["100.03", "0.00000007", 1],
    ],
    [["100.06", "0.87654321", 1]],
  );
  const { asks, bids } = ladderOf(book.sides, VIEW);
  assert.deepEqual(
    [...asks, ...bids].map(({ quantity, total }) => [quantity, total]),
    [
      ["0.87", "0.87"],
      ["0.12", "0.12"],
      ["123456.00", "123456.12"],
      ["<0.01", "123456.12"],
    ],
  );
  assert.equal(asks[0].exact, "0.87654321, in all 0.87654321");
  const taped = textColumnOf(["0.10000000", "12345.12345678"], 8, 8);
  assert.deepEqual(
    [taped("0.10000000"), taped("12345.12345678"), taped("0.00000001")],
    ["0.100", "12345.123", "<0.001"],
  );
});

test("sizes that no column has room for are written short, exact in words, the more so the longer the prices are", () => {
  const pepe = new Book(8, 0);
  pepe.applySnapshot({
    seq: 1,
    bids: [["0.00001200", "1000000", 1]],
    asks: [
      ["0.00001234", "987646666791", 1],
      ["0.00001299", "900000000", 1],
    ],
  });
  const { asks, bids } = ladderOf(pepe.sides, { ...VIEW, grouping: "0.00000001" });
  assert.deepEqual(
    [asks[0].quantity, asks[1].quantity, asks[1].total, bids[0].quantity],
    ["987.6B", "900M", "988.5B", "1M"],
  );
  assert.deepEqual(
    [asks[1].exact, bids[0].exact],
    ["900,000,000, in all 988,546,666,791", "1,000,000, in all 1,000,000"],
  );
  assert.equal(priceDigits({ asks, bids }), 9.5);
  const own = new Map([["sell 1299", { quantity: 900000000n, orders: 1, place: null }]]);
  const mine = ladderOf(pepe.sides, { ...VIEW, grouping: "0.00000001", own }).asks[1];
  assert.deepEqual([mine.own, mine.ownWords], ["900M", "Your 900000000"]);
  const small = bookOf(
    [
      ["100.05", "98765432109.00000000", 1],
      ["100.04", "0.25000000", 1],
    ],
    [],
  );
  assert.deepEqual(
    ladderOf(small.sides, VIEW).bids.map(({ quantity }) => quantity),
    ["98.76B", "0.2500000"],
    "the small one is no zero",
  );
});

test("own orders of a listing are at their levels, and waiting stops are not", () => {
  const { listing } = golden("orders");
  const positions = new QueuePositions();
  const [sell, , buy] = listing.orders;
  positions.apply([{ order_id: buy.order_id, orders_ahead: 2, quantity_ahead: "1.25000000" }]);
  const stop = { ...sell, order_id: "200", price: "30020.00", status: "pending_trigger" };
  const own = ownLevels([...listing.orders, stop], positions, INSTRUMENT, "0.01");
  assert.deepEqual([...own.keys()], ["sell 3001000", "buy 2999000"]);
  const book = bookOf([["29990.00", "2.00000000", 2]], [["30010.00", "0.50000000", 1]]);
  const { asks, bids } = ladderOf(book.sides, { ...VIEW, own });
  assert.deepEqual([bids[0].own, bids[0].place, bids[0].ownWords], ["1", "3rd", "Your 1: 3rd, 1.25 ahead"]);
  assert.deepEqual([asks[0].own, asks[0].place, asks[0].ownWords], ["0.5", "", "Your 0.5"]);
});

test("an own size too small for its column says so, and is never told as nothing", () => {
  const own = new Map([["buy 10005", { quantity: 100n, orders: 1, place: null }]]);
  const [row] = ladderOf(BOOK.sides, { ...VIEW, own }).bids;
  assert.deepEqual([row.own, row.ownWords], ["<0.0001", "Your 0.000001"]);
});

test("several own orders in a group are added up, at the place of the first", () => {
  const order = { symbol: "BTC-USDT", side: "buy", status: "resting", remaining: "0.50000000" };
  const orders = [
    { ...order, order_id: "1", price: "100.05" },
    { ...order, order_id: "2", price: "100.01" },
  ];
  const positions = new QueuePositions();
  positions.apply([
    { order_id: "1", orders_ahead: 4, quantity_ahead: "9.00000000" },
    { order_id: "2", orders_ahead: 0, quantity_ahead: "0.00000000" },
  ]);
  const own = ownLevels(orders, positions, INSTRUMENT, "0.1");
  const [row] = ladderOf(BOOK.sides, { ...VIEW, grouping: "0.1", own }).bids;
  assert.equal(row.ownWords, "Your 1 in 2 orders: 1st, next to trade");
});

test("while a book crosses, what would trade at the indicative price is told apart", () => {
  const book = bookOf(
    [
      ["101.00", "1.00000000", 1],
      ["99.00", "1.00000000", 1],
    ],
    [
      ["98.00", "1.00000000", 1],
      ["102.00", "1.00000000", 1],
    ],
  );
  assert.ok(book.crossed);
  assert.equal(book.spread, "-3.00");
  const { asks, bids } = ladderOf(book.sides, { ...VIEW, indicative: "100.00" });
  assert.deepEqual(
    [bids.map((row) => row.meets), asks.map((row) => row.meets)],
    [
      [true, false],
      [true, false],
    ],
  );
  const at = (indicative) => Object.values(ladderOf(book.sides, { ...VIEW, indicative })).map(([row]) => row.meets);
  assert.deepEqual(
    [at("98.00"), at("101.00")],
    [
      [true, true],
      [true, true],
    ],
    "a level at that very price trades",
  );
});

test("the queue of a level has each order with what is before it", () => {
  const orders = [
    { order_id: "7", price: "100.05", quantity: "1.00000000", timestamp: 1 },
    { order_id: "9", price: "100.05", quantity: "0.25000000", timestamp: 2 },
    { order_id: "8", price: "100.04", quantity: "3.00000000", timestamp: 3 },
  ];
  const level = queueOf(orders, "buy", "100.05", "0.01", new Set(["9"]));
  assert.deepEqual(
    level.map((each) => [each.order_id, each.ahead, each.own]),
    [
      ["7", "0.00000000", false],
      ["9", "1.00000000", true],
    ],
  );
  assert.deepEqual(
    queueOf(orders, "buy", "100.00", "0.1", new Set()).map((each) => each.ahead),
    ["0.00000000", "1.00000000", "1.25000000"],
  );
});

test("positions are told as people do", () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 112, 1003].map(ordinal), [
    "1st",
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "112th",
    "1,003rd",
  ]);
  assert.equal(describePosition({ ordersAhead: 2, quantityAhead: "1.25000000" }), "3rd, 1.25 ahead");
});
