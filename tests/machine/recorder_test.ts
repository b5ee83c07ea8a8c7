import assert from "node:assert/strict";
import { sha256 } from "../../machine/digest.ts";
import { LimitError } from "../../machine/errors.ts";
import { EVENT_KEYS, eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";

const WHOLE: TraceEvent = {
  seq: 7,
  vt: 12,
  lamport: 3,
  kind: "send",
  actor: "a",
  source: 'quo"te',
  target: "é",
  type: "memory.read",
  msg: 7,
  cause: 0,
  state: "on",
  summary: { text: "line\n", number: 1, flag: false, "k\\": "v" },
  blob: "sha256:00",
  rule: "F01",
  origin: { file: "f", line: 1, text: "t" },
};

Deno.test("eventLine writes what JSON.stringify writes, keys in their order", () => {
  assert.equal(eventLine(WHOLE), JSON.stringify(WHOLE));
  assert.deepEqual(Object.keys(JSON.parse(eventLine(WHOLE))), EVENT_KEYS);
  const small: TraceEvent = { seq: 0, vt: 0, lamport: 1, kind: "start", actor: "a" };
  assert.equal(eventLine(small), JSON.stringify(small));
  assert.equal(eventLine({ ...small, summary: {} }), JSON.stringify(small));
});

Deno.test("Recorder's hash is that of the lines it gave to the sink", () => {
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  for (let vt = 0; vt < 2000; vt++) recorder.add({ vt, kind: "timer", actor: `é${vt % 3}` });
  assert.equal(recorder.hash(), sha256(sink.text));
  recorder.add({ vt: 1, kind: "timer", actor: "x" });
  assert.equal(recorder.hash(), sha256(sink.text));
  assert.equal(sink.text.split("\n").length, 2002);
});

Deno.test("Recorder's Lamport numbers follow the sender's", () => {
  const recorder = new Recorder(new MemorySink());
  recorder.add({ vt: 0, kind: "start", actor: "a" });
  recorder.add({ vt: 0, kind: "send", actor: "a" });
  assert.equal(recorder.lastLamport, 2);
  recorder.add({ vt: 1, kind: "deliver", actor: "b" }, 2);
  assert.equal(recorder.lamportOf("b"), 3);
  recorder.add({ vt: 1, kind: "deliver", actor: "b" }, 1);
  assert.equal(recorder.lamportOf("b"), 4);
});

Deno.test("Recorder.rewind goes back, the sink with it, and listeners stay", () => {
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const seen: number[] = [];
  recorder.listen((event) => seen.push(event.seq));
  recorder.add({ vt: 0, kind: "start", actor: "a" });
  const state = recorder.state();
  recorder.add({ vt: 1, kind: "end", actor: "a" });
  const hash = recorder.hash();
  recorder.add({ vt: 2, kind: "start", actor: "a" });
  recorder.rewind(state);
  recorder.add({ vt: 1, kind: "end", actor: "a" });
  assert.equal(recorder.hash(), hash);
  assert.equal(sink.text.split("\n").length, 3);
  assert.deepEqual(seen, [0, 1, 2, 1]);
});

Deno.test("Recorder goes on in another from its state", () => {
  const first = new Recorder(new MemorySink());
  first.add({ vt: 0, kind: "start", actor: "a" });
  const second = new Recorder(new MemorySink(), first.state());
  for (const recorder of [first, second]) recorder.add({ vt: 1, kind: "end", actor: "a" });
  assert.equal(second.hash(), first.hash());
  assert.equal(second.next, 2);
});

Deno.test("Recorder gives each blob to the sink once", () => {
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const bytes = new Uint8Array([1, 2, 3]);
  assert.equal(recorder.blob(bytes), `sha256:${sha256(bytes)}`);
  bytes.fill(0);
  recorder.blob(new Uint8Array([1, 2, 3]));
  assert.deepEqual([...sink.blobs.values()], [new Uint8Array([1, 2, 3])]);
});

Deno.test("Recorder refuses a line that is too long", () => {
  const recorder = new Recorder(new MemorySink());
  const draft = { vt: 0, kind: "note", actor: "a", summary: { text: "x".repeat(70_000) } } as const;
  assert.throws(() => recorder.add(draft), LimitError);
});
