/** What the ticket sends, what it refuses, and what it says afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeAnswer } from "../../frontend/model/orders/answers.js";
import { describeFailure } from "../../frontend/model/parts/failures.js";
import { checkTicket, stepped } from "../../frontend/model/ticket/ticket.js";
import { Api } from "../../frontend/net/api.js";
import { ApiFailure, Http } from "../../frontend/net/http.js";

const BTC = {
  symbol: "BTC-USDT",
  base: "BTC",
  quote: "USDT",
  tick_size: "0.01",
  lot_size: "0.00000001",
  status: "trading",
};
const AAPL = { ...BTC, symbol: "AAPL-USD", base: "AAPL", quote: "USD", tick_size: "0.05", lot_size: "1" };
const SIGNED_IN = { session: { session_id: "s-1" }, tokenOf: async () => "token", distrust: () => {} };
const limit = { side: "buy", type: "limit", quantity: "0.5", price: "30000" };

test("a right ticket becomes the body of POST /order, on the grid and without floats", () => {
  const { problems, order } = checkTicket({ ...limit, quantity: " .10000001 ", price: "99999999999999.99" }, BTC);
  assert.deepEqual(problems, {});
  assert.deepEqual(order, {
    symbol: "BTC-USDT",
    side: "buy",
    order_type: "limit",
    quantity: "0.10000001",
    price: "99999999999999.99",
  });
});

test("a market order carries no price, whatever stands in the field", () => {
  const { order } = checkTicket({ ...limit, type: "market", price: "rubbish" }, BTC);
  assert.deepEqual(order, { symbol: "BTC-USDT", side: "buy", order_type: "market", quantity: "0.50000000" });
});

test("each mistake is named beside its field, with the nearest right values", () => {
  const problems = (fields, instrument = BTC) => checkTicket({ ...limit, ...fields }, instrument).problems;
  assert.equal(problems({ price: "30000.005" }).price, "Steps of 0.01: 30000.00 or 30000.01.");
  assert.equal(problems({ quantity: "1.5" }, AAPL).quantity, "Steps of 1: 1 or 2.");
  assert.equal(problems({ price: "190.07" }, AAPL).price, "Steps of 0.05: 190.05 or 190.10.");
  assert.equal(problems({ quantity: "0.4" }, AAPL).quantity, "Steps of 1: 1.");
  assert.match(problems({ quantity: "" }).quantity, /Enter a quantity/);
  assert.match(problems({ quantity: "0" }).quantity, /above zero/);
  assert.match(problems({ quantity: "-1" }).quantity, /above zero/);
  for (const text of ["abc", "1e3", "NaN", "1,5,5"])
    assert.match(problems({ price: text }).price, /plain number/, text);
  assert.equal(checkTicket({ ...limit, price: "" }, BTC).order, null);
});

test("arrow keys step along the grid and never below one step", () => {
  assert.equal(stepped("30000.00", "0.01", 1n), "30000.01");
  assert.equal(stepped("190.07", "0.05", 1n), "190.10");
  assert.equal(stepped("190.07", "0.05", -1n), "190.05");
  assert.equal(stepped("190.05", "0.05", -1n), "190.00");
  assert.equal(stepped("1", "1", -10n), "1");
  assert.equal(stepped("", "1", 1n), "1");
  assert.equal(stepped("abc", "1", 1n), null);
});

test("every outcome has its sentence", () => {
  const say = (answer, order = { ...limit, order_type: "limit", price: "30000.00" }) =>
    describeAnswer(
      { filled_quantity: "0.00000000", remaining_quantity: "0.50000000", average_price: null, ...answer },
      order,
      BTC,
    ).text;
  assert.equal(say({ status: "resting" }), "In the book: buy 0.5 BTC at 30,000.00.");
  assert.equal(
    say({ status: "filled", filled_quantity: "0.50000000", average_price: "29999.99512345" }),
    "Bought 0.5 BTC at 29,999.9951 on average.",
  );
  assert.equal(
    say({
      status: "partially_filled",
      filled_quantity: "0.20000000",
      remaining_quantity: "0.30000000",
      average_price: "30000",
    }),
    "Bought 0.2 BTC at 30,000 on average; 0.3 BTC waits at 30,000.00.",
  );
  assert.match(
    say({ status: "cancelled" }, { side: "sell", order_type: "fok", quantity: "1" }),
    /^Nothing was filled; .*killed/,
  );
  assert.match(say({ status: "cancelled" }, { side: "sell", order_type: "market", quantity: "1" }), /collar/);
  assert.equal(
    say(
      { status: "cancelled", filled_quantity: "0.20000000", remaining_quantity: "0.30000000", average_price: "30000" },
      { side: "sell", order_type: "ioc", quantity: "0.5" },
    ),
    "Sold 0.2 BTC at 30,000 on average; the rest, 0.3 BTC, was cancelled.",
  );
});

test("a refusal, a venue that takes nothing and no answer at all are told apart", async () => {
  const failureOf = async (fetcher) => {
    try {
      await new Api(new Http("", fetcher), SIGNED_IN).enterOrder({});
    } catch (failure) {
      assert.ok(failure instanceof ApiFailure);
      return failure;
    }
    return assert.fail("no failure");
  };
  const answering = (status, body) => async () => new Response(JSON.stringify(body), { status });
  const refused = await failureOf(answering(400, { error: "The price is wrong.", error_code: "BAD_TICK" }));
  assert.deepEqual([refused.kind, refused.code, refused.status], ["refused", "BAD_TICK", 400]);
  assert.equal(describeFailure(refused), "Rejected: the price is wrong.");
  const closed = await failureOf(answering(503, { error: "Not now.", error_code: "NOT_ACCEPTING" }));
  assert.equal(describeFailure(closed), "Not taken: Not now.");
  const broken = await failureOf(answering(500, { error: "Oops.", error_code: "INTERNAL_ERROR" }));
  const lost = await failureOf(async () => {
    throw new TypeError("Failed to fetch");
  });
  const garbled = await failureOf(async () => new Response("<html>", { status: 200 }));
  for (const failure of [broken, lost, garbled]) {
    assert.equal(failure.kind, "no_answer");
    assert.match(describeFailure(failure), /same id/);
  }
});

test("an order goes with the token of the account that asked, and once more when the token was refused", async () => {
  const shown = [];
  const tokens = ["old", "new"];
  const access = {
    session: { session_id: "s-1" },
    tokenOf: async () => tokens[0],
    distrust: () => void tokens.shift(),
  };
  const fetcher = async (_path, { headers }) => {
    shown.push(headers.Authorization);
    const good = headers.Authorization === "Bearer new";
    return new Response(JSON.stringify(good ? { status: "filled" } : { error_code: "TOKEN_EXPIRED" }), {
      status: good ? 200 : 401,
    });
  };
  assert.deepEqual(await new Api(new Http("", fetcher), access).enterOrder({}), { status: "filled" });
  assert.deepEqual(shown, ["Bearer old", "Bearer new"]);
  await assert.rejects(new Api(new Http("", fetcher), { ...access, session: null }).enterOrder({}), {
    code: "UNAUTHENTICATED",
  });
  assert.equal(shown.length, 2, "without an account nothing is sent");
});

test("exits of a sale mirror those of a purchase, a time that is now has passed, and only a market order is counted in money", () => {
  const instrument = { ...BTC, lot_size: "0.001" };
  const sale = { side: "sell", type: "limit", price: "100", quantity: "1" };
  assert.equal(checkTicket({ ...sale, take_profit: "90", stop_loss: "110" }, instrument).order.take_profit, "90.00");
  assert.match(checkTicket({ ...sale, take_profit: "110" }, instrument).problems.take_profit, /below/);
  const until = { ...sale, time_in_force: "gtd", expire_time: "2030-01-01T00:00:00" };
  const now = Date.parse(`${until.expire_time}Z`);
  assert.equal(checkTicket(until, instrument, now - 1).order.expire_time, String(now / 1000));
  assert.equal(checkTicket(until, instrument, now).problems.expire_time, "That time has passed.");
  assert.equal(checkTicket({ ...sale, quantity_in: "quote" }, instrument).order.quantity, "1.000");
});
