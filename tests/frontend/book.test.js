/** The book folds snapshot and deltas, and knows when it can't be trusted. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Book } from "../../frontend/model/market/book.js";
import { crc32 } from "../../frontend/model/market/crc32.js";
import { golden } from "./golden.js";

const feed = golden("l2_feed");

function bookAfterSnapshot() {
  const book = new Book(2, 8);
  assert.equal(book.applySnapshot(feed.snapshot), "applied");
  return book;
}

test("CRC-32 is the one of zip and zlib", () => {
  assert.equal(crc32("123456789"), 0xcbf43926);
  assert.equal(crc32(""), 0);
});

test("a book is empty until its snapshot comes, and ignores deltas till then", () => {
  const book = new Book(2, 8);
  assert.equal(book.applyDelta(feed.deltas[0].message), "ignored");
  assert.equal(book.state, "empty");
  assert.deepEqual(book.levels(5), { bids: [], asks: [] });
  assert.equal(book.spread, null);
});

test("every delta gives the book its message describes", () => {
  const book = bookAfterSnapshot();
  for (const { what, message, best_bid, best_ask, levels } of feed.deltas) {
    assert.equal(book.applyDelta(message), "applied", what);
    assert.equal(book.bestBid?.price ?? null, best_bid, what);
    assert.equal(book.bestAsk?.price ?? null, best_ask, what);
    const shown = book.levels(1000);
    assert.deepEqual([shown.bids.length, shown.asks.length], levels, what);
    assert.equal(book.seq, message.seq);
  }
});

test("a missing number makes the book stale until the next snapshot", () => {
  const book = bookAfterSnapshot();
  assert.equal(book.applyDelta(feed.deltas[1].message), "gap");
  assert.equal(book.state, "stale");
  assert.equal(book.applyDelta(feed.deltas[0].message), "ignored");
  assert.equal(book.applySnapshot(feed.snapshot), "applied");
  assert.equal(book.applyDelta(feed.deltas[0].message), "applied");
  assert.equal(book.state, "live");
});

test("a delta that the snapshot already holds is ignored, one that reaches beyond it is applied", () => {
  const book = bookAfterSnapshot();
  const [{ message }] = feed.deltas;
  assert.equal(book.applyDelta({ ...message, prev_seq: 90, seq: 100 }), "ignored");
  assert.equal(book.applyDelta({ ...message, prev_seq: 95 }), "applied");
});

test("a wrong checksum makes the book stale", () => {
  const book = bookAfterSnapshot();
  const [{ message }] = feed.deltas;
  assert.equal(book.applyDelta({ ...message, checksum: message.checksum ^ 1 }), "checksum");
  assert.equal(book.state, "stale");
  assert.equal(new Book(2, 8).applySnapshot({ ...feed.snapshot, checksum: 1 }), "checksum");
});

test("totals run from the best level, shares end at the deeper side", () => {
  const { bids, asks } = bookAfterSnapshot().levels(3);
  assert.deepEqual(
    bids.map((level) => level.cumulative),
    ["0.10000000", "0.30000000", "0.60000000"],
  );
  assert.deepEqual(
    asks.map((level) => level.cumulative),
    ["0.20000000", "0.60000000", "1.20000000"],
  );
  assert.deepEqual(
    asks.map((level) => level.share),
    [0.1666, 0.5, 1],
  );
});

test("spread and mid are exact", () => {
  const book = new Book(2, 0);
  book.applySnapshot({ seq: 1, bids: [["0.10", "1", 1]], asks: [["0.13", "1", 1]] });
  assert.equal(book.spread, "0.03");
  assert.equal(book.mid, "0.115");
});

test("a level off the grid is an error, not a wrong book", () => {
  const book = new Book(2, 8);
  assert.throws(() => book.applySnapshot({ seq: 1, bids: [["0.101", "1", 1]], asks: [] }), RangeError);
});

test("a lost connection makes a live book stale, and leaves an empty one empty", () => {
  const book = bookAfterSnapshot();
  book.invalidate();
  assert.equal(book.state, "stale");
  const empty = new Book(2, 8);
  empty.invalidate();
  assert.equal(empty.state, "empty");
});
