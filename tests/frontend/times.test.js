/** One zone for every time of the page: how it is shown, named, and read where it is typed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { candleDay, MARKS, Times, UTC } from "../../frontend/model/parts/times.js";
import { checkTicket } from "../../frontend/model/ticket/ticket.js";
import { WorkspaceStore } from "../../frontend/stores/workspace.js";

const TOKYO = new Times("Asia/Tokyo");
const NEW_YORK = new Times("America/New_York");
const KOLKATA = new Times("Asia/Kolkata");
const LORD_HOWE = new Times("Australia/Lord_Howe"); // half an hour of summer time
const at = (iso) => Date.parse(iso) / 1_000;

test("a moment is shown by the clocks of the zone, and named by how far that is from UTC then", () => {
  const moment = at("2026-11-29T18:30:05.999Z");
  assert.deepEqual(
    [UTC, TOKYO, NEW_YORK, KOLKATA].map((times) => times.clock(moment)),
    ["18:30:05", "03:30:05", "13:30:05", "00:00:05"],
  );
  assert.deepEqual(
    [UTC, TOKYO, NEW_YORK, KOLKATA].map((times) => times.name(moment * 1_000)),
    ["UTC", "UTC+9", "UTC−5", "UTC+5:30"],
  );
  assert.equal(NEW_YORK.name(Date.parse("2026-07-01T12:00Z")), "UTC−4", "in summer");
  assert.equal(new Times("Europe/London").name(Date.parse("2026-01-01T12:00Z")), "UTC");
  assert.equal(TOKYO.whole(moment), "30 Nov 2026, 03:30:05 UTC+9");
});

test("the day stands beside the time where it is another one in the zone, whatever day it is in UTC", () => {
  const now = Date.parse("2026-11-29T20:00Z");
  assert.equal(TOKYO.dayTime(at("2026-11-29T15:00:00Z"), now), "00:00:00");
  assert.equal(TOKYO.dayTime(at("2026-11-29T14:59:59Z"), now), "29 Nov, 23:59");
  assert.equal(UTC.dayTime(at("2026-11-29T14:59:59Z"), now), "14:59:59");
  assert.equal(UTC.dayTime(at("2025-11-29T14:59:59Z"), now), "29 Nov 2025, 14:59");
});

test("hours before and after the clocks are changed are each shown by their own", () => {
  assert.deepEqual(
    ["05:59:59", "06:00:00"].map((clock) => NEW_YORK.clock(at(`2026-11-01T${clock}Z`))),
    ["01:59:59", "01:00:00"],
  );
  assert.deepEqual(
    ["06:59:59", "07:00:00"].map((clock) => NEW_YORK.clock(at(`2026-03-08T${clock}Z`))),
    ["01:59:59", "03:00:00"],
  );
  assert.deepEqual(
    ["05:59:59", "06:00:00"].map((clock) => NEW_YORK.name(at(`2026-11-01T${clock}Z`) * 1_000)),
    ["UTC−4", "UTC−5"],
  );
});

test("what is typed is read in the zone", () => {
  const read = (times, text) => new Date(times.read(text).ms).toISOString();
  assert.equal(read(UTC, "2026-11-29T14:30"), "2026-11-29T14:30:00.000Z");
  assert.equal(read(TOKYO, "2026-11-29T14:30"), "2026-11-29T05:30:00.000Z");
  assert.equal(read(NEW_YORK, "2026-11-29T14:30:15"), "2026-11-29T19:30:15.000Z");
  assert.equal(read(NEW_YORK, "2026-07-01T14:30"), "2026-07-01T18:30:00.000Z");
  assert.equal(read(KOLKATA, "2026-07-01T00:00"), "2026-06-30T18:30:00.000Z");
  assert.equal(
    read(NEW_YORK, "2026-11-01T00:59:59"),
    "2026-11-01T04:59:59.000Z",
    "just before the hour that comes twice",
  );
  assert.equal(read(NEW_YORK, "2026-11-01T02:00"), "2026-11-01T07:00:00.000Z", "just after it");
  for (const text of ["", "soon", "2026-11-29", "2026-11-29T14:30Z"])
    assert.match(UTC.read(text).problem, /^Enter the day/, text);
});

test("a typed time that the clocks show twice, or never, is asked about and not guessed", () => {
  assert.match(NEW_YORK.read("2026-11-01T01:30").problem, /twice/);
  assert.match(NEW_YORK.read("2026-03-08T02:30").problem, /no such time/);
  assert.match(LORD_HOWE.read("2026-04-05T01:45").problem, /twice/);
  assert.match(LORD_HOWE.read("2026-10-04T02:15").problem, /no such time/);
  assert.equal(UTC.read("2026-11-01T01:30").problem, undefined);
  const fields = {
    side: "buy",
    type: "limit",
    price: "1",
    quantity: "1",
    time_in_force: "gtd",
    expire_time: "2026-11-01T01:30",
  };
  const instrument = { symbol: "A-B", base: "A", quote: "B", tick_size: "1", lot_size: "1", status: "trading" };
  const { order, problems } = checkTicket(fields, instrument, null, NEW_YORK);
  assert.deepEqual([order, /twice/.test(problems.expire_time)], [null, true]);
  assert.equal(
    checkTicket({ ...fields, expire_time: "2026-11-02T01:30" }, instrument, null, NEW_YORK).order.expire_time,
    String(at("2026-11-02T06:30Z")),
  );
});

test("what is written for a field is read as the same moment, in every zone, around every change of the clocks", () => {
  for (const times of [UTC, TOKYO, NEW_YORK, KOLKATA, LORD_HOWE]) {
    for (const day of ["2026-03-08", "2026-04-04", "2026-10-03", "2026-11-01"]) {
      for (let quarter = 0; quarter < 192; quarter += 1) {
        const ms = Date.parse(`${day}T00:00:00Z`) + quarter * 900_000;
        const { ms: again, problem } = times.read(times.written(ms));
        assert.ok(again === ms || /twice/.test(problem), `${times.zone} ${new Date(ms).toISOString()}`);
      }
    }
  }
});

test("candles and the axis below them are in the zone, but for days, which are days of UTC", () => {
  const time = at("2026-11-29T23:45:30Z");
  assert.equal(UTC.candle(time, "1m"), "29 Nov, 23:45");
  assert.equal(TOKYO.candle(time, "15m"), "30 Nov, 08:45");
  assert.equal(TOKYO.candle(time, "1s"), "08:45:30");
  assert.equal(candleDay(at("2026-11-29T00:00Z")), "29 Nov 2026");
  const newYear = at("2026-12-31T15:00Z");
  assert.deepEqual(
    Object.values(MARKS).map((mark) => TOKYO.mark(newYear, mark)),
    ["2027", "Jan", "1", "00:00", "00:00:00"],
  );
  assert.deepEqual(
    Object.values(MARKS).map((mark) => UTC.mark(newYear, mark)),
    ["2026", "Dec", "31", "15:00", "15:00:00"],
  );
});

test("times within the server's sentences are in the zone too", () => {
  const said = "It was entered at 2026-11-29 18:30:05.123 UTC, and ends at 2026-07-01 00:00:00.000 UTC.";
  assert.equal(
    TOKYO.inSentence(said),
    "It was entered at 2026-11-30 03:30:05.123 UTC+9, and ends at 2026-07-01 09:00:00.000 UTC+9.",
  );
  assert.equal(
    NEW_YORK.inSentence(said),
    "It was entered at 2026-11-29 13:30:05.123 UTC−5, and ends at 2026-06-30 20:00:00.000 UTC−4.",
  );
  assert.equal(UTC.inSentence(said), said);
  assert.equal(TOKYO.inSentence("Day orders end at midnight UTC."), "Day orders end at midnight UTC.");
});

test("the zone is the reader's own until UTC is chosen, which is remembered and told with the times before", () => {
  const kept = new Map();
  const preferences = {
    get: (name, otherwise) => kept.get(name) ?? otherwise,
    set: (name, value) => void kept.set(name, value),
  };
  const workspace = new WorkspaceStore(preferences);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  assert.deepEqual([workspace.zone, workspace.times.zone], ["local", own]);
  const told = [];
  workspace.addEventListener("zone", ({ detail }) => told.push([detail.zone, workspace.times.zone]));
  workspace.zone = "utc";
  assert.deepEqual([told, new WorkspaceStore(preferences).times], [[[own, "UTC"]], UTC]);
  kept.set("zone", "Mars");
  assert.equal(new WorkspaceStore(preferences).zone, "local");
});
