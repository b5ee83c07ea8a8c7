import assert from "node:assert/strict";
import fc from "fast-check";
import type { TraceEvent } from "../../../../machine/trace/event.ts";
import { collectGarbage } from "../../../collect_garbage.ts";
import {
  EXPORT_NAMES,
  EXPORTERS,
  type ExportSource,
  partOf,
} from "../../../../machine/trace/exporters/exporters.ts";
import {
  anyText,
  bytesOf,
  cycle,
  cycleText,
  HEADER,
  imported,
  made,
  saying,
  textOf,
} from "./kit.ts";

const EMPTY: ExportSource = { header: HEADER, events: () => [] };

Deno.test("EXPORTERS has every form under its own name, each with a media type and an extension", () => {
  assert.deepEqual(Object.keys(EXPORTERS).sort(), [...EXPORT_NAMES].sort());
  for (const name of EXPORT_NAMES) {
    const { form, mediaType, extension, title } = EXPORTERS[name];
    assert.equal(form, name);
    assert.match(mediaType, /^[a-z]+\/[a-z-]+/);
    assert.match(extension, /^[a-z.]+$/);
    assert.notEqual(title, "");
  }
  const extensions = EXPORT_NAMES.map((name) => EXPORTERS[name].extension);
  assert.equal(new Set(extensions).size, extensions.length);
});

for (const name of EXPORT_NAMES) {
  Deno.test(`${name} of an empty trace, a recording and a part is a file`, () => {
    assert.ok(bytesOf(name, EMPTY).length > (name === "ndjson" ? 100 : 20));
    // A recording has no messages, so its capture has no packets.
    assert.ok(bytesOf(name, imported()).length > (name === "pcapng" ? 200 : 1000));
    const part = partOf(cycle(), { from: 500, to: 900, actors: ["disk", "A"] });
    assert.ok(bytesOf(name, part).length > 1000);
  });

  Deno.test(`${name} is the same each time, and leaves the source as it was`, () => {
    const source = imported();
    const before = JSON.stringify([...source.events()]);
    assert.deepEqual(bytesOf(name, source), bytesOf(name, source));
    assert.equal(JSON.stringify([...source.events()]), before);
  });

  Deno.test(`${name} takes any text`, () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 6 }), (texts) => {
        bytesOf(name, saying(texts));
      }),
      { numRuns: 100 },
    );
  });
}

/** Messages between two actors without end, none in flight for long. */
function* chatter(count: number): Generator<TraceEvent, void, void> {
  for (let seq = 0; seq < count; seq++) {
    const sends = seq % 2 === 0;
    yield {
      seq,
      vt: seq * 500,
      lamport: seq + 1,
      kind: sends ? "send" : "deliver",
      actor: sends ? "a" : "b",
      source: "a",
      ...(sends ? { target: "b" } : {}),
      type: "x.y",
      msg: sends ? seq : seq - 1,
      ...(sends ? {} : { cause: seq - 1 }),
      ...(sends ? { summary: { text: "some words that take room", n: seq } } : {}),
    };
  }
}

for (const name of ["perfetto", "otlp", "pcapng", "ndjson", "shiviz"] as const) {
  Deno.test(`${name} streams: pieces come before the events are all there`, () => {
    let given = 0;
    const source: ExportSource = {
      header: HEADER,
      events: function* () {
        given = 0;
        for (const event of chatter(20_000)) {
          given++;
          yield event;
        }
      },
    };
    let bytes = 0;
    for (const piece of EXPORTERS[name].export(source)) {
      bytes += piece.length;
      if (bytes > 100_000) break;
    }
    assert.ok(given < 10_000, `${given} events were read for the first 100 kB`);
  });
}

const collects = typeof Reflect.get(globalThis, "gc") === "function";

Deno.test("EXPORTERS keep nothing of what is over", { ignore: !collects }, () => {
  for (const name of ["perfetto", "otlp", "pcapng", "shiviz"] as const) {
    const source: ExportSource = { header: HEADER, events: () => chatter(60_000) };
    const pieces = EXPORTERS[name].export(source)[Symbol.iterator]();
    for (let count = 0; count < 100; count++) pieces.next();
    collectGarbage();
    const before = Deno.memoryUsage().heapUsed;
    let last = 0;
    for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
      last++;
      // Near the end, while all that the exporter keeps is still there.
      if (name === "otlp" ? last === 400 : last === 29_000) break;
    }
    collectGarbage();
    const grown = Deno.memoryUsage().heapUsed - before;
    // Keeps it alive until here.
    pieces.return?.();
    assert.ok(grown < 1_500_000, `${name} grew by ${grown} bytes`);
  }
});

Deno.test("partOf gives the source itself where nothing restricts, else the events asked for", () => {
  const source = cycle();
  assert.equal(partOf(source, {}), source);
  assert.equal(partOf(source, { from: 0, actors: [] }), source);
  const few = [...partOf(source, { from: 10, to: 12 }).events()].map(({ seq }) => seq);
  assert.deepEqual(few, [10, 11, 12]);
  const disk = [...partOf(source, { actors: ["disk"] }).events()];
  assert.ok(disk.length > 300);
  assert.ok(disk.every(({ actor, source, target }) => [actor, source, target].includes("disk")));
  assert.ok(disk.some(({ actor, target }) => actor !== "disk" && target === "disk"));
});

Deno.test("NDJSON gives a recorded run back byte for byte", () => {
  assert.equal(textOf("ndjson", cycle()), cycleText());
});

Deno.test("NDJSON of a torn trace has no footer, of a part neither header nor footer", () => {
  const { header, events } = cycle();
  const lines = textOf("ndjson", { header, events }).trimEnd().split("\n");
  assert.match(lines.at(-1) ?? "", /"seq":3736/);
  const part = textOf("ndjson", partOf(cycle(), { from: 3735 })).trimEnd().split("\n");
  assert.deepEqual(part.map((line) => JSON.parse(line).seq), [3735, 3736]);
});

Deno.test("NDJSON keeps origin lines", () => {
  const source = made([{
    kind: "note",
    actor: "A",
    type: "fact.sync",
    origin: { file: 'a "b".log', line: 7, text: "[    1.000000] Syncing\t…" },
  }]);
  const [, line = ""] = textOf("ndjson", source).split("\n");
  assert.deepEqual(JSON.parse(line).origin, [...source.events()][0]?.origin);
});
