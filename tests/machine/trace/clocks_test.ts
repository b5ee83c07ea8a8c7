import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryBlobs } from "../../../machine/trace/blobs.ts";
import { VectorClocks } from "../../../machine/trace/clocks.ts";
import type { TraceEvent } from "../../../machine/trace/event.ts";

function event(seq: number, actor: string, rest: Partial<TraceEvent> = {}): TraceEvent {
  return { seq, vt: 0, lamport: 0, kind: "note", actor, ...rest };
}

Deno.test("VectorClocks order a send before its delivery and leave strangers unordered", () => {
  const clocks = new VectorClocks();
  clocks.add(event(0, "A", { kind: "send", msg: 0 }));
  clocks.add(event(1, "B"));
  clocks.add(event(2, "B", { kind: "deliver", msg: 0 }));
  clocks.add(event(3, "C", { cause: 2 }));
  clocks.add(event(4, "A"));
  assert.deepEqual([...clocks.get(3) ?? []], [["B", 2], ["A", 1], ["C", 1]]);
  const before = (first: number, second: number) => clocks.happensBefore(first, second);
  assert.deepEqual([before(0, 2), before(0, 3), before(1, 2), before(0, 4)], [
    ...[true, true, true, true],
  ]);
  assert.deepEqual([before(2, 0), before(0, 1), before(1, 4), before(4, 3), before(2, 2)], [
    ...[false, false, false, false, false],
  ]);
  assert.equal(before(0, 9), undefined);
});

Deno.test("VectorClocks agree with reachability over actors, causes and messages", () => {
  const step = fc.record({ actor: fc.nat(3), cause: fc.nat(), msg: fc.nat(), links: fc.nat(3) });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const clocks = new VectorClocks();
    const past: Set<number>[] = [];
    const latest = new Map<number, number>();
    for (const [seq, { actor, cause, msg, links }] of steps.entries()) {
      const direct: number[] = [];
      const own = latest.get(actor);
      if (own !== undefined) direct.push(own);
      const link: { cause?: number; msg?: number } = {};
      if (seq > 0 && (links & 1) !== 0) link.cause = cause % seq;
      if (seq > 0 && (links & 2) !== 0) link.msg = msg % seq;
      direct.push(...Object.values(link));
      past.push(new Set(direct.flatMap((at) => [at, ...past[at] ?? []])));
      latest.set(actor, seq);
      clocks.add(event(seq, `actor${actor}`, link));
    }
    for (let second = 0; second < past.length; second++) {
      for (let first = 0; first < past.length; first++) {
        assert.equal(clocks.happensBefore(first, second), past[second]?.has(first));
      }
    }
  }));
});

Deno.test("VectorClocks forget what lies further back than they keep", () => {
  const clocks = new VectorClocks({ keep: 2 });
  for (let seq = 0; seq < 5; seq++) clocks.add(event(seq, "A"));
  assert.deepEqual([2, 3, 4].map((seq) => clocks.get(seq)?.get("A")), [undefined, 4, 5]);
});

Deno.test("MemoryBlobs give back a copy by digest, each once", () => {
  const blobs = new MemoryBlobs();
  const bytes = new Uint8Array([1, 2, 3]);
  const name = blobs.put(bytes);
  bytes[0] = 9;
  assert.match(name, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual([...blobs.get(name.slice(7)) ?? []], [1, 2, 3]);
  assert.equal(blobs.put(new Uint8Array([1, 2, 3])), name);
  assert.equal([...blobs.entries()].length, 1);
  assert.equal(blobs.get("00"), undefined);
});
