/** Golden messages of the wire, shared with the Python tests. */
import { readFileSync } from "node:fs";

/** @param {string} name of a file in tests/golden, without .json */
export function golden(name) {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf-8"));
}
