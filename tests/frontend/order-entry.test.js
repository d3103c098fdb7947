/** What is in the ticket, whether it may be sent, and under which id. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Times, UTC } from "../../frontend/model/parts/times.js";
import { ApiFailure } from "../../frontend/net/http.js";
import { OrderEntryStore } from "../../frontend/stores/order-entry.js";
import { INSTRUMENT, pageOf } from "./venue.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const silent = new ApiFailure("no_answer", "The server did not answer.");
const RESTING = { status: "resting", order_id: "7", filled_quantity: "0", price: "10.00" };

/** A ticket with a limit order that can be sent; `ids` has the id of each order that was. */
async function ticketOf(context, enterOrder = () => RESTING, symbols = { "BTC-USDT": INSTRUMENT }) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { services, asked } = await pageOf({ enterOrder, symbols: () => ({ symbol_info: symbols, seq: 1 }) });
  const { entry, market, portfolio } = services;
  let last = 0;
  portfolio.nextClientOrderId = () => `id-${(last += 1)}`;
  entry.edit("price", "10");
  entry.edit("quantity", "1");
  const send = async () => {
    const missing = entry.submit();
    await settled();
    return missing;
  };
  const ids = () => asked.filter(([name]) => name === "enterOrder").map(([, order]) => order.client_order_id);
  return { entry, market, portfolio, send, ids };
}

test("no answer: the same order goes again under the same id, another one under its own", async (context) => {
  let answers = 0;
  const { entry, send, ids } = await ticketOf(context, () => {
    answers += 1;
    if (answers < 3) throw silent;
    return RESTING;
  });
  await send();
  assert.match(entry.result.text, /^No answer came, so the order may or may not have been taken\./);
  await send();
  entry.edit("quantity", "2");
  await send();
  assert.deepEqual(ids(), ["id-1", "id-1", "id-2"]);
});

test("a second press just after an order was taken is the same intention, unless the draft was touched", async (context) => {
  const { entry, send, ids } = await ticketOf(context);
  await send();
  await send();
  assert.equal(ids().length, 1);
  context.mock.timers.tick(600);
  await send();
  entry.edit("quantity", "3");
  await send();
  assert.equal(ids().length, 3);
});

test("exits are used up by the order that they came with", async (context) => {
  const { entry, send } = await ticketOf(context);
  entry.edit("take_profit", "12");
  await send();
  assert.deepEqual([entry.fields.take_profit, entry.fields.price], ["", "10"]);
});

test("what is missing is named, and sent is nothing", async (context) => {
  const { entry, send, ids } = await ticketOf(context);
  entry.edit("price", "");
  assert.equal(await send(), "price");
  assert.deepEqual([entry.result, ids()], [{ tone: "bad", text: "Not sent. Enter a price." }, []]);
  entry.edit("price", "10");
  assert.equal(entry.result.text, "", "it is said of the draft as it was");
});

test("a price from elsewhere goes to the first price that the type has", async (context) => {
  const { entry } = await ticketOf(context);
  entry.takePrice("11.00");
  assert.equal(entry.fields.price, "11.00");
  entry.edit("type", "stop");
  entry.takePrice("12.00");
  assert.equal(entry.fields.stop_price, "12.00");
});

test("another unit empties its number: it means something else", async (context) => {
  const { entry } = await ticketOf(context);
  entry.edit("type", "market");
  entry.edit("quantity_in", "quote");
  assert.equal(entry.fields.quantity, "");
});

test("a new symbol leaves how one trades, and forgets at which price", async (context) => {
  const symbols = { "BTC-USDT": INSTRUMENT, "ETH-USDT": { ...INSTRUMENT, base: "ETH" } };
  const { entry, market } = await ticketOf(context, undefined, symbols);
  entry.edit("side", "sell");
  entry.edit("time_in_force", "ioc");
  market.select("ETH-USDT");
  const { side, time_in_force: time, price, quantity } = entry.fields;
  assert.deepEqual([side, time, price, quantity], ["sell", "ioc", "", ""]);
});

test("an answer to another account's order says nothing to this one", async (context) => {
  const pending = deferred();
  const { entry, portfolio, send } = await ticketOf(context, () => pending.promise);
  await send();
  portfolio.access.session = { account: "2000" };
  portfolio.access.dispatchEvent(new Event("session"));
  pending.resolve(RESTING);
  await settled();
  assert.deepEqual([entry.busy, entry.result.text], [false, ""]);
});

test("a time that was typed stays the same moment in another zone", async (context) => {
  const { market } = await ticketOf(context);
  const tokyo = new Times("Asia/Tokyo");
  const entry = new OrderEntryStore(market, () => tokyo);
  entry.edit("expire_time", "2026-11-30T12:00");
  entry.keepMoment(UTC);
  assert.equal(tokyo.read(entry.fields.expire_time).ms, UTC.read("2026-11-30T12:00").ms);
});

/** A promise that is kept when a test says. */
function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
