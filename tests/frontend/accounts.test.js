/** Balances, fills, sessions and what an order takes: folds of the wire's messages, exact. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Balances } from "../../frontend/model/account/balances.js";
import {
  describeNoSession,
  NOBODY,
  parseSigned,
  sessionOf,
  withoutSession,
  withSession,
} from "../../frontend/model/account/sessions.js";
import { Fills } from "../../frontend/model/orders/fills.js";
import { multiply, subtract } from "../../frontend/model/parts/decimal.js";
import { describeFailure } from "../../frontend/model/parts/failures.js";
import { affordable, canPay, costNow, describeShort, feeRates, holdOf } from "../../frontend/model/ticket/funds.js";
import { lifeOf } from "../../frontend/net/access.js";
import { golden } from "./golden.js";

const { before, later, other_account, symbol_info: BTC, fills, order_event, guest, user } = golden("account");
const RATES = feeRates(BTC, null);
const LEVELS = [
  ["30000.00", "0.10000000"],
  ["30010.00", "1.00000000"],
].map(([price, quantity]) => ({ price, quantity }));

test("the latest balances win, whichever way they came, and another account's are left alone", () => {
  const balances = new Balances("1000");
  assert.equal(balances.loaded, false);
  assert.equal(balances.apply(later), true);
  assert.equal(balances.apply(before), false);
  assert.equal(balances.apply(other_account), false);
  assert.equal(balances.available("USDT"), "69940.0000000001");
  assert.equal(balances.available("DOGE"), "0");
});

test("after a lost connection the next balances are believed, for the venue may have begun anew", () => {
  const balances = new Balances("1000");
  balances.apply(later);
  balances.invalidate();
  assert.equal(balances.apply(before), true);
  assert.equal(balances.available("USDT"), "100000");
});

test("the assets of the market come first, then what one has, then what one could have", () => {
  const balances = new Balances("1000");
  balances.apply(later);
  assert.deepEqual(
    balances.listed(["USDT", "BTC"], ["AAPL", "ETH"]).map(({ asset }) => asset),
    ["USDT", "BTC", "ETH", "AAPL"],
  );
});

test("a fill that is listed and heard is one fill; a trade with oneself is two", () => {
  const folded = new Fills(3);
  folded.apply(order_event);
  folded.add(fills);
  assert.deepEqual(
    folded.fills.map(({ trade_id, order_id }) => [trade_id, order_id]),
    [
      ["12", "31"],
      ["12", "30"],
      ["7", "20"],
    ],
  );
  assert.equal(folded.fills[1].fee, "1.5");
  folded.add([{ ...fills[0], trade_id: "100" }]);
  assert.equal(folded.fills.length, 3, "memory is bounded");
  folded.forget();
  assert.deepEqual(folded.fills, []);
});

test("a new fill is put before all others without a look at them, however many are kept", () => {
  let looks = 0;
  const kept = Array.from({ length: 1_000 }, (_, at) => ({
    ...fills[0],
    get trade_id() {
      return ((looks += 1), String(1_000 + at));
    },
  }));
  const folded = new Fills(5_000);
  folded.add(kept);
  looks = 0;
  folded.apply({ ...order_event, fill: { ...order_event.fill, trade_id: "5000" } });
  assert.equal(looks <= 2, true, `${looks} looks`);
  folded.add([
    { ...fills[0], trade_id: "999" },
    { ...fills[0], trade_id: "1001", order_id: "9999999" },
  ]);
  assert.deepEqual(
    folded.fills.slice(0, 1).map(({ trade_id }) => trade_id),
    ["5000"],
  );
  assert.deepEqual(
    folded.fills.slice(-4).map(({ trade_id }) => trade_id),
    ["1001", "1001", "1000", "999"],
  );
});

test("a buy holds price x quantity and the higher fee, rounded up on each lot; a sell holds the lots", () => {
  assert.deepEqual(holdOf({ side: "buy", quantity: "1.00000000", price: "30000.00" }, BTC, RATES), {
    asset: "USDT",
    amount: "30060",
    fee: "60",
  });
  // 0.01 x 0.00000001 is one minor unit; 0.2 % of it is rounded up to another
  assert.equal(holdOf({ side: "buy", quantity: "0.00000003", price: "0.01" }, BTC, RATES).amount, "0.0000000006");
  assert.equal(holdOf({ side: "sell", quantity: "0.50000000", price: "30000.00" }, BTC, RATES).amount, "0.5");
  const vast = holdOf({ side: "buy", quantity: "99999999.99999999", price: "99999999999999.99" }, BTC, {
    maker: 0n,
    taker: 0n,
  });
  assert.equal(vast.amount, multiply("99999999.99999999", "99999999999999.99"));
});

test("rates of the account's own go before the symbol's; a rebate holds nothing back", () => {
  const own = feeRates(BTC, { maker_percent: "-0.01", taker_percent: "0.05" });
  assert.deepEqual(own, { maker: -100n, taker: 500n });
  assert.equal(holdOf({ side: "buy", quantity: "1", price: "30000.00" }, BTC, own).amount, "30015");
  assert.equal(
    holdOf({ side: "buy", quantity: "1", price: "30000.00" }, BTC, { maker: -100n, taker: -1n }).amount,
    "30000",
  );
  assert.deepEqual(feeRates(BTC, { maker_percent: null, taker_percent: null }), RATES);
});

test("a market buy costs what the levels it takes cost, and no more than there are", () => {
  assert.equal(costNow({ side: "buy", quantity: "0.20000000" }, LEVELS, BTC, RATES).amount, "6013.002");
  assert.equal(costNow({ side: "buy", quantity: "9.00000000" }, LEVELS, BTC, RATES).amount, "33076.02");
  assert.deepEqual(costNow({ side: "sell", quantity: "9.00000000" }, [], BTC, RATES), { asset: "BTC", amount: "9" });
});

test("a part of what is available buys as many lots as it pays for, and not one more", () => {
  const available = "100000.123";
  for (const percent of [25, 50, 75, 100]) {
    const quantity = affordable({ side: "buy", price: "30000.01" }, available, percent, [], BTC, RATES);
    const budget = multiply(available, `0.${percent}`.replace("0.100", "1"));
    assert.ok(canPay(holdOf({ side: "buy", quantity, price: "30000.01" }, BTC, RATES), budget), quantity);
    const more = subtract(quantity, "-0.00000001");
    assert.ok(!canPay(holdOf({ side: "buy", quantity: more, price: "30000.01" }, BTC, RATES), budget), more);
  }
  assert.equal(affordable({ side: "sell", price: "1" }, "1.5", 25, [], BTC, RATES), "0.37500000");
  assert.equal(affordable({ side: "sell", price: null }, "3", 50, [], { ...BTC, lot_size: "1" }, RATES), "1");
  assert.equal(affordable({ side: "buy", price: "30000" }, "0", 100, [], BTC, RATES), null);
});

test("a market buy for all one has takes level after level", () => {
  const quantity = affordable({ side: "buy", price: null }, "6013.002", 100, LEVELS, BTC, RATES);
  assert.equal(quantity, "0.20000000");
  assert.equal(affordable({ side: "buy", price: null }, "1000000", 100, LEVELS, BTC, RATES), "1.10000000");
  assert.equal(affordable({ side: "buy", price: null }, "1000000", 100, [], BTC, RATES), null);
});

test("sessions are kept as text, renewed in their place, and what is no text of ours is first sight", () => {
  let signed = withSession(NOBODY, guest);
  signed = withSession(signed, user);
  signed = withSession(signed, { ...guest, name: "guest-next", refresh_token: "hush" });
  assert.deepEqual(
    signed.sessions.map(({ name }) => name),
    ["guest-next", user.name],
  );
  for (const name of ["token", "refresh_token"])
    assert.equal(name in signed.sessions[0], false, `no ${name} is written down`);
  const read = parseSigned(JSON.stringify({ ...signed, last: user.session_id }));
  assert.equal(read.last, user.session_id);
  assert.equal(sessionOf(read, guest.session_id).account, "1000");
  const left = withoutSession(read, user.session_id);
  assert.deepEqual([left.sessions.length, left.last], [1, null]);
  for (const text of [null, "", "rubbish", "3", '{"sessions":3}']) assert.equal(parseSigned(text), null, text);
  assert.deepEqual(parseSigned(JSON.stringify(NOBODY)), { sessions: [], last: null }, "signed out is not first sight");
});

test("a user who signs in again has one place in the list", () => {
  const signed = withSession(withSession(NOBODY, user), { ...user, session_id: "s-3" });
  assert.deepEqual(
    signed.sessions.map(({ session_id }) => session_id),
    ["s-3"],
  );
});

test("how long a token is good is read from its own two times", () => {
  const token = (claims) => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
  assert.equal(lifeOf(token({ iat: 1_000, exp: 1_900, name: "ÿ?>" })), 900_000);
  assert.equal(lifeOf(token({ exp: 1_900 })), 0);
  assert.equal(lifeOf("rubbish"), 0);
});

test("what can't be paid, what the venue refuses and a session that ended are said in words", () => {
  assert.equal(describeShort({ asset: "USDT", amount: "30060" }, "100.50"), "Needs 30,060 USDT; 100.5 available.");
  const refused = (code, details = {}) => ({ kind: "refused", code, details, message: "Said by the server." });
  assert.match(describeFailure(refused("INSUFFICIENT_FUNDS")), /^Rejected: there is not enough available/);
  assert.match(describeFailure(refused("ACCOUNT_STOPPED"), "cancel"), /^Not cancelled: this account was stopped/);
  assert.match(describeFailure(refused("ORDER_RATE_EXCEEDED")), /more orders a second/);
  assert.equal(describeFailure(refused("SOMETHING_NEW"), "ask"), "Said by the server.");
  assert.match(describeFailure({ kind: "no_answer" }, "deposit"), /look at the balances/);
  const why = { code: "BAD_REFRESH_TOKEN", message: "", session: { name: "guest-7", guest: true } };
  assert.match(
    describeNoSession("refused", why, "sandbox"),
    /guest-7 was ended from elsewhere.*A guest can't sign in again/,
  );
  assert.match(
    describeNoSession("refused", { ...why, code: "ENDED_ELSEWHERE", session: user }, "sandbox"),
    /in another tab\. Sign in again/,
  );
  assert.match(describeNoSession("signed_out", why, "secured"), /To trade, sign in/);
  assert.equal(describeNoSession("signed_in", why, "sandbox"), "");
});
