/**
 * A trace as long as wanted, of actors that send each other messages: to see how the page bears it.
 *
 * @module
 */
import { Sha256 } from "../../machine/digest.ts";
import { eventLine, type TraceEvent } from "../../machine/trace/event.ts";

const ACTORS = ["A", "memory", "disk", "console", "network", "rtc", "pci", "firmware"];
const STEP_NANOSECONDS = 1_731;

type Step =
  | readonly [kind: "send", from: string, to: string, type: string]
  | readonly [kind: "take", at: string, sentStepsBefore: number]
  | readonly [kind: "note", at: string, type: string];

/** What a kernel that writes does again and again. */
const ROUND: readonly Step[] = [
  ["send", "A", "memory", "memory.acquire"],
  ["take", "memory", 1],
  ["note", "memory", "fact.memory_read"],
  ["send", "memory", "A", "memory.granted"],
  ["take", "A", 1],
  ["send", "A", "disk", "disk.write"],
  ["take", "disk", 1],
  ["note", "disk", "fact.disk_write"],
  ["send", "disk", "A", "disk.done"],
  ["take", "A", 1],
  ["send", "A", "memory", "memory.release"],
  ["take", "memory", 1],
];

function partOf(seq: number): Partial<TraceEvent> & { readonly actor: string } {
  const step = ROUND[seq % ROUND.length] ?? ["note", "A", "fact.memory_read"];
  const cause = seq === 0 ? {} : { cause: seq - 1 };
  if (step[0] === "send") {
    const [kind, actor, target, type] = step;
    return { kind, actor, source: actor, target, type, msg: seq, ...cause, summary: { tag: seq } };
  }
  if (step[0] === "take") {
    const [, actor, before] = step;
    const sent = partOf(seq - before);
    const { type = "", source = "" } = sent;
    return { kind: "deliver", actor, source, type, msg: seq - before, cause: seq - before };
  }
  const [kind, actor, type] = step;
  const summary = type === "fact.disk_write"
    ? { k: "A", block: seq, count: 1 }
    : { k: "A", by: "A", runs: `${(seq % 4096).toString(16)}+1` };
  return { kind, actor, type, ...cause, summary };
}

function eventOf(seq: number): TraceEvent {
  return { kind: "note", ...partOf(seq), seq, vt: seq * STEP_NANOSECONDS, lamport: seq };
}

/** The trace's text: header, events, footer. */
export function longTrace(events: number): string {
  const header = {
    v: 1,
    run: "00000000000000aa",
    scenario: "long",
    seed: 1,
    profile: "2.6.27/small-vm",
    version: "0",
    actors: ACTORS,
    clock: "virtual",
    order: "total",
  };
  const hash = new Sha256();
  const lines = [JSON.stringify(header)];
  for (let seq = 0; seq < events; seq++) {
    const line = eventLine(eventOf(seq));
    hash.update(new TextEncoder().encode(`${line}\n`));
    lines.push(line);
  }
  const sha256 = hash.hex();
  lines.push(JSON.stringify({ count: events, sha256, outcome: "ended", generator: "" }));
  return `${lines.join("\n")}\n`;
}
