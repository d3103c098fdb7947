/** Tokens and keys for programs: made for an account of this browser, covered, gone with its session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { curlOf, masked, pythonOf, takesKey } from "../../frontend/model/shell/snippets.js";
import { CredentialStore } from "../../frontend/stores/credentials.js";

const token = (lifeS, at = 1_000) =>
  `x.${Buffer.from(JSON.stringify({ iat: at, exp: at + lifeS })).toString("base64url")}.y`;
const CALL = Object.freeze({
  method: "POST",
  path: "/order",
  body: { client_order_id: "web-1" },
  signed: true,
  asker: { name: "guest-7", account: "1003", session_id: "s-1" },
});

function made() {
  const asked = [];
  const access = Object.assign(new EventTarget(), {
    sessions: [{ session_id: "s-1", account: "1003", name: "guest-7" }],
    distrust: (...which) => asked.push(["distrust", ...which]),
    tokenOf: async (...which) => (asked.push(["token", ...which]), token(900)),
  });
  const api = {
    makeKey: async ({ session_id }) => (asked.push(["key", session_id]), { key_id: "k-1", secret: "hush" }),
    endKey: async ({ session_id }, keyId) => void asked.push(["end", session_id, keyId]),
  };
  return { asked, access, credentials: new CredentialStore(api, access) };
}

test("a token that is made has its whole life before it, and is dropped when that is over", async (context) => {
  const { asked, credentials } = made();
  let nowMs = 0;
  context.mock.method(performance, "now", () => nowMs);
  assert.equal(credentials.of("s-1"), null);
  await credentials.makeToken("s-1");
  assert.deepEqual(
    asked,
    [
      ["distrust", "s-1"],
      ["token", "s-1"],
    ],
    "the one in use may end any moment",
  );
  assert.equal(credentials.of("s-1").token, token(900));
  nowMs = 899_000;
  assert.notEqual(credentials.of("s-1"), null);
  nowMs = 900_000;
  assert.equal(credentials.of("s-1"), null);
});

test("a key is ended at the venue and forgotten; what was made goes with the session", async () => {
  const { asked, access, credentials } = made();
  await credentials.makeKey("s-1");
  assert.deepEqual([credentials.of("s-1").key_id, credentials.of("s-2")], ["k-1", null]);
  await credentials.end("s-1");
  assert.deepEqual([asked.at(-1), credentials.of("s-1")], [["end", "s-1", "k-1"], null]);
  await credentials.makeKey("s-1");
  access.sessions = [];
  access.dispatchEvent(new Event("sessions"));
  assert.deepEqual([credentials.of("s-1"), credentials.mayMake("s-1")], [null, false]);
});

test("no secret is in the code that is shown covered, and nothing else is other in it", () => {
  for (const given of [
    { kind: "token", token: "hush" },
    { kind: "key", key_id: "k-1", secret: "hush" },
  ]) {
    for (const codeOf of [curlOf, pythonOf]) {
      const [shown, real] = [masked(given), given].map((each) => codeOf(CALL, "http://x", each));
      assert.doesNotMatch(shown, /hush/);
      assert.equal(shown.replace(/•+/, "hush"), real);
    }
  }
});

test("a key is used where it is good, a token of the environment elsewhere", () => {
  const key = { kind: "key", key_id: "k-1", secret: "hush" };
  for (const path of ["/auth/keys", "/admin/accounts/1", "/account/withdraw"]) {
    assert.equal(takesKey(path, key), false, path);
    assert.match(curlOf({ ...CALL, path }, "http://x", key), /\$\{OPENBELL_TOKEN:\?/);
    assert.match(pythonOf({ ...CALL, path }, "http://x", key), /import os\n[\s\S]*os\.environ/);
  }
  assert.equal(takesKey("/account/deposit", key), true);
});

test("an order has an id of its own each time, and a line that says why; other calls have none", () => {
  const [curl, python] = [curlOf(CALL, "http://x"), pythonOf(CALL, "http://x")];
  for (const code of [curl, python]) {
    assert.doesNotMatch(code, /web-1/);
    assert.match(code, /A fresh id: this is a new order/);
    assert.match(code, /As guest-7, account 1003/);
  }
  assert.doesNotMatch(
    curlOf({ ...CALL, method: "PATCH", path: "/order/7", body: { price: "1" } }, "http://x"),
    /fresh/,
  );
});
