/** Tape, 24 hour figures, connection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareIds, Tape } from "../../frontend/model/market/tape.js";
import { percentOf, Ticker } from "../../frontend/model/market/ticker.js";
import { Connection, STALE_AFTER_MS } from "../../frontend/model/shell/connection.js";
import { golden } from "./golden.js";

const { listing, live, ticker } = golden("trades");
const ids = (tape) => tape.trades.map((trade) => trade.trade_id);

test("the tape shows each trade once, newest first, whichever of listing and live comes first", () => {
  for (const order of [
    [listing, live],
    [live, listing],
  ]) {
    const tape = new Tape(10);
    for (const { trades } of order) tape.add(trades);
    assert.deepEqual(ids(tape), ["11", "10", "9", "8"]);
  }
});

test("the tape keeps only so many", () => {
  const tape = new Tape(2);
  tape.add(listing.trades);
  assert.deepEqual(ids(tape), ["10", "9"]);
  tape.add([]);
  tape.add(live.trades);
  assert.deepEqual(ids(tape), ["11", "10"]);
});

test("ids compare as numbers", () => {
  assert.ok(compareIds("9", "10") < 0);
  assert.ok(compareIds("12", "11") > 0);
  assert.equal(compareIds("7", "7"), 0);
});

test("trades move last, high and change between two ticker messages", () => {
  const figures = new Ticker();
  figures.replace(ticker);
  figures.addTrades(live.trades);
  assert.equal(figures.figures.last, "30002.00");
  assert.equal(figures.figures.high, "30002.00");
  assert.equal(figures.figures.low, "29950.00");
  assert.equal(figures.figures.change, "2.00");
  assert.equal(figures.figures.change_percent, "0.01");
  assert.equal(figures.figures.volume, ticker.volume);
  assert.equal(figures.direction, 1);
});

test("the direction stays at a repeated price and turns at a lower one", () => {
  const figures = new Ticker();
  figures.addTrades([{ price: "10.0" }, { price: "11.0" }, { price: "11.0" }]);
  assert.equal(figures.direction, 1);
  figures.addTrades([{ price: "9.0" }]);
  assert.equal(figures.direction, -1);
  assert.equal(figures.figures.change_percent, "-10.00");
});

test("a per cent of nothing is nothing", () => {
  assert.equal(percentOf("1", "0.00"), null);
});

test("the connection is live while something comes, stale in silence, resyncing with a stale book", () => {
  const connection = new Connection();
  assert.equal(connection.state(1_000, "empty"), "connecting");
  assert.equal(connection.ageMs(1_000), null);
  connection.connected(1_000);
  assert.equal(connection.state(1_100, "live"), "live");
  assert.equal(connection.state(1_100, "stale"), "resyncing");
  assert.equal(connection.state(1_001 + STALE_AFTER_MS, "live"), "stale");
  connection.answered(8_000, 8_012);
  assert.equal(connection.roundTripMs, 12);
  assert.equal(connection.ageMs(8_020), 8);
  connection.disconnected();
  assert.equal(connection.state(8_020, "live"), "disconnected");
  assert.equal(connection.roundTripMs, null);
});

test("a trade of an account with itself is on the tape and moves no price", () => {
  const [first, second] = live.trades;
  const alone = { ...first, trade_id: "99", price: "99999.00", self_trade: true };
  const figures = new Ticker();
  figures.replace(ticker);
  figures.addTrades([second, alone]);
  assert.equal(figures.figures.last, second.price);
  const tape = new Tape(10);
  tape.add([second, alone]);
  assert.deepEqual([ids(tape)[0], tape.lastPrice], ["99", second.price]);
  assert.equal(
    tape.direction(() => assert.fail("there is one price")),
    0,
  );
  assert.equal(new Tape(1).lastPrice, null);
});
