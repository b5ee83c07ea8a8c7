/**
 * What tests of exporters share: traces made by hand, the recorded cycle, a recording of a real
 * Linux, texts that try to be more than text.
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { sha256 } from "../../../../machine/digest.ts";
import {
  eventLine,
  type TraceEvent,
  type TraceFooter,
  type TraceHeader,
} from "../../../../machine/trace/event.ts";
import {
  EXPORTERS,
  type ExportName,
  type ExportSource,
} from "../../../../machine/trace/exporters/exporters.ts";
import { kindOfLog, LogImporter } from "../../../../machine/trace/importers/import_log.ts";
import { readTraceSync } from "../../../../machine/trace/reader.ts";
import { recording } from "../../../recordings.ts";

const CYCLE = new URL(
  "../../../../fixtures/traces/runs/cycle-2.6.27.ndjson.gz",
  import.meta.url,
);

export const HEADER: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: "hand-made",
  seed: 1,
  profile: "2.6.27/small-vm",
  version: "0.0.0",
  actors: [],
  clock: "virtual",
  order: "total",
};

/** An event without its numbers. */
export type Draft = Omit<TraceEvent, "seq" | "lamport" | "vt"> & { readonly vt?: number };

/** A trace made by hand; events are 1 µs apart unless they say when they are. */
export function made(drafts: readonly Draft[], header: TraceHeader = HEADER): ExportSource {
  const events = drafts.map((draft, seq): TraceEvent => ({
    seq,
    lamport: seq + 1,
    ...draft,
    vt: draft.vt ?? seq * 1000,
  }));
  return { header, events: () => events };
}

/** With a footer that holds. */
export function whole(source: ExportSource): ExportSource {
  const lines = [...source.events()].map((event) => `${eventLine(event)}\n`);
  const footer: TraceFooter = {
    count: lines.length,
    sha256: sha256(lines.join("")),
    outcome: "resumed",
    generator: "{}",
  };
  return { ...source, footer };
}

/** Text of a whole cycle that was recorded. */
export function cycleText(): string {
  return gunzipSync(Deno.readFileSync(CYCLE)).toString();
}

/** A whole cycle that was recorded. */
export function cycle(): ExportSource {
  let header: TraceHeader = HEADER;
  let footer: TraceFooter | undefined;
  const events: TraceEvent[] = [];
  for (const record of readTraceSync(cycleText().trimEnd().split("\n"))) {
    if (record.record === "header") header = record.header;
    else if (record.record === "event") events.push(record.event);
    else if (record.record === "footer") footer = record.footer;
  }
  return { header, events: () => events, ...(footer === undefined ? {} : { footer }) };
}

/** A recording of a real Linux: notes alone, each with its line. */
export function imported(name = "platform.1.console.ts.log"): ExportSource {
  const lines = recording(name).split("\n");
  const importer = new LogImporter();
  importer.begin(kindOfLog(lines.slice(0, 40)) ?? "console", name);
  const events = [...lines.flatMap((line) => importer.line(line)), ...importer.end()];
  return {
    header: { ...HEADER, scenario: `log-S ${name}`, clock: "imported", order: "observed" },
    events: () => events,
  };
}

/** The file in one piece. */
export function bytesOf(form: ExportName, source: ExportSource): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = [...EXPORTERS[form].export(source)].map((piece) =>
    typeof piece === "string" ? encoder.encode(piece) : piece
  );
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The file as text. */
export function textOf(form: ExportName, source: ExportSource): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(form, source));
}

/** Texts that mean something to one of the languages. */
export const SLY: readonly string[] = [
  'a"b',
  "a'b",
  "a\nparticipant x",
  "a\r\nend",
  "a\u2028b\u2029c",
  "end",
  "#35;",
  "; p0->>p1: evil",
  "%%{init: {}}%%",
  "%% comment",
  "<script>alert(1)</script>",
  "&lt;b&gt;",
  "wrap:x",
  ":nowrap: y",
  "@enduml",
  "!include /etc/passwd",
  "%newline()",
  "$x",
  "' comment",
  "/' block '/",
  "\\n\\t",
  "<U+0041>",
  "&#65;",
  '**bold** //it// __under__ --strike-- ~~wave~~ ""mono""',
  "== divider ==",
  "note over p0",
  "{curly} [square] |pipe|",
  "<&heart> <$sprite> [[http://x]]",
  "🙂 ünïcode 漢字",
  "\ud800 lone \udfff",
  "\u0000\u0007\u001b[31m",
  "__proto__",
  "constructor",
  " ",
  "-",
  "\u200b",
  'x {"x":1}',
  '{"x":1}',
  "box",
  "alt",
  "rect",
  "loop",
  "as",
  "activate",
  "autonumber",
];

/** Any text, sly ones more often. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...SLY),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units)),
);

/** A trace in which every text is the given ones; no actor's name is empty. */
export function saying(texts: readonly string[]): ExportSource {
  const text = (index: number): string => texts[index % texts.length] ?? "";
  const drafts: Draft[] = [];
  texts.forEach((_, index) => {
    const actor = text(index) || "a";
    const target = text(index + 1) || "b";
    const cause = drafts.length;
    const summary = { [text(index + 2)]: text(index + 3), n: 1.5, flag: true };
    drafts.push(
      { kind: "start", actor, type: text(index + 4) },
      { kind: "state", actor, state: text(index + 5), cause },
      {
        kind: "send",
        actor,
        source: actor,
        target,
        type: text(index),
        msg: cause + 2,
        cause,
        summary,
      },
      {
        kind: "deliver",
        actor: target,
        source: actor,
        type: text(index),
        msg: cause + 2,
        cause: cause + 2,
      },
      { kind: "fault", actor: target, type: text(index + 1), summary },
      { kind: "note", actor: target, type: `fact.${text(index)}`, summary, cause: cause + 3 },
    );
  });
  return made(drafts, { ...HEADER, scenario: text(0), actors: [text(1), text(2)] });
}
