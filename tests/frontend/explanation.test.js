/** An explanation becomes rows of a picture; prices and quantities stay as they were told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  auctionRows,
  figuresOf,
  headingOf,
  queueMoves,
  sentencesOf,
  titleOf,
  toneOf,
  walkRows,
} from "../../frontend/model/why/explanation.js";
import { ExplanationStore } from "../../frontend/stores/explanations.js";
import { golden } from "./golden.js";

const { walked, rested, refused } = golden("explanations");
const named = (rows) => rows.map((row) => `${row.kind === "line" ? row.what : row.kind} ${row.price}`);

test("a walk is drawn from the best price to the worst, with what bounds it and where the rest waits", () => {
  const rows = walkRows(walked.chapters[0]);
  assert.deepEqual(named(rows), [
    "level 300.50",
    "level 301.00",
    "limit 301.20",
    "rest 301.20",
    "level 302.00",
    "collar 330.55",
  ]);
  assert.deepEqual(
    rows.filter(({ kind }) => kind === "level").map(({ state }) => state),
    ["emptied", "emptied", "left"],
  );
  assert.equal(rows[3].text, "Rests here, first in the queue");
});

test("a level has a piece for each order of its queue, as wide as the order and as full as it was taken", () => {
  const [first, second, , , last] = walkRows(walked.chapters[0]);
  assert.deepEqual(
    first.segments.map(({ share, taken }) => [Math.round(share * 3), taken]),
    [
      [2, 1],
      [1, 1],
    ],
  );
  assert.equal(second.segments[0].share, 1);
  assert.deepEqual(
    last.segments.map(({ taken, text }) => [taken, text]),
    [[0, "1 order, untouched"]],
  );
});

test("of a sale the highest bid comes first", () => {
  const chapter = {
    ...walked.chapters[0],
    side: "sell",
    place_after: null,
    asked: { price: "302.00" },
    book: { opposite: walked.chapters[0].book.opposite, collar_limit: null, band_low: "290.00" },
  };
  assert.deepEqual(named(walkRows(chapter)), [
    "level 302.00",
    "limit 302.00",
    "level 301.00",
    "level 300.50",
    "band 290.00",
  ]);
});

test("an iceberg that gave more than it showed is as wide as what it gave, and one's own order is marked", () => {
  const level = {
    price: "10.00",
    shown: "2",
    orders: 2,
    taken: "5",
    cumulative: "5",
    more_orders: 0,
    queue: [
      { shown: "1", taken: "4", own: false },
      { shown: "1", taken: "0", own: true },
    ],
  };
  const [row] = walkRows({ side: "buy", levels: [level], book: null, asked: null, place_after: null });
  assert.deepEqual(
    row.segments.map(({ share, taken, own }) => [share, taken, own]),
    [
      [0.8, 1, false],
      [0.2, 0, true],
    ],
  );
  assert.equal(row.state, "emptied");
});

test("a price off the grid or no number at all breaks no picture", () => {
  const chapter = { ...walked.chapters[0], asked: { price: "1e3" } };
  assert.ok(!named(walkRows(chapter)).some((name) => name.startsWith("limit")));
});

test("the place in the queue is told as it moved", () => {
  const moves = queueMoves(rested.chapters);
  assert.deepEqual(
    moves.map(({ text, moved }) => [text, moved]),
    [
      ["1 order with 1 ahead", "came to rest"],
      ["first in the queue", "1 ahead went"],
    ],
  );
  const moved = queueMoves([
    ...rested.chapters,
    { timestamp: 3, place_before: null, place_after: { price: "297.00", orders_ahead: 2, quantity_ahead: "3" } },
  ]);
  assert.equal(moved.at(-1).moved, "moved from 298.00");
  const place = { price: "298.00", orders_ahead: 2, quantity_ahead: "3" };
  assert.equal(
    queueMoves([...rested.chapters, { timestamp: 3, place_before: null, place_after: place }]).at(-1).moved,
    "went back in the queue",
  );
});

test("title, heading, figures and sentences say what happened once", () => {
  assert.equal(titleOf(walked), `Order ${walked.order_id} · BNB-USDT · Buy 8, limit 301.20`);
  assert.equal(headingOf(walked.chapters[0]), "Entered, filled");
  assert.deepEqual(figuresOf(walked, { base: "BNB", quote: "USDT" })[0], ["Filled", "6 BNB"]);
  const [chapter] = refused.chapters;
  assert.equal(toneOf(chapter), "bad");
  assert.deepEqual(
    [["filled", "exits_refused"], ["filled"], ["cancelled"]].map((happened) => toneOf({ happened })),
    ["bad", "good", "plain"],
  );
  assert.match(titleOf(refused), /^Command \d+ · BNB-USDT/);
  assert.ok(chapter.words[0].startsWith(`Command ${chapter.seq}, `));
  assert.ok(
    sentencesOf(chapter).every((sentence) => !sentence.startsWith("Command") && !sentence.startsWith("Collar")),
  );
});

test("an auction's bars are parts of the largest", () => {
  const rows = auctionRows({
    auction: [
      { price: "10", demand: "4", supply: "1" },
      { price: "11", demand: "2", supply: "8" },
    ],
  });
  assert.deepEqual(
    rows.map(({ demandShare, supplyShare }) => [demandShare, supplyShare]),
    [
      [0.5, 0.125],
      [0.25, 1],
    ],
  );
});

test("only the answer to the last question is shown, and none of another account", async () => {
  const waiting = [];
  const portfolio = new EventTarget();
  const asks = () => new Promise((resolve) => waiting.push(resolve));
  const explanations = new ExplanationStore(
    { explainOrder: asks, explainTrade: asks, explainCommand: asks },
    portfolio,
  );
  const first = explanations.ask({ order_id: "1" });
  const second = explanations.ask({ trade_id: "2" });
  waiting[1](rested);
  waiting[0](walked);
  await Promise.all([first, second]);
  assert.equal(explanations.explanation, rested);
  const third = explanations.ask({ seq: "3" });
  portfolio.dispatchEvent(new Event("switch"));
  waiting[2](walked);
  await third;
  assert.deepEqual([explanations.state, explanations.explanation], ["idle", null]);
});

test("while the venue still reads its journal it is asked again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  const explainOrder = async () => {
    asked += 1;
    if (asked === 1) throw Object.assign(new Error("behind"), { kind: "not_accepting", retryAfterMs: 500 });
    return walked;
  };
  const explanations = new ExplanationStore({ explainOrder }, new EventTarget());
  await explanations.ask({ order_id: "1" });
  assert.equal(explanations.state, "waiting");
  context.mock.timers.tick(500);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(explanations.state, "answered");
});
