/** Open orders fold from a listing and live events, whichever comes first. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Orders } from "../../frontend/model/orders/orders.js";
import { golden } from "./golden.js";

const { listing, partial_fill, cancelled, rejected_cancel } = golden("orders");
const ids = (orders) => orders.map((order) => order.order_id);

function seeded() {
  const orders = new Orders();
  orders.seed(listing.orders, listing.seq);
  return orders;
}

test("a listing shows newest first", () => {
  const orders = seeded();
  assert.deepEqual(ids(orders.open()), ["104", "99", "98"]);
});

test("a fill changes the order, and keeps the time it was entered", () => {
  const orders = seeded();
  orders.apply(partial_fill);
  orders.apply(partial_fill);
  const order = orders.open().at(-1);
  assert.equal(order.filled, "0.25000000");
  assert.equal(order.timestamp, 1700000000);
  orders.seed([{ ...order, average_price: "29990.00" }], 500);
  orders.apply({ ...partial_fill, seq: 501, average_price: null });
  assert.equal(orders.open().at(-1).average_price, "29990.00", "what only a listing tells stays");
});

test("an order that ended goes away, and a listing that is older does not bring it back", () => {
  const orders = seeded();
  orders.apply(cancelled);
  assert.deepEqual(ids(orders.open()), ["99", "98"]);
  orders.seed(listing.orders, listing.seq);
  assert.deepEqual(ids(orders.open()), ["99", "98"]);
});

test("events that came before the listing win over it when they are later", () => {
  const orders = new Orders();
  orders.apply(partial_fill);
  orders.apply(cancelled);
  orders.seed(listing.orders, listing.seq);
  assert.deepEqual(
    orders.open().map((order) => [order.order_id, order.filled]),
    [
      ["99", "0.000000"],
      ["98", "0.25000000"],
    ],
  );
});

test("an order entered after a listing was made is not taken away by it, and one that ended does not come back", () => {
  const orders = new Orders();
  const entered = { ...partial_fill, order_id: "150", seq: 150 };
  orders.apply(entered);
  orders.seed(listing.orders, listing.seq);
  assert.equal(ids(orders.open())[0], "150");
  orders.apply({ ...cancelled, order_id: "150", seq: 151 });
  orders.apply({ ...entered, seq: 151 });
  assert.deepEqual(ids(orders.open()), ["104", "99", "98"]);
  orders.seed([{ ...listing.orders[0], order_id: "150" }], 3);
  orders.apply({ ...entered, seq: 4, remaining: "0.10000000" });
  assert.equal(orders.open()[0].remaining, "0.10000000", "a venue that began anew gives the number again");
});

test("an event older than what we know changes nothing", () => {
  const orders = seeded();
  orders.apply({ ...cancelled, seq: 90 });
  assert.deepEqual(ids(orders.open()), ["104", "99", "98"]);
});

test("a reject of a cancel or an amend leaves the order open", () => {
  const orders = seeded();
  orders.apply(rejected_cancel);
  assert.deepEqual(ids(orders.open()), ["104", "99", "98"]);
});

test("after silence, a listing takes away what ended and shows what was filled", () => {
  const orders = seeded();
  const [, second, third] = listing.orders;
  const anew = orders.seed([second, { ...third, filled: "0.50000000", status: "partially_filled" }], 200);
  assert.equal(anew, false);
  assert.equal(orders.open().at(-1).filled, "0.50000000");
  assert.deepEqual(ids(orders.open()), ["99", "98"]);
});

test("a listing older than the last is of a venue that began anew: everything is forgotten", () => {
  const orders = seeded();
  orders.apply(partial_fill);
  assert.equal(orders.seed([], 3), true);
  assert.deepEqual(orders.open(), []);
  orders.apply({ ...partial_fill, order_id: "5", seq: 5 });
  assert.deepEqual(ids(orders.open()), ["5"]);
});

test("memory is bounded", () => {
  const orders = new Orders(2);
  for (let id = 1; id <= 4; id += 1) orders.apply({ ...cancelled, order_id: `${id}`, seq: 120 });
  orders.seed(
    ["1", "4"].map((order_id) => ({ ...listing.orders[0], order_id })),
    115,
  );
  assert.deepEqual(ids(orders.open()), ["1"], "only the last two that ended are remembered");
});
