/** The account of a sandbox that is traded without credentials, as one of those that a tab may be. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { NOBODY, parseSigned, SANDBOX } from "../../frontend/model/account/sessions.js";
import { Access } from "../../frontend/net/access.js";
import { Api } from "../../frontend/net/api.js";
import { ApiFailure } from "../../frontend/net/http.js";

const GUEST = Object.freeze({
  session_id: "s-1",
  account: "1000",
  name: "guest-7",
  guest: true,
  token: "t-1",
});

/**
 * Saved sessions that keep its text in memory, as the browser does.
 * @param {string} [chosen]
 * @param {string | null} [text]
 */
function savedOf(chosen = null, text = null) {
  return {
    onChange: () => {},
    chosen,
    text,
    read() {
      return parseSigned(this.text);
    },
    async update(fold) {
      this.text = JSON.stringify(fold(this.read() ?? NOBODY));
    },
  };
}

/** @param {"sandbox" | "secured"} profile @param {any[]} [calls] */
function serverOf(profile, calls = []) {
  return {
    async call(method, path, options = {}) {
      calls.push([method, path, options.token]);
      if (path === "/health") return { profile };
      if (path === "/auth/guest") return GUEST;
      if (profile === "secured") throw new ApiFailure("refused", "Sign in.", { status: 401 });
      return {};
    },
  };
}

test("in a sandbox the account that is traded without credentials can be acted for, and no token is shown for it", async () => {
  const calls = [];
  const http = serverOf("sandbox", calls);
  const saved = savedOf();
  const access = new Access(http, saved);
  await access.start();
  assert.equal(access.session.name, "guest-7");
  await access.use(access.everybodys.session_id);
  assert.deepEqual([access.session.account, access.state, saved.chosen], ["1", "signed_in", "sandbox"]);
  assert.deepEqual(await access.credentials(), {}, "the feed is connected to as nobody");
  await new Api(http, access).orders({ limit: 5 });
  assert.deepEqual(calls.at(-1), ["GET", "/orders?limit=5", undefined]);
  access.doubt();
  saved.onChange();
  assert.equal(access.session, SANDBOX, "no session of it can end");
  await access.signOut();
  assert.equal(access.session, SANDBOX, "nobody has to sign out of it");
  const again = new Access(http, savedOf(null, saved.text));
  await again.start();
  assert.equal(again.session, SANDBOX, "it was used last");
  await again.use("s-1");
  assert.equal(again.session.name, "guest-7", "and the guest is still there");
});

test("no such account is offered where credentials are needed, whatever the browser has kept", async () => {
  const kept = JSON.stringify({ sessions: [], last: "sandbox" });
  const access = new Access(serverOf("secured"), savedOf("sandbox", kept));
  await access.start();
  assert.deepEqual([access.everybodys, access.session, access.state], [null, null, "signed_out"]);
  await access.use("sandbox");
  assert.equal(access.session, null);
});

test("a server that comes back as secured shows out who acted without credentials", async () => {
  const access = new Access(serverOf("sandbox"), savedOf("sandbox"));
  await access.start();
  await access.use("sandbox");
  await assert.rejects(new Api(serverOf("secured"), access).orders({ limit: 5 }), { status: 401 });
  assert.deepEqual([access.session, access.state, access.everybodys], [null, "signed_out", null]);
});

test("a session is renewed by its cookie; a refresh token of before is exchanged for one, once", async () => {
  const kept = {
    sessions: [
      { session_id: "old", account: "1001", name: "ada", guest: false, refresh_token: "hush" },
      { session_id: "new", account: "1002", name: "bob", guest: false },
    ],
    last: "new",
  };
  const saved = savedOf(null, JSON.stringify(kept));
  const asked = [];
  const http = {
    async call(_method, path, { body } = {}) {
      if (path === "/health") return { profile: "secured" };
      asked.push([path, body]);
      const session_id = body.session_id ?? "old";
      const { account, name } = kept.sessions.find((each) => each.session_id === session_id);
      return { session_id, account, name, guest: false, token: "t" };
    },
  };
  const access = new Access(http, saved);
  await access.start();
  await access.tokenOf("old");
  await access.tokenOf("old");
  await access.tokenOf("new");
  assert.deepEqual(asked, [
    ["/auth/refresh?refresh=cookie", { refresh_token: "hush" }],
    ["/auth/refresh", { session_id: "old" }],
    ["/auth/refresh", { session_id: "new" }],
  ]);
  assert.equal(saved.text.includes("refresh_token"), false);
});
