/** Which node the page asks: the one it came from, until that does not answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Book } from "../../frontend/model/market/book.js";
import { Connection } from "../../frontend/model/shell/connection.js";
import { Api } from "../../frontend/net/api.js";
import { Http } from "../../frontend/net/http.js";
import { Nodes } from "../../frontend/net/nodes.js";
import { linkFigures, nodeSentence } from "../../frontend/view/shell/link-words.js";

const HOME = "http://a.example:5001";
const LISTED = [
  { name: "a", url: HOME },
  { name: "b", url: "http://b.example:5001" },
  { name: "c", url: "http://c.example:5001" },
];

/** A `fetch` over nodes: by origin what GET /node says; those that are not there do not answer. */
function over(answers, asked = []) {
  return async (address) => {
    asked.push(address);
    const said = answers[new URL(address, HOME).origin];
    if (said === undefined) throw new TypeError("Failed to fetch");
    return said === null ? new Response("{}", { status: 503 }) : Response.json(said);
  };
}

test("a server by itself has no other to go to, and asks nobody", async () => {
  const asked = [];
  const nodes = new Nodes([], HOME, over({}, asked));
  assert.deepEqual([nodes.several, nodes.name, await nodes.move(), asked], [false, "", false, []]);
  assert.equal(nodeSentence(nodes), "");
});

test("another node that answers takes the place of the one that does not", async () => {
  const nodes = new Nodes(LISTED, HOME, over({ "http://c.example:5001": { name: "c", stale: false } }));
  assert.deepEqual([nodes.name, nodes.left], ["a", ""]);
  const changes = [];
  nodes.addEventListener("node", () => changes.push(nodes.name));
  assert.equal(await nodes.move(), true);
  assert.deepEqual([nodes.base, nodes.name, nodes.left, nodes.moves], ["http://c.example:5001", "c", "a", 1]);
  assert.deepEqual(changes, ["c"]);
  assert.match(nodeSentence(nodes), /at node c, since node a/);
});

test("where all answer the others come before the one that was just lost", async () => {
  const all = Object.fromEntries(LISTED.map(({ name, url }) => [url, { name, stale: false }]));
  const nodes = new Nodes(LISTED, HOME, over(all));
  await nodes.move();
  assert.notEqual(nodes.base, "");
});

test("where none of the others answers the page stays, and comes home from one that goes", async () => {
  const answers = { [HOME]: { name: "a", stale: false }, "http://b.example:5001": null };
  const nodes = new Nodes(LISTED, HOME, over(answers));
  assert.equal(await nodes.move(), false);
  nodes.base = "http://b.example:5001";
  assert.equal(await nodes.move(), true);
  assert.deepEqual([nodes.base, nodes.name, nodes.left], ["", "a", ""]);
  assert.equal(await new Nodes(LISTED, HOME, over({})).move(), false);
});

test("one that is stale comes last, and is left only for one that is not", async () => {
  const old = { "http://b.example:5001": { name: "b", stale: true } };
  const nodes = new Nodes(LISTED, HOME, over(old));
  nodes.fold({ node: "a", stale: true });
  assert.equal(await nodes.move(), false);
  assert.match(nodeSentence(nodes), /Node a has heard nothing/);
  old["http://c.example:5001"] = { name: "c", stale: false };
  assert.equal(await nodes.move(), true);
  assert.deepEqual([nodes.name, nodes.stale], ["c", false]);
  const lost = new Nodes(LISTED, HOME, over({ "http://b.example:5001": { name: "b", stale: true } }));
  assert.equal(await lost.move(), true, "what is old is better than nothing");
});

test("a page that was opened by a name that is not listed knows its own node by what that says", async () => {
  const asked = [];
  const nodes = new Nodes(LISTED, "http://localhost:5001", over({}, asked));
  nodes.fold({ node: "a", stale: false });
  await nodes.move();
  assert.deepEqual([...asked].sort(), ["/node", "http://b.example:5001/node", "http://c.example:5001/node"]);
});

test("two who look for another node at once look together", async () => {
  const asked = [];
  const nodes = new Nodes(LISTED, HOME, over({ "http://b.example:5001": { name: "b", stale: false } }, asked));
  assert.deepEqual(await Promise.all([nodes.move(), nodes.move()]), [true, true]);
  assert.equal(nodes.moves, 1);
});

/** The same where each answers so many ms later. */
function late(delays, answers) {
  const asked = over(answers);
  return async (address) => {
    await new Promise((resolve) => setTimeout(resolve, delays[new URL(address, HOME).origin] ?? 0));
    return asked(address);
  };
}

test("whoever was just lost is not gone back to while another one takes a moment", async () => {
  const answers = { [HOME]: { name: "a", stale: false }, [LISTED[1].url]: { name: "b", stale: false } };
  const nodes = new Nodes(LISTED, HOME, late({ [LISTED[1].url]: 30 }, answers));
  assert.equal(await nodes.move(), true);
  assert.equal(nodes.name, "b");
});

test("one that is stale does not come before one that is not and takes a moment", async () => {
  const answers = { [LISTED[1].url]: { name: "b", stale: true }, [LISTED[2].url]: { name: "c", stale: false } };
  const nodes = new Nodes(LISTED, HOME, late({ [LISTED[2].url]: 30 }, answers));
  assert.equal(await nodes.move(), true);
  assert.equal(nodes.name, "c");
});

test("a node that is asked who it is has so long and no longer, and one that is stale is not asked again", async () => {
  const asked = [];
  const signals = [];
  const nodes = new Nodes(LISTED, HOME, async (address, { signal }) => {
    asked.push(address);
    signals.push(signal);
    throw new TypeError("Failed to fetch");
  });
  nodes.fold({ stale: true });
  assert.equal(await nodes.move(), false);
  assert.ok(signals.every((signal) => signal instanceof AbortSignal));
  assert.deepEqual([...asked].sort(), ["http://b.example:5001/node", "http://c.example:5001/node"]);
});

test("what a node says of itself is known until it says something else, and each change is said once", async () => {
  const nodes = new Nodes(LISTED, HOME, over({ [LISTED[1].url]: { name: "b", stale: false } }));
  const changes = [];
  nodes.addEventListener("node", () => changes.push([nodes.name, nodes.stale]));
  nodes.fold({});
  nodes.fold({ node: null, stale: false });
  assert.deepEqual(changes, []);
  nodes.fold({ stale: true });
  nodes.fold({ node: "a" });
  nodes.fold({ node: "a", stale: true });
  nodes.fold({ node: "A" });
  nodes.fold({ stale: false });
  assert.deepEqual(changes, [
    ["a", true],
    ["A", true],
    ["A", false],
  ]);
  await nodes.move();
  nodes.fold({ node: "B" });
  assert.deepEqual([nodes.name, nodes.left], ["B", "A"], "which is still where the page came from");
});

/** What was asked of which origin, with what; by a page of node a that is at node b. */
function movedPage(answer, { host = "a.example" } = {}) {
  const asked = [];
  const nodes = new Nodes([LISTED[0], { name: "b", url: `http://${host}:5002` }], HOME);
  nodes.base = `http://${host}:5002`;
  const http = new Http(nodes, async (address, options) => {
    asked.push([address, options.credentials ?? "", options.headers]);
    const [status, body] = answer(address, asked.length);
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(body), { status });
  });
  return { asked, http, nodes };
}

const addresses = (asked) => asked.map(([address, credentials]) => `${address} ${credentials}`.trim());

test("everything is asked of the node that the page is at, but cookies are shown where it came from", async () => {
  const { http, asked } = movedPage(() => [200, { token: "t" }]);
  await http.call("GET", "/symbols");
  await http.call("GET", "/auth/sessions");
  await http.call("POST", "/auth/refresh", { body: { session_id: "s" } });
  assert.deepEqual(addresses(asked), [
    "http://a.example:5002/symbols",
    "http://a.example:5002/auth/sessions",
    "/auth/refresh",
  ]);
});

test("while the node is away that the page came from, another one of the same host is shown its cookies", async () => {
  const { http, asked } = movedPage((address) => (address.startsWith("/") ? [0, {}] : [200, { token: "t" }]));
  assert.deepEqual(await http.call("POST", "/auth/refresh", { body: {} }), { token: "t" });
  assert.deepEqual(addresses(asked), ["/auth/refresh", "http://a.example:5002/auth/refresh include"]);
});

test("a node that knows nothing of a session does not end it", async () => {
  const unknown = movedPage((address) => (address.startsWith("/") ? [0, {}] : [401, { error: "No such session." }]));
  await assert.rejects(unknown.http.call("POST", "/auth/refresh", { body: {} }), { kind: "no_answer" });
  const elsewhere = movedPage((address) => (address.startsWith("/") ? [0, {}] : [401, {}]), { host: "b.example" });
  await assert.rejects(elsewhere.http.call("POST", "/auth/refresh", { body: {} }), { kind: "no_answer" });
  assert.deepEqual(addresses(elsewhere.asked), ["/auth/refresh"], "another host has no cookie of ours");
  const over = movedPage(() => [401, { error: "It is over.", error_code: "SESSION_ENDED" }]);
  await assert.rejects(over.http.call("POST", "/auth/refresh", { body: {} }), { kind: "refused", status: 401 });
});

const ACCESS = { session: { session_id: "s", name: "ada", account: "1" }, tokenOf: async () => "t" };

test("what changes something is sent again to the next node, under the same key", async () => {
  const { http, asked, nodes } = movedPage((_address, count) => (count < 3 ? [count === 1 ? 0 : 503, {}] : [200, {}]));
  const api = new Api(http, ACCESS, nodes);
  await api.cancelOrder("7");
  assert.equal(asked.length, 3);
  const keys = asked.map(([, , headers]) => headers["Idempotency-Key"]);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  assert.deepEqual(new Set(keys).size, 1);
  await api.cancelOrder("8");
  assert.notEqual(asked.at(-1)[2]["Idempotency-Key"], keys[0]);
  await api.enterOrder({ client_order_id: "web-1" });
  assert.equal(asked.at(-1)[2]["Idempotency-Key"], undefined, "an order has a name of its own");
});

test("what is refused is not sent again, nor anything to a server by itself", async () => {
  const refused = movedPage(() => [409, { error: "Done." }]);
  await assert.rejects(new Api(refused.http, ACCESS, refused.nodes).cancelOrder("7"), { status: 409 });
  assert.equal(refused.asked.length, 1);
  const single = movedPage(() => [0, {}]);
  await assert.rejects(new Api(single.http, ACCESS).cancelOrder("7"), { kind: "no_answer" });
  assert.equal(single.asked.length, 1);
  assert.equal(single.asked[0][2]["Idempotency-Key"], undefined);
});

test("a book that was left goes on from where it was by one delta, and by an empty one", () => {
  const book = new Book(2, 2);
  assert.equal(book.whole, undefined);
  book.applySnapshot({ seq: 5, bids: [["1.00", "2.00", 1]], asks: [] });
  book.invalidate();
  assert.equal(book.whole, 5);
  assert.equal(book.applyDelta({ prev_seq: 5, seq: 9, bids: [["1.00", "3.00", 1]], asks: [] }), "applied");
  assert.deepEqual([book.state, book.seq, book.bestBid.quantity], ["live", 9, "3.00"]);
  book.invalidate();
  assert.equal(book.applyDelta({ prev_seq: 9, seq: 9, bids: [], asks: [] }), "applied");
  assert.equal(book.state, "live");
  book.invalidate();
  assert.equal(book.applyDelta({ prev_seq: 8, seq: 8, bids: [], asks: [] }), "ignored");
  assert.equal(book.applyDelta({ prev_seq: 9, seq: 10, bids: [], asks: [], checksum: 1 }), "checksum");
  assert.equal(book.whole, undefined, "what is not right is no place to go on from");
});

test("a node that is stale is told as such, however well it is heard", () => {
  const connection = new Connection();
  connection.connected(0);
  assert.equal(connection.state(1, "live", true), "stale");
  assert.equal(connection.state(1, "live", false), "live");
  const figures = (name) => linkFigures(connection, new Book(0, 0), 1, { name }).map(([key]) => key);
  assert.deepEqual([figures("b")[0], figures("")[0]], ["node", "seq"]);
});
