import assert from "node:assert/strict";
import { sha256 } from "../../../../machine/digest.ts";
import type { ExportSource } from "../../../../machine/trace/exporters/exporters.ts";
import {
  RUN_SPAN_ID,
  spanIdOf,
  traceIdOf,
  traceparent,
} from "../../../../machine/trace/exporters/ids.ts";
import { attributes, type Span } from "../../../../machine/trace/exporters/otlp_records.ts";
import { cycle, type Draft, HEADER, imported, made, textOf } from "./kit.ts";
import { reportOf } from "./report_kit.ts";

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

interface Told extends Span {
  readonly service: string;
}

const valueOf = (list: Span["attributes"], wanted: string): unknown => {
  const found = list.find(({ key }) => key === wanted);
  return found === undefined ? undefined : Object.values(found.value)[0];
};

function requests(source: ExportSource): Request[] {
  return textOf("otlp", source).trimEnd().split("\n").map((line): Request => JSON.parse(line));
}

function spans(source: ExportSource): Told[] {
  return requests(source).flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const service = String(valueOf(resource.attributes, "service.name"));
      return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })));
    })
  );
}

const STORY: readonly Draft[] = [
  { kind: "start", actor: "a", type: "actor.a", vt: 0 },
  { kind: "send", actor: "a", target: "b", type: "x.ask", msg: 1, cause: 0, vt: 0 },
  { kind: "deliver", actor: "b", source: "a", type: "x.ask", msg: 1, cause: 1, vt: 1000 },
  { kind: "note", actor: "b", type: "fact.sync", cause: 2, vt: 1250, summary: { k: "b" } },
  { kind: "send", actor: "b", target: "a", type: "x.answer", msg: 4, cause: 2, vt: 1250 },
  { kind: "drop", actor: "a", source: "b", type: "x.answer", msg: 4, cause: 4, vt: 2000 },
  { kind: "end", actor: "a", vt: 2500 },
];

Deno.test("traceIdOf and spanIdOf are of the right lengths and never all zeros", () => {
  assert.equal(traceIdOf(HEADER.run), sha256(HEADER.run).slice(0, 32));
  assert.equal(spanIdOf(0), "0000000000000001");
  assert.equal(spanIdOf(Number.MAX_SAFE_INTEGER - 1), "001fffffffffffff");
  assert.match(traceparent(HEADER.run, 9), /^00-[0-9a-f]{32}-000000000000000a-01$/);
});

Deno.test("attributes writes 64-bit numbers as text and leaves out what is absent", () => {
  assert.deepEqual(attributes({ a: 7, b: 1.5, c: true, d: "x", e: undefined }), [
    { key: "a", value: { intValue: "7" } },
    { key: "b", value: { doubleValue: 1.5 } },
    { key: "c", value: { boolValue: true } },
    { key: "d", value: { stringValue: "x" } },
  ]);
});

Deno.test("OTLP makes sends producers, and deliveries consumers with a link to the send", () => {
  const all = spans(made(STORY));
  const find = (seq: number): Told =>
    all.find(({ spanId }) => spanId === spanIdOf(seq)) ?? assert.fail(`no span of ${seq}`);
  const send = find(1);
  assert.deepEqual([send.kind, send.service, send.parentSpanId], [4, "a", spanIdOf(0)]);
  assert.equal(send.links, undefined);
  const deliver = find(2);
  assert.deepEqual([deliver.kind, deliver.service, deliver.name], [5, "b", "x.ask"]);
  assert.deepEqual(deliver.links, [{ traceId: traceIdOf(HEADER.run), spanId: spanIdOf(1) }]);
  assert.deepEqual([deliver.startTimeUnixNano, deliver.endTimeUnixNano], ["1000", "1250"]);
  assert.deepEqual(deliver.events?.map(({ name, timeUnixNano }) => [name, timeUnixNano]), [
    ["fact.sync", "1250"],
  ]);
  assert.equal(find(4).parentSpanId, spanIdOf(2));
  assert.deepEqual(find(5).links?.map(({ spanId }) => spanId), [spanIdOf(4)]);
  assert.equal(valueOf(deliver.attributes, "messaging.message.id"), "1");
  assert.equal(valueOf(deliver.attributes, "kjump.msg"), "1");
});

Deno.test("OTLP hangs an actor's life below the run, and closes both", () => {
  const all = spans(made(STORY));
  const life = all.find(({ name }) => name === "a lives");
  assert.deepEqual([life?.parentSpanId, life?.startTimeUnixNano, life?.endTimeUnixNano], [
    RUN_SPAN_ID,
    "0",
    "2500",
  ]);
  const run = all.at(-1);
  assert.deepEqual([run?.spanId, run?.parentSpanId, run?.service], [
    RUN_SPAN_ID,
    undefined,
    "kjump",
  ]);
  assert.equal(run?.endTimeUnixNano, "2500");
});

Deno.test("OTLP marks a violation as an error with the rule's id, in the span it happened in", () => {
  const source = { ...made(STORY), report: reportOf("F41", [3]) };
  const [broken, ...others] = spans(source).filter(({ status }) => status !== undefined);
  assert.deepEqual(others, []);
  assert.equal(broken?.spanId, spanIdOf(2));
  assert.deepEqual(broken?.status, { code: 2, message: "F41: because of 3" });
  const event = broken?.events?.find(({ name }) => name === "rule.violated");
  assert.equal(valueOf(event?.attributes ?? [], "kjump.rule"), "F41");
});

Deno.test("OTLP of a recorded run has each span once, in time, below one that is there", () => {
  const source = cycle();
  const all = spans(source);
  const ids = new Set(all.map(({ spanId }) => spanId));
  assert.equal(ids.size, all.length);
  for (const { parentSpanId, traceId, links = [], ...span } of all) {
    assert.equal(traceId, traceIdOf(source.header.run));
    if (parentSpanId !== undefined) assert.ok(ids.has(parentSpanId));
    for (const { spanId } of links) assert.ok(ids.has(spanId));
    assert.ok(Number(span.startTimeUnixNano) <= Number(span.endTimeUnixNano));
  }
  const events = [...source.events()];
  const count = (kind: string): number => events.filter((event) => event.kind === kind).length;
  assert.equal(all.filter(({ kind }) => kind === 4).length, count("send"));
  assert.equal(all.filter(({ kind }) => kind === 5).length, count("deliver"));
  const told = all.length - 1 + all.reduce((sum, { events = [] }) => sum + events.length, 0);
  assert.equal(told, events.length);
});

Deno.test("OTLP of a recording has a span for each event, with the line it was read from", () => {
  const all = spans(imported());
  assert.equal(all.length, 1 + [...imported().events()].length);
  assert.ok(
    all.slice(0, -1).every(({ attributes }) =>
      valueOf(attributes, "kjump.origin.text") !== undefined
    ),
  );
});

Deno.test("OTLP says how many events of a span it left out", () => {
  const drafts: Draft[] = [{ kind: "timer", actor: "a", vt: 0 }];
  for (let count = 0; count < 2_000; count++) {
    drafts.push({ kind: "note", actor: "a", type: "fact.sync", cause: 0 });
  }
  const [span] = spans(made(drafts));
  assert.equal(span?.events?.length, 1_024);
  assert.equal(span?.droppedEventsCount, 976);
});

Deno.test("OTLP keeps its lines short enough for a collector", () => {
  for (const { resourceSpans } of requests(cycle())) {
    const count = resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans)
    );
    assert.ok(count.length <= 200);
  }
});
