/** Rows of open orders, amends, queue positions, previews, history, the worth of holdings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf, worthOf } from "../../frontend/model/account/valuation.js";
import { amendable, checkAmend, priorityAfter } from "../../frontend/model/orders/amend.js";
import {
  detailsOf,
  filledPercent,
  kindText,
  queueText,
  sortedOrders,
  triggerText,
} from "../../frontend/model/orders/order-rows.js";
import { compareAges, entryId } from "../../frontend/model/orders/orders.js";
import { QueuePositions } from "../../frontend/model/orders/queue-positions.js";
import { isCostly, isPartial, previewOfQuote, previewOfTest } from "../../frontend/model/ticket/preview.js";
import { OrderHistoryStore } from "../../frontend/stores/order-history.js";

const BTC = { symbol: "BTC-USDT", tick_size: "0.01", lot_size: "0.00000001" };
const order = (fields) => ({
  order_id: "7",
  symbol: "BTC-USDT",
  side: "buy",
  order_type: "limit",
  price: "30000.00",
  quantity: "1.00000000",
  filled: "0.00000000",
  status: "resting",
  ...fields,
});
const ids = (orders) => orders.map(({ order_id: id }) => id);

test("an order is told in words: what it is, what wakes it, what else it has", () => {
  assert.equal(kindText(order({ order_type: "trailing_stop", trail_percent: "1.50" })), "trailing 1.5 %");
  assert.equal(kindText(order({ order_type: "stop_limit" })), "stop limit");
  assert.equal(triggerText(order({ side: "sell", stop_price: "29000.00" })), "≤ 29,000.00");
  assert.equal(triggerText(order({ stop_price: "31000.00" })), "≥ 31,000.00");
  assert.equal(triggerText(order({ order_type: "take_profit", stop_price: "29000.00" })), "≤ 29,000.00");
  assert.equal(
    triggerText(order({ order_type: "take_profit_limit", side: "sell", stop_price: "31000.00" })),
    "≥ 31,000.00",
  );
  assert.equal(triggerText(order({})), "");
  const options = {
    display_quantity: "0.10000000",
    time_in_force: "gtd",
    expire_time: "2000000000",
    post_only: "slide",
    linked_order_id: "8",
    parent_order_id: "3",
  };
  assert.deepEqual(
    detailsOf(order(options), (at) => `@${at}`),
    ["shows 0.1 at a time", "until @2000000000", "post only, slides", "OCO", "bracket exit"],
  );
  assert.equal(filledPercent(order({ filled: "0.33333333" })), "33");
});

test("a place in the queue is told in orders and in quantity", () => {
  const positions = new QueuePositions();
  assert.equal(queueText(positions.of("7")), "");
  positions.apply([
    { order_id: "7", orders_ahead: 3, quantity_ahead: "1.25000000" },
    { order_id: "8", orders_ahead: 1, quantity_ahead: "2.00000000" },
  ]);
  assert.equal(queueText(positions.of("7")), "3 orders, 1.25 ahead");
  assert.equal(queueText(positions.of("8")), "1 order, 2 ahead");
  const before = positions.of("7");
  positions.apply([{ order_id: "8", orders_ahead: 0, quantity_ahead: "0" }]);
  assert.equal(queueText(positions.of("8")), "next in line");
  assert.equal(positions.of("7"), before, "a row that did not change is not drawn again");
  positions.drop("8");
  assert.equal(positions.of("8"), null);
  positions.forget();
  assert.equal(positions.of("7"), null);
});

test("orders sort by number and not by text, those without a value last, either way", () => {
  const orders = [
    order({ order_id: "3", price: "9.00" }),
    order({ order_id: "2", price: null }),
    order({ order_id: "1", price: "10.00" }),
  ];
  const queue = new QueuePositions();
  assert.deepEqual(ids(sortedOrders(orders, { by: "price", down: false }, queue)), ["3", "1", "2"]);
  assert.deepEqual(ids(sortedOrders(orders, { by: "price", down: true }, queue)), ["1", "3", "2"]);
  queue.apply([
    { order_id: "2", orders_ahead: 0, quantity_ahead: "0" },
    { order_id: "3", orders_ahead: 10, quantity_ahead: "1" },
  ]);
  assert.deepEqual(ids(sortedOrders(orders, { by: "queue", down: false }, queue)), ["2", "3", "1"]);
  assert.deepEqual(ids(sortedOrders(orders, { by: "time", down: false }, queue)), ["1", "2", "3"]);
});

test("a leg is as old as the order it came with", () => {
  assert.equal(entryId("2000000000000042"), "42");
  assert.equal(entryId("42"), "42");
  const orders = [order({ order_id: "100" }), order({ order_id: "2000000000000042" }), order({ order_id: "42" })];
  assert.deepEqual(ids(orders.sort(compareAges)), ["42", "2000000000000042", "100"]);
});

test("an amend sends what is another, checks the grid, and tells the priority beforehand", () => {
  const resting = order({});
  assert.deepEqual(amendable(resting), ["price", "quantity"]);
  const amended = (draft, of = resting) => checkAmend(of, draft, BTC);
  assert.deepEqual(amended({ price: "30000", quantity: "0.5" }).changes, { quantity: "0.50000000" });
  assert.deepEqual(amended({ price: "30000.00", quantity: "1" }).changes, {});
  assert.match(amended({ price: "30000.001", quantity: "1" }).problems.price, /Steps of 0\.01/);
  assert.equal(amended({ price: "", quantity: "1" }).changes, null);
  assert.equal(priorityAfter(resting, { quantity: "0.50000000" }), "kept");
  assert.equal(priorityAfter(resting, { quantity: "2.00000000" }), "lost");
  assert.equal(priorityAfter(resting, { price: "29999.00" }), "lost");
  assert.equal(priorityAfter(resting, {}), null);
  const stop = order({ order_type: "stop_limit", status: "pending_trigger", stop_price: "31000.00" });
  assert.deepEqual(amendable(stop), ["price", "stop_price", "quantity"]);
  assert.deepEqual(amended({ price: "30000.00", stop_price: "31500", quantity: "1" }, stop).changes, {
    stop_price: "31500.00",
  });
  assert.deepEqual(
    amendable(order({ order_type: "trailing_stop", status: "pending_trigger", price: null, stop_price: "1.00" })),
    ["quantity"],
  );
  assert.deepEqual(amendable(order({ linked_order_id: "8" })), [], "one of a pair can't be changed");
});

test("a preview tells price, slippage, fee and hold, or why the venue would refuse", () => {
  const answer = {
    accepted: true,
    repeated: false,
    quantity: "2.00000000",
    filled_quantity: "1.50000000",
    average_price: "30300",
    slippage_percent: "1",
    notional: "45450",
    taker_fee: "45.45",
    held: "0",
    held_asset: "USDT",
    price: "30300.00",
    protections: ["collar"],
  };
  const preview = previewOfTest(answer);
  assert.deepEqual(
    [preview.refused, preview.average, preview.fee, preview.held],
    [null, "30300", "45.45", { asset: "USDT", amount: "0" }],
  );
  assert.ok(isCostly(preview) && isPartial(preview));
  assert.match(preview.notes[0], /collar/);
  assert.ok(!isCostly({ ...preview, slippagePercent: "0.9999" }));
  assert.ok(!isPartial({ ...preview, filled: "2.00000000" }));
  const refused = previewOfTest({ accepted: false, error_code: "POST_ONLY_WOULD_TAKE", error: "…", details: {} });
  assert.match(refused.refused, /^It would trade at once/);
});

test("without a test of the order, a quote stands in, and the slippage is reckoned from the middle", () => {
  const quote = { quantity: "1", filled_quantity: "1", average_price: "101.5", notional: "101.5", taker_fee: "0.1" };
  assert.equal(previewOfQuote(quote, "buy", "100").slippagePercent, "1.5");
  assert.equal(previewOfQuote({ ...quote, average_price: "99" }, "sell", "100").slippagePercent, "1");
  assert.equal(previewOfQuote({ ...quote, average_price: null }, "buy", "100").slippagePercent, null);
});

test("holdings are valued at the middle, else at the last trade", () => {
  assert.equal(markOf({ best_bid: "1.00", best_ask: "1.01", last: "5" }), "1.005");
  assert.equal(markOf({ best_bid: null, best_ask: "1.01", last: "0.99" }), "0.99");
  assert.equal(markOf(undefined), null);
  assert.equal(worthOf("2.5", "1.005"), "2.5125");
});

/** A listing of `count` orders, served in pages as the venue does. */
function venue(count) {
  const asked = [];
  const all = Array.from({ length: count }, (_, at) => order({ order_id: String(count - at), status: "filled" }));
  const orders = async (filter) => {
    asked.push(filter);
    const from = filter.cursor ? all.findIndex(({ order_id: id }) => id === filter.cursor) + 1 : 0;
    const page = all.slice(from, from + filter.limit);
    return { orders: page, next_cursor: from + filter.limit < all.length ? page.at(-1).order_id : null, seq: 1 };
  };
  return { asked, all, orders };
}

test("the history is read page by page, each order once, and what is new goes on top", async () => {
  const api = venue(120);
  const history = new OrderHistoryStore(api);
  await history.load();
  assert.deepEqual([history.orders.length, history.more, history.state], [50, true, "listed"]);
  await history.loadMore();
  await history.loadMore();
  assert.deepEqual([history.orders.length, history.more], [120, false]);
  api.all.unshift(order({ order_id: "121", status: "cancelled" }));
  await history.load();
  assert.deepEqual([history.orders.length, history.orders[0].order_id, history.more], [121, "121", false]);
  assert.deepEqual(api.asked[0], { symbol: undefined, status: "done", limit: 50, cursor: undefined });
});

test("a refresh that does not reach what is listed begins anew, so that no hole is left", async () => {
  const api = venue(60);
  const history = new OrderHistoryStore(api);
  await history.load();
  for (let id = 61; id <= 200; id += 1) api.all.unshift(order({ order_id: String(id) }));
  await history.load();
  assert.deepEqual([history.orders.length, history.orders.at(-1).order_id, history.more], [50, "151", true]);
});

test("another filter forgets the rows, and a late answer to the former is left alone", async () => {
  const waiting = [];
  const history = new OrderHistoryStore({
    orders: (filter) => new Promise((resolve, reject) => waiting.push({ filter, resolve, reject })),
  });
  const first = history.load();
  const second = history.choose({ symbol: "ETH-USDT" });
  waiting[0].resolve({ orders: [order({ order_id: "1" })], next_cursor: null });
  await first;
  assert.deepEqual(history.orders, []);
  assert.equal(waiting[1].filter.symbol, "ETH-USDT");
  waiting[1].reject(Object.assign(new Error("No."), { kind: "refused" }));
  await second;
  assert.equal(history.state, "failed");
  const third = history.load();
  waiting[2].resolve({ orders: [], next_cursor: null });
  await third;
  assert.equal(history.state, "listed");
});
