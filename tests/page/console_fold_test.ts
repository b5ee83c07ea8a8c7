import assert from "node:assert/strict";
import fc from "fast-check";
import { eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { ConsoleFold, lastLines } from "../../server/page/panels/console_fold.ts";
import { TraceStore } from "../../server/page/trace_store.ts";

type Part = Pick<TraceEvent, "kind" | "actor"> & Partial<TraceEvent>;

function printed(by: string, text: string, prompt = false): Part {
  return {
    kind: "send",
    actor: by,
    target: "console",
    type: "console.write",
    summary: { by, text, prompt },
  };
}

function typed(line: string): Part {
  return { kind: "send", actor: "operator", type: "console.type", summary: { line } };
}

function asked(): Part {
  return { kind: "send", actor: "operator", type: "console.call", summary: { id: 1, call: "{}" } };
}

function ran(k: string, program: string): Part {
  return {
    kind: "note",
    actor: k,
    type: "fact.tool",
    summary: { k, program, arguments: "-e", status: 0 },
  };
}

const CUT: Part = { kind: "fault", actor: "disk", type: "power.cut" };
const ON: Part = { kind: "note", actor: "firmware", type: "fact.power", summary: { op: "on" } };

function append(trace: TraceStore, parts: readonly Part[]): void {
  for (const part of parts) {
    trace.append(eventLine({ seq: trace.count, vt: 0, lamport: 1, ...part }));
  }
}

function traceOf(parts: readonly Part[]): TraceStore {
  const trace = new TraceStore();
  append(trace, parts);
  return trace;
}

const STORY: readonly Part[] = [
  ON,
  printed("loader", "Loading /vmlinuz"),
  printed("A", "A: ready"),
  printed("A", "A$ ", true),
  typed("kexec -e"),
  { kind: "deliver", actor: "console", type: "console.type" },
  printed("B", "B$ ", true),
  asked(),
  ran("B", "kexec"),
  CUT,
];

Deno.test("ConsoleFold keeps each kernel's console as it stood at the moment", () => {
  const fold = new ConsoleFold();
  fold.read(traceOf(STORY));
  const at = (cursor: number) =>
    fold.at(cursor).map(({ name, waits, lines }) => `${name}${waits ? "?" : ""} ${lines.length}`);
  assert.deepEqual(at(-1), []);
  assert.deepEqual(at(1), ["loader 1"]);
  assert.deepEqual(at(3), ["loader 1", "A? 2"]);
  assert.deepEqual(at(4), ["loader 1", "A 2"]);
  assert.deepEqual(at(6), ["loader 1", "A 2", "B? 1"]);
  assert.deepEqual(at(7), ["loader 1", "A 2", "B 1"]);
  const end = fold.at(9);
  assert.deepEqual(end[1]?.lines[1], { seq: 3, text: "A$ ", kind: "prompt", typed: "kexec -e" });
  assert.deepEqual(end[2]?.lines[0], { seq: 6, text: "B$ ", kind: "prompt", ran: ["kexec -e"] });
  assert.equal(end[2]?.lines[1]?.text, "the power is cut");
});

Deno.test("ConsoleFold shows what was typed on this page behind the prompt it was typed at", () => {
  const echoes = new Map([[6, "ls | wc -l"]]);
  const fold = new ConsoleFold(echoes);
  fold.read(traceOf(STORY));
  const line = fold.at(9).find(({ name }) => name === "B")?.lines[0];
  assert.equal(line?.typed, "ls | wc -l");
  assert.equal(line?.ran, undefined);
});

Deno.test("ConsoleFold read in pieces is the same as read at once", () => {
  const part = fc.constantFrom(
    printed("A", "x"),
    printed("A", "A$ ", true),
    printed("B", "y"),
    typed("ls"),
    asked(),
    ran("A", "sync"),
    CUT,
    ON,
    { kind: "note", actor: "A", type: "fact.lock" } as const,
  );
  fc.assert(fc.property(fc.array(part), fc.nat(20), fc.nat(40), (parts, cut, cursor) => {
    const whole = new ConsoleFold();
    whole.read(traceOf(parts));
    const trace = traceOf(parts.slice(0, cut));
    const pieces = new ConsoleFold();
    pieces.read(trace);
    append(trace, parts.slice(cut));
    pieces.read(trace);
    assert.deepEqual(pieces.at(cursor), whole.at(cursor));
    const short = new ConsoleFold();
    short.read(traceOf(parts.slice(0, cursor + 1)));
    assert.deepEqual(short.at(cursor), whole.at(cursor));
  }));
});

Deno.test("lastLines says how many stand before", () => {
  const lines = Array.from({ length: 5 }, (_, seq) => ({ seq, text: "", kind: "output" as const }));
  const last = lastLines({ name: "A", lines, waits: false }, 2);
  assert.deepEqual([last.lines.map(({ seq }) => seq), last.before], [[3, 4], 3]);
});
