import { equal } from "node:assert/strict";
import fc from "fast-check";
import type { LiveInput } from "../../actors/live_operator.ts";
import { inputWords, isInput } from "../../server/page/input_words.ts";

/** As much of an input as its event has. */
const TEXT_MAX = 96;

function wordsOf(input: LiveInput): string {
  const text = JSON.stringify(input);
  const kept = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
  return inputWords({ summary: { text: kept } });
}

Deno.test("inputWords says what a person does as he would", () => {
  equal(wordsOf({ do: "power_on" }), "power on");
  equal(wordsOf({ do: "reset" }), "press reset");
  equal(wordsOf({ do: "choose", entry: "A", append: "" }), "boot A");
  equal(wordsOf({ do: "choose", entry: "B", append: "noresume" }), "boot B with noresume");
  equal(wordsOf({ do: "type", line: 'echo "a, b"' }), 'types: echo "a, b"');
  equal(wordsOf({ do: "away", ns: 2_000_000_000 }), "is away for 2 s");
  equal(wordsOf({ do: "finish", outcome: "ended" }), "ends the run: ended");
});

Deno.test("inputWords tells what the shell is asked by a line that is evaluated", () => {
  const call = (call: { readonly [name: string]: string | readonly string[] }): string =>
    wordsOf({ do: "call", id: 3, call });
  equal(call({ do: "exec", argv: ["ls", "-l"], cwd: "/" }), "types: ls -l");
  equal(call({ do: "begin" }), "begins a line");
  equal(call({ do: "end", cwd: "/" }), "ends the line");
  equal(call({ do: "leave" }), "leaves the line to a program");
  equal(call({ do: "leave", argv: ["sync"] }), "runs: sync");
  equal(call({ do: "rename", path: "/a", to: "/b" }), "renames a file to /b");
  equal(call({ do: "stat", path: "/etc" }), "has the shell stat /etc");
});

Deno.test("inputWords has words for an input that is cut off anywhere, and none of its JSON", () => {
  const line = `echo ${"long ".repeat(60)}`;
  equal(wordsOf({ do: "type", line }).startsWith("types: echo long long"), true);
  fc.assert(fc.property(fc.string(), fc.nat({ max: 120 }), (typed, length) => {
    const text = JSON.stringify({ do: "type", line: typed }).slice(0, length);
    const words = inputWords({ summary: { text } });
    equal(words !== "" && !words.includes('{"do"'), true);
  }));
  equal(inputWords({}), "does something");
});

Deno.test("isInput is true of a person's doing, not of other signals", () => {
  equal(isInput({ kind: "signal", type: "input" }), true);
  equal(isInput({ kind: "signal", type: "power.cut" }), false);
  equal(isInput({ kind: "fault", type: "input" }), false);
});
