/** The ticket has the fields of its type, complains of what was touched, and sends what can be sent. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { pageOf, SYMBOL } from "../venue.js";
import { draw, drawn, key, press, submit, texts, type } from "./page.js";

const { OrderTicket } = await import("../../../frontend/view/ticket/order-ticket.js");

const RESTING = {
  status: "resting",
  order_id: "7",
  filled_quantity: "0",
  remaining_quantity: "0.5",
  price: "30000.00",
};
const BALANCES = [
  { asset: "USDT", available: "100000", held: "0", total: "100000" },
  { asset: "BTC", available: "2", held: "0", total: "2" },
];

async function ticketOf(context, answers = {}, who = {}) {
  const page = await pageOf({ enterOrder: () => RESTING, ...answers }, who);
  page.feed.onEvent("venue", { flows: [], accepting: true });
  page.feed.onEvent("balances", { account: "1000", balances: BALANCES, seq: 5 });
  const root = await draw(context, OrderTicket, page.services);
  const sent = () => page.asked.filter(([name]) => name === "enterOrder").map(([, order]) => order);
  return { ...page, root, sent, field: (name) => root.querySelector(`[name="${name}"]`) };
}

/** Chosen as a person does: radio buttons of one name. */
const choose = (root, name, value) => type(root.querySelector(`[name="${name}"][value="${value}"]`), value);

test("each type has the fields that it needs", async (context) => {
  const { root } = await ticketOf(context);
  const names = () => [...root.querySelectorAll(".ticket-fields > .field input")].map(({ name }) => name);
  assert.deepEqual(names(), ["price", "quantity"]);
  await choose(root, "type", "stop_limit");
  assert.deepEqual(names(), ["stop_price", "price", "quantity"]);
  await choose(root, "type", "market");
  assert.deepEqual(names(), ["quantity"]);
  assert.deepEqual(texts(root, "#type-hint"), ["Takes the best prices there are; what is left is cancelled."]);
});

test("a problem is shown of what was touched alone, and of everything when it is sent", async (context) => {
  const { root, sent, field } = await ticketOf(context);
  const problems = () => texts(root, '.ticket-fields > .field .problem:not([data-tone="plain"])').filter(Boolean);
  await type(field("price"), "30000.123");
  assert.deepEqual(problems(), ["Steps of 0.01: 30000.12 or 30000.13."]);
  assert.equal(field("price").getAttribute("aria-invalid"), "true");
  await type(field("price"), "30000");
  assert.deepEqual(problems(), []);
  await submit(root.querySelector("#ticket"));
  assert.deepEqual([problems(), sent()], [["Enter a quantity."], []]);
  assert.equal(document.activeElement, field("quantity"));
});

test("what is filled in is sent once, with an id, and what became of it is said", async (context) => {
  const { root, sent, field } = await ticketOf(context);
  await type(field("price"), "30,000.00");
  await type(field("quantity"), "0.5 BTC");
  await submit(root.querySelector("#ticket"));
  await submit(root.querySelector("#ticket"));
  const order = { symbol: SYMBOL, side: "buy", order_type: "limit", price: "30000.00", quantity: "0.50000000" };
  assert.deepEqual(sent(), [{ ...order, client_order_id: "id-1" }]);
  assert.deepEqual(texts(root, "#result"), ["In the book: buy 0.5 BTC at 30,000.00."]);
  assert.deepEqual(texts(root, "#result-why"), ["Why?"]);
  assert.equal(root.querySelector(".send").getAttribute("aria-disabled"), "true", "a second press is the same order");
});

test("more than can be paid is not sent", async (context) => {
  const { root, sent, field } = await ticketOf(context);
  await type(field("price"), "30000");
  await type(field("quantity"), "5");
  await submit(root.querySelector("#ticket"));
  assert.deepEqual(sent(), []);
  assert.deepEqual(texts(root, "#result"), ["Not sent. Needs 150,150 USDT; 100,000 available."]);
});

test("arrows move a number by steps, and ten of them with shift", async (context) => {
  const { field } = await ticketOf(context);
  await type(field("price"), "30000");
  assert.ok(await key(field("price"), "ArrowUp"));
  assert.equal(field("price").value, "30000.01");
  await key(field("price"), "ArrowDown", { shiftKey: true });
  assert.equal(field("price").value, "29999.91");
});

test("a share takes that part of what is available, and asks for the price that it needs", async (context) => {
  const { root, field } = await ticketOf(context);
  const half = root.querySelector('[data-percent="50"]');
  await press(half);
  assert.equal(document.activeElement, field("price"));
  await type(field("price"), "20000");
  await press(half);
  assert.equal(field("quantity").value, "2.49750249");
  await choose(root, "side", "sell");
  await press(half);
  assert.equal(field("quantity").value, "1.00000000");
});

test("nobody who is signed out sends anything: the button asks to sign in", async (context) => {
  const { services, root, sent } = await ticketOf(context, {}, { session: null });
  const asked = [];
  services.workspace.addEventListener("account", ({ detail }) => asked.push(detail));
  assert.deepEqual(texts(root, ".send"), ["Sign in to trade"]);
  await submit(root.querySelector("#ticket"));
  assert.deepEqual([asked, sent()], [["login"], []]);
});

test("while the venue takes no orders the button is shut, and says what it would do when it takes them", async (context) => {
  const { feed, root } = await ticketOf(context);
  const button = root.querySelector(".send");
  assert.deepEqual([button.disabled, texts(root, ".send")], [false, ["Buy BTC"]]);
  feed.onEvent("venue", { accepting: false });
  await drawn();
  assert.equal(button.disabled, true);
  feed.onEvent("venue", { accepting: true });
  feed.onEvent("status", { symbol: SYMBOL, status: "halted" });
  await drawn();
  assert.equal(button.disabled, true);
  assert.equal(button.title, `${SYMBOL} is halted: no orders are taken; cancels work.`);
});
