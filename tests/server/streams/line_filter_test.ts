/** The filter that does not parse gives what one that parses gives. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { EVENT_KINDS, eventLine, type TraceEvent } from "../../../machine/trace/event.ts";
import { ALL_EVENTS, type EventQuery } from "../../../server/streams/event_query.ts";
import { lineFilter, pickLines } from "../../../server/streams/line_filter.ts";

const names = fc.constantFrom("A", "disk", 'a"b', "back\\slash", "Ünï", "", "type", "\ud800");
const types = fc.constantFrom("disk.write", "disk.done", "fact.lock", 'x","type":"disk.write');
const texts = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), types, names);

const events: fc.Arbitrary<TraceEvent> = fc.record({
  seq: fc.nat(),
  vt: fc.maxSafeNat(),
  lamport: fc.nat(),
  kind: fc.constantFrom(...EVENT_KINDS),
  actor: names,
  source: names,
  target: names,
  type: types,
  msg: fc.nat(),
  cause: fc.nat(),
  state: texts,
  summary: fc.dictionary(
    texts.filter((name) => name !== "__proto__"),
    fc.oneof(texts, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
    { maxKeys: 4 },
  ),
  blob: fc.constant(`sha256:${"0".repeat(64)}`),
  rule: texts,
  origin: fc.record({ file: texts, line: fc.nat(), text: texts }),
}, { requiredKeys: ["seq", "vt", "lamport", "kind", "actor"] });

/** A line as the house writes it, or as somebody else may. */
const lines = fc.tuple(events, fc.constantFrom("house", "turned", "spaced")).map(
  ([event, form]) => {
    if (form === "house") return eventLine(event);
    if (form === "spaced") return JSON.stringify(event).replaceAll('":', '" : ');
    return JSON.stringify(Object.fromEntries(Object.entries(event).reverse()));
  },
).filter((line) => !line.includes("\n"));

const queries: fc.Arbitrary<EventQuery> = fc.record({
  actors: fc.uniqueArray(names, { maxLength: 2 }),
  kinds: fc.uniqueArray(fc.constantFrom(...EVENT_KINDS), { maxLength: 6 }),
  types: fc.uniqueArray(fc.oneof(types, fc.constantFrom("disk.*", "*", "fact.*")), {
    maxLength: 2,
  }),
  follow: fc.constant(false),
});

/** The same by parsing each line. */
function naive(all: readonly string[], query: EventQuery): number[] {
  return all.flatMap((line, number) => {
    const event = JSON.parse(new TextDecoder().decode(new TextEncoder().encode(line)));
    const kind = query.kinds.length === 0 || query.kinds.includes(event.kind);
    const actor = query.actors.length === 0 || query.actors.includes(event.actor);
    const type = query.types.length === 0 ||
      query.types.some((wanted) =>
        event.type !== undefined &&
        (wanted.endsWith("*") ? event.type.startsWith(wanted.slice(0, -1)) : event.type === wanted)
      );
    return kind && actor && type ? [number] : [];
  });
}

Deno.test("pickLines picks what a filter that parses every line picks", () => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 20 }), queries, (all, query) => {
      const bytes = new TextEncoder().encode(all.map((line) => `${line}\n`).join(""));
      const wanted = naive(all, query);
      const picked = pickLines(bytes, 100, lineFilter(query));
      assert.deepEqual(picked.numbers, wanted.map((number) => number + 100));
      assert.equal(
        new TextDecoder().decode(picked.lines),
        new TextDecoder().decode(
          new TextEncoder().encode(wanted.map((number) => `${all[number]}\n`).join("")),
        ),
      );
    }),
    { numRuns: 400 },
  );
});

Deno.test("pickLines leaves out lines that nobody can read", () => {
  const bytes = new TextEncoder().encode('garbage\nnull\n7\n{"kind":"send","actor":"A"}\n');
  const picked = pickLines(bytes, 0, lineFilter({ ...ALL_EVENTS, kinds: ["send"] }));
  assert.deepEqual(picked.numbers, [3]);
});
