/** Open orders are listed, sorted, amended in place and cancelled, each under its own row. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { pageOf, SYMBOL } from "../venue.js";
import { draw, drawn, key, press, texts, type } from "./page.js";

const { OpenOrders } = await import("../../../frontend/view/orders/open-orders.js");

const ORDER = {
  symbol: SYMBOL,
  side: "buy",
  order_type: "limit",
  quantity: "1.00000000",
  remaining: "1.00000000",
  filled: "0.00000000",
  status: "resting",
  timestamp: 1_700_000_000,
};
const LISTED = [
  { ...ORDER, order_id: "11", price: "30000.00" },
  { ...ORDER, order_id: "12", price: "29000.00", filled: "0.25000000", remaining: "0.75000000" },
  { ...ORDER, order_id: "13", price: "31000.00", side: "sell", client_order_id: "flow-1" },
];

async function ordersOf(context, answers = {}) {
  const page = await pageOf({ orders: () => ({ orders: LISTED, seq: 5, next_cursor: null }), ...answers });
  await page.services.portfolio.load();
  const root = await draw(context, OpenOrders, page.services);
  await drawn(300);
  const asked = (wanted) => page.asked.filter(([name]) => name === wanted).map(([, ...question]) => question);
  const rows = () => [...root.querySelectorAll("tr[data-order]")].map(({ dataset }) => dataset.order);
  const of = (id, selector) => root.querySelector(`tr[data-order="${id}"] ${selector}`);
  return { ...page, root, asked, rows, of };
}

test("the newest stand first, and those of simulated traders only when they are wanted", async (context) => {
  const { services, root, rows } = await ordersOf(context);
  assert.deepEqual(rows(), ["12", "11"]);
  services.workspace.remember("orders.flow", true);
  await drawn();
  assert.deepEqual(rows(), ["13", "12", "11"]);
  await press([...root.querySelectorAll(".sorter")].find(({ textContent }) => textContent === "Price"));
  assert.deepEqual(rows(), ["13", "11", "12"]);
});

test("a row says how much is filled and where it stands in its queue", async (context) => {
  const { feed, of } = await ordersOf(context);
  const cell = (label) => of("12", `[data-label="${label}"]`).textContent.replace(/\s+/g, " ").trim();
  assert.equal(cell("Filled"), "0.25000000 · 25 %");
  assert.equal(cell("Queue"), "–");
  feed.onEvent("queue", { positions: [{ order_id: "12", orders_ahead: 2, quantity_ahead: "1.50000000" }] });
  await drawn(300);
  assert.equal(cell("Queue"), "2 orders, 1.5 ahead");
});

test("a number is changed where it stands, and only what is another one is sent", async (context) => {
  const amended = { status: "resting", priority: "lost", queue_position: { orders_ahead: 3 } };
  const { root, asked, of } = await ordersOf(context, { amendOrder: () => amended });
  await press(of("11", '[data-label="Price"] .changeable'));
  const input = of("11", 'input[name="price"]');
  assert.equal(document.activeElement, input);
  await type(input, "30000.001");
  assert.deepEqual(texts(root, ".note"), ["Steps of 0.01: 30000.00 or 30000.01."]);
  await key(input, "Enter");
  assert.deepEqual(asked("amendOrder"), []);
  await type(input, "30100");
  assert.deepEqual(texts(root, ".note"), ["goes to the back"]);
  await key(input, "Enter");
  assert.deepEqual(asked("amendOrder"), [["11", { price: "30100.00" }]]);
  assert.deepEqual(texts(root, "#cancel-result"), ["Amended: priority lost; 3 ahead of it."]);
  assert.equal(of("11", "input"), null);
});

test("Escape leaves an order as it was", async (context) => {
  const { asked, of } = await ordersOf(context);
  await press(of("11", '[data-does="amend"]'));
  await type(of("11", 'input[name="price"]'), "30100");
  await key(of("11", 'input[name="price"]'), "Escape");
  assert.deepEqual([asked("amendOrder"), of("11", "input")], [[], null]);
});

test("a cancel is sent once, and its row stays for a moment after it went", async (context) => {
  const { feed, root, asked, rows, of } = await ordersOf(context, { cancelOrder: () => ({}) });
  await press(of("11", '[data-does="cancel"]'));
  await press(of("11", '[data-does="cancel"]'));
  assert.deepEqual(asked("cancelOrder"), [["11"]]);
  assert.deepEqual(texts(root, "#cancel-result"), ["Order cancelled."]);
  feed.onEvent("order_events", { events: [{ ...LISTED[0], event_type: "cancelled", status: "cancelled", seq: 9 }] });
  await drawn(300);
  assert.deepEqual(rows(), ["12", "11"]);
  assert.equal(of("11", '[data-label="Status"]').textContent, "Cancelled");
});

test("all are cancelled after it was asked once more", async (context) => {
  const { root, asked } = await ordersOf(context, { cancelAll: () => ({ count: 3 }) });
  await press(root.querySelector("#cancel-all"));
  assert.deepEqual(texts(root, ".confirm > span"), ["Cancel 3 orders?"]);
  assert.equal(document.activeElement.id, "cancel-all-keep");
  await key(document.activeElement, "Escape");
  assert.equal(root.querySelector(".confirm"), null);
  await press(root.querySelector("#cancel-all"));
  await press(root.querySelector("#cancel-all-yes"));
  assert.deepEqual(asked("cancelAll"), [[undefined]]);
  assert.deepEqual(texts(root, "#cancel-result"), ["3 orders cancelled."]);
});
