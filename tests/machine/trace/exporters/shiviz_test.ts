import assert from "node:assert/strict";
import fc from "fast-check";
import { VectorClocks } from "../../../../machine/trace/clocks.ts";
import { anyText, cycle, imported, made, saying, SLY, textOf } from "./kit.ts";
import { partOf } from "../../../../machine/trace/exporters/exporters.ts";
import { checkClocks, readShiviz } from "./shiviz_kit.ts";

Deno.test("SHIVIZ writes regular expression, empty line, and two lines an event", () => {
  const text = textOf(
    "shiviz",
    made([
      { kind: "send", actor: "a b", target: "c", type: "x.ask", msg: 0, summary: { n: 7 } },
      { kind: "deliver", actor: "c", source: "a b", type: "x.ask", msg: 0, cause: 0 },
      { kind: "state", actor: "a b", state: "ready" },
    ]),
  );
  assert.deepEqual(text.split("\n"), [
    "(?<event>.*)\\n(?<host>\\S*) (?<clock>\\{.*\\})",
    "",
    "0 send x.ask to c n=7",
    'a_b {"a_b":1}',
    "1 deliver x.ask from a b",
    'c {"a_b":1,"c":1}',
    "2 state ready",
    'a_b {"a_b":2}',
    "",
  ]);
});

Deno.test("SHIVIZ's clocks are those of the trace", () => {
  const source = cycle();
  const clocks = new VectorClocks();
  const log = readShiviz(textOf("shiviz", source));
  checkClocks(log);
  let at = 0;
  for (const event of source.events()) {
    assert.deepEqual(log[at]?.clock, new Map(clocks.add(event)), `event ${event.seq}`);
    assert.equal(log[at++]?.host, event.actor);
  }
  assert.equal(log.length, at);
});

Deno.test("SHIVIZ's clocks hold for a recording and for a part", () => {
  checkClocks(readShiviz(textOf("shiviz", imported())));
  const part = readShiviz(textOf("shiviz", partOf(cycle(), { from: 900, actors: ["A", "cpu"] })));
  assert.ok(part.length > 300);
  checkClocks(part);
});

Deno.test("SHIVIZ's hosts have no blanks, differ, and are none of JavaScript's own names", () => {
  const names = ["a b", "a_b", "a\tb", "__proto__", "constructor", "x\u2028y", "{}"];
  const log = readShiviz(textOf("shiviz", made(names.map((actor) => ({ kind: "start", actor })))));
  checkClocks(log);
  const hosts = log.map(({ host }) => host);
  assert.equal(new Set(hosts).size, names.length);
  assert.ok(hosts.every((host) => !(host in {}) && !/\s/u.test(host)));
});

Deno.test("SHIVIZ's log is read whole whatever the texts in it", () => {
  const check = (texts: readonly string[]): void => {
    const log = readShiviz(textOf("shiviz", saying(texts)));
    assert.equal(log.length, texts.length * 6);
    checkClocks(log);
  };
  check(SLY);
  fc.assert(fc.property(fc.array(anyText, { minLength: 1, maxLength: 6 }), check), {
    numRuns: 200,
  });
});
