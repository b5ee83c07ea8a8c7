/** Every rule is told about, once, and not at length. */
import assert from "node:assert/strict";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { PASSAGE_TABLES, passageOf } from "../../../machine/protocol/passages/all_passages.ts";

const WORDS_MIN = 40;
const WORDS_MAX = 90;
const IDS: ReadonlySet<string> = new Set(ALL_RULES.map(({ id }) => id));

Deno.test("PASSAGE_TABLES have one passage for each rule and none for anything else", () => {
  const told = PASSAGE_TABLES.flatMap((table) => Object.keys(table)).sort();
  assert.deepEqual(told, [...IDS].sort());
});

Deno.test("passageOf gives 40 to 90 words and names no rule that does not exist", () => {
  for (const id of IDS) {
    const passage = passageOf(id);
    const words = passage.split(/\s+/).length;
    assert.ok(words >= WORDS_MIN && words <= WORDS_MAX, `${id} has ${words} words`);
    assert.match(passage, /^[A-Za-z_].*[.?]$/, id);
    for (const [named] of passage.matchAll(/\bF\d{2,3}\b/g)) assert.ok(IDS.has(named), named);
  }
});

Deno.test("passageOf names the section that it tells of", () => {
  const without = [...IDS].filter((id) => !/\([A-H]\.\d/.test(passageOf(id)));
  assert.deepEqual(without, []);
});

Deno.test("passageOf refuses a rule that there is not", () => {
  assert.throws(() => passageOf("F00"), RangeError);
});
