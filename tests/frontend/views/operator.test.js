/** What an operator sees, and that what hurts is asked once more before it is done. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { INSTRUMENT, pageOf, SESSION as SIGNED_IN, SYMBOL } from "../venue.js";
import { draw, drawn, press, submit, textOf, texts, type } from "./page.js";

const { Operator } = await import("../../../frontend/view/operator/operator.js");

const SESSION = { limit_state: null, limit_price: null, band: ["900.00", "1100.00"], next_change: null };
const STATISTICS = {
  orders_per_second: 3,
  latency_ms: { p50: 0.5, p90: 1, p99: 2.25 },
  rejected_by_reason: { PRICE_OUTSIDE_COLLAR: 4 },
};
const ACCOUNT = {
  id: "1007",
  tier: "standard",
  status: "active",
  open_orders: 2,
  fees: { maker_percent: null, taker_percent: "0.05" },
  limits: { max_open_orders: null, max_orders_per_second: null, max_notional: null },
  self_trade_prevention: "none",
};
const FOUND = {
  account: ACCOUNT,
  user: { name: "ada", role: "user", guest: false },
  balances: [{ asset: "BTC", available: "1", held: "0" }],
};

const USER = {
  user: { name: "ada", account: "1007", role: "trader", guest: false, disabled: false, totp: true },
  sessions: [
    {
      session_id: "s-1",
      address: "192.0.2.1",
      user_agent: "Firefox/1 Safari/2",
      used_at: 1,
      created_at: 1,
      current: false,
    },
  ],
  keys: [{ key_id: "k-1" }],
};

/** What operators are answered, by the path. */
const answered = (_method, path) => {
  if (path.endsWith("/password")) return { user: USER.user, password: "told-once" };
  return path.startsWith("/users/") ? USER : FOUND;
};

async function operatorOf(context, operate = answered) {
  const info = { ...INSTRUMENT, session: SESSION, active_orders: 12, total_trades: 5 };
  const answers = {
    symbols: () => ({ symbol_info: { [SYMBOL]: info }, seq: 1 }),
    statistics: () => STATISTICS,
    operate,
  };
  const page = await pageOf(answers, { session: { ...SIGNED_IN, name: "boss" } });
  page.services.workspace.show("bottom", "operator");
  context.after(() => page.services.operator.unwatch());
  const root = await draw(context, Operator, page.services);
  await drawn();
  const commands = () => page.asked.filter(([name]) => name === "operate").map(([, ...question]) => question);
  const button = (text) => [...root.querySelectorAll("button")].find((each) => textOf(each) === text);
  return { ...page, root, commands, button };
}

test("symbols are listed with their state, and the one that it is in can't be commanded", async (context) => {
  const { root, button } = await operatorOf(context);
  assert.match(texts(root, `tr[data-symbol="${SYMBOL}"]`)[0], /^BTC-USDT ?Trading.*900\.00 – 1,100\.00.*12/);
  assert.equal(button("Halt").disabled, false);
});

test("a command that hurts is asked once more, and left alone when it is not meant", async (context) => {
  const { root, commands, button } = await operatorOf(context, () => ({ status: "halted" }));
  await press(button("Halt"));
  assert.deepEqual([texts(root, "#confirm-title"), commands()], [[`Halt ${SYMBOL}?`], []]);
  await press(button("Leave it"));
  assert.deepEqual(commands(), []);
  await press(button("Halt"));
  await press(root.querySelector("#confirm .danger"));
  assert.deepEqual(commands(), [["POST", `/symbols/${SYMBOL}/halt`, undefined]]);
  assert.deepEqual(texts(root, "#operator-result"), [`${SYMBOL} is halted.`]);
});

test("an account is found by its number, shown, and its settings are sent as they stand in the form", async (context) => {
  const { services, root, commands } = await operatorOf(context);
  services.workspace.remember("operator.view", "account");
  await drawn();
  await type(root.querySelector('[name="operator-account"]'), "1,007");
  await submit(root.querySelector(".operator-find"));
  assert.deepEqual(commands(), [
    ["GET", "/accounts/1007", undefined],
    ["GET", "/users/ada"],
  ]);
  assert.match(texts(root, ".operator-account")[0], /^Account 1007 Active/);
  const settings = root.querySelector(".operator-settings");
  await type(settings.querySelector('[name="max_open_orders"]'), "many");
  assert.equal(settings.querySelector('[type="submit"]').disabled, true);
  await type(settings.querySelector('[name="max_open_orders"]'), "25");
  await submit(settings);
  const body = { tier: "standard", self_trade_prevention: "none", taker_fee_bps: "5", max_open_orders: 25 };
  assert.deepEqual(commands()[2], ["PUT", "/accounts/1007", body]);
});

test("the kill switch is asked once more", async (context) => {
  const { services, root, commands, button } = await operatorOf(context);
  await services.operator.find("1007");
  services.workspace.remember("operator.view", "account");
  await drawn();
  await press(button("Stop trading"));
  assert.deepEqual(texts(root, "#confirm-title"), ["Stop account 1007?"]);
  await press(button("Stop it"));
  assert.deepEqual(commands()[2], ["POST", "/accounts/1007/stop", undefined]);
});

test("a user is changed once it is asked; the password of a reset is shown until another account is opened", async (context) => {
  const { services, root, commands, button } = await operatorOf(context);
  await services.operator.find("1007");
  services.workspace.remember("operator.view", "account");
  await drawn();
  assert.match(texts(root, "#operator-user")[0], /^User ada ?1 API key, codes on/);
  assert.match(texts(root, '[data-session="s-1"]')[0], /Firefox 192\.0\.2\.1/);
  for (const [title, yes, path] of [
    ["Disable", "Disable them", "/users/ada/disable"],
    ["Make an operator", "Promote them", "/users/ada/promote"],
    ["Reset codes", "Reset them", "/users/ada/reset_totp"],
    ["Sign out everywhere", "Sign them out", "/users/ada/revoke"],
    ["Reset password", "Reset it", "/users/ada/password"],
  ]) {
    const before = commands().length;
    await press(button(title));
    assert.equal(commands().length, before, title);
    await press(button(yes));
    assert.deepEqual(commands()[before], ["POST", path, undefined]);
  }
  assert.deepEqual(texts(root, "#given-password"), ["told-once"]);
  await press(button("End it"));
  assert.deepEqual(commands().at(-2), ["DELETE", "/users/ada/sessions/s-1", undefined]);
  await services.operator.find("1007");
  await drawn();
  assert.deepEqual(texts(root, "#given-password"), []);
});

test("nothing is asked of the venue any more once another tab is shown", async (context) => {
  const { services, asked } = await operatorOf(context);
  services.workspace.show("bottom", "orders");
  await drawn();
  const before = asked.length;
  await drawn(1_200);
  assert.equal(asked.length, before);
});
