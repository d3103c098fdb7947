/** The ladder shows the best prices at the middle, and what is clicked on goes to the ticket or opens a queue. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { golden } from "../golden.js";
import { pageOf, SYMBOL } from "../venue.js";
import { draw, drawn, key, press, size, texts } from "./page.js";

const { DepthLadder } = await import("../../../frontend/view/ladder/depth-ladder.js");

const { snapshot, deltas } = golden("l2_feed");
const ORDERS = {
  bids: [{ order_id: "9", price: "30000.00", quantity: "0.10000000", timestamp: 1_700_000_000 }],
  asks: [],
};

/** A ladder with room for ten levels of each side: its head and its middle have no height here. */
async function ladderOf(context, answers = {}) {
  size.height = 16 * 20;
  context.after(() => (size.height = 0));
  const page = await pageOf({ bookOrders: () => ORDERS, ...answers });
  page.feed.onEvent("l2_snapshot", { ...snapshot, symbol: SYMBOL });
  const root = await draw(context, DepthLadder, page.services);
  return { ...page, root, prices: (side) => texts(root, `.${side} .level-price`) };
}

test("the best bid and the best ask stand next to the middle", async (context) => {
  const { prices } = await ladderOf(context);
  assert.equal(prices("asks").length, 10);
  assert.deepEqual([prices("asks").at(-1), prices("bids")[0]], ["30,000.50", "30,000.00"]);
});

test("a change of the book is drawn at the pace, not at once", async (context) => {
  const { feed, root } = await ladderOf(context);
  const sizes = () => texts(root, ".level-size").join();
  const before = sizes();
  feed.onEvent("l2_delta", { ...deltas[0].message, symbol: SYMBOL });
  assert.equal(sizes(), before);
  await drawn();
  assert.notEqual(sizes(), before);
});

test("a click on a price takes it into the ticket, as it was when the pointer went down", async (context) => {
  const { services, root } = await ladderOf(context);
  await press(root.querySelector(".bids .level-price"));
  assert.equal(services.entry.fields.price, "30000.00");
});

test("a click on a size opens the queue of that level, and a second one closes it", async (context) => {
  const { asked, root } = await ladderOf(context);
  await press(root.querySelector(".bids .level-size"));
  assert.deepEqual(
    asked.filter(([name]) => name === "bookOrders"),
    [["bookOrders", SYMBOL, { price: "30000.00" }]],
  );
  assert.match(texts(root, "#level-queue")[0], /^Bids at 30,000\.00.*1 order.*9$/);
  await press(root.querySelector(".bids .level-size"));
  assert.equal(root.querySelector("#level-queue"), null);
});

test("arrows walk the levels and from price to size; beyond the edge deeper levels come", async (context) => {
  const { root, prices } = await ladderOf(context);
  const ladder = root.querySelector("#ladder");
  const held = () => document.activeElement;
  root.querySelector(".bids .level-price").focus();
  await key(ladder, "ArrowUp");
  assert.equal(held().textContent, "30,000.50");
  await key(ladder, "ArrowRight");
  assert.equal(held().className, "level-size");
  await key(ladder, "ArrowLeft");
  for (let rows = 0; rows < 9; rows += 1) await key(ladder, "ArrowUp");
  const edge = prices("asks")[0];
  await key(ladder, "ArrowUp");
  assert.notEqual(prices("asks")[0], edge);
  assert.ok(await key(ladder, "Home"));
  assert.equal(prices("asks")[0], edge);
});

test("own orders are marked at their level", async (context) => {
  const own = { order_id: "9", symbol: SYMBOL, side: "buy", order_type: "limit", price: "30000.00", quantity: "0.1" };
  const orders = [{ ...own, remaining: "0.1", filled: "0", status: "resting", timestamp: 1 }];
  const { services, root } = await ladderOf(context, { orders: () => ({ orders, seq: 1, next_cursor: null }) });
  await services.portfolio.load();
  await drawn(300);
  assert.deepEqual(texts(root, ".bids .own .level-price"), ["30,000.00"]);
});

test("an empty book says so", async (context) => {
  const { services } = await pageOf();
  const root = await draw(context, DepthLadder, services);
  assert.deepEqual(texts(root, ".ladder .empty"), ["Loading the book…"]);
});
