/** Decimals are exact, however long. */
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  compare,
  fromUnits,
  grouped,
  isZero,
  multiply,
  rounded,
  scaleOf,
  shortest,
  subtract,
  toUnits,
} from "../../frontend/model/parts/decimal.js";

test("texts become whole units and come back", () => {
  for (const [text, scale, units] of [
    ["30000.05", 2, 3000005n],
    ["-0.5", 1, -5n],
    [".5", 1, 5n],
    ["7", 0, 7n],
    ["1.50", 1, 15n],
  ]) {
    assert.equal(toUnits(text, scale), units, text);
  }
  assert.equal(fromUnits(-5n, 2), "-0.05");
  assert.equal(fromUnits(7n, 0), "7");
});

test("what is no plain decimal, or is finer than the scale, is nothing", () => {
  for (const text of ["", "abc", "1e3", "1,000", "NaN", "Infinity", "0x10", "1.2.3", "-", ".", "١"]) {
    assert.equal(toUnits(text, 8), null, text);
  }
  assert.equal(toUnits("0.001", 2), null);
});

test("products and differences are exact where floats are not", () => {
  assert.equal(multiply("0.1", "0.2"), "0.02");
  assert.equal(multiply("30000.01", "0.00000001"), "0.0003000001");
  assert.equal(multiply("12345678901234567890.01", "3"), "37037036703703703670.03");
  assert.equal(multiply("1", "x"), null);
  assert.equal(subtract("0.3", "0.1"), "0.2");
  assert.equal(subtract("29999.50", "30000"), "-0.50");
});

test("comparison is by value, not by text", () => {
  assert.equal(compare("9", "10"), -1);
  assert.equal(compare("1.0", "1"), 0);
  assert.equal(compare("0.00000002", "0.00000001"), 1);
});

test("numbers are written for reading", () => {
  assert.equal(grouped("1234567.8901"), "1,234,567.8901");
  assert.equal(grouped("-30000"), "-30,000");
  assert.equal(grouped("999"), "999");
  assert.equal(shortest("0.50000000"), "0.5");
  assert.equal(shortest("100"), "100");
  assert.equal(rounded("0.125", 2), "0.13");
  assert.equal(rounded("-0.125", 2), "-0.13");
  assert.equal(rounded("1.5", 3), "1.5");
  assert.equal(scaleOf("0.00000001"), 8);
  assert.equal(isZero("0.00000000"), true);
  assert.equal(isZero("0.00000001"), false);
});
