import assert from "node:assert/strict";
import { Checker, type CheckerOptions } from "../../../machine/conformance/checker.ts";
import { alterEvents, isFact, type StoredTrace } from "../../../machine/conformance/mutation.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import type { Rule } from "../../../machine/conformance/rule.ts";
import {
  appliesTo,
  systemsOfScenario,
  systemsOfWord,
} from "../../../machine/conformance/systems.ts";
import { UsageError } from "../../../machine/errors.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import type { TraceEvent } from "../../../machine/trace/event.ts";
import { TraceError } from "../../../machine/trace/trace_error.ts";
import { BLOBS, GOOD, good } from "./stories.ts";

function feed(checker: Checker, trace: StoredTrace): void {
  checker.begin(trace.header);
  for (const event of trace.events) checker.event(event);
  checker.finishTrace(trace.footer);
}

function judge(trace: StoredTrace, options: CheckerOptions = {}): Report {
  const checker = new Checker(ALL_RULES, { blobs: BLOBS, ...options });
  feed(checker, trace);
  return checker.report();
}

Deno.test("Checker calls every rule vacuous where nothing happens", () => {
  const { header, footer } = good("hibernate");
  const checker = new Checker(ALL_RULES, { systems: "RVGMST" });
  checker.begin(header);
  checker.finishTrace({ ...footer, count: 0 });
  const report = checker.report();
  assert.equal(report.counts.vacuous, ALL_RULES.length);
  assert.ok(report.ok);
});

Deno.test("Checker without blobs calls vacuous, never held, what stood in them", () => {
  const report = judge(good("hibernate"), { blobs: { get: () => undefined } });
  const blind = report.rules.filter(({ missingBlobs }) => missingBlobs > 0);
  assert.deepEqual(blind.map(({ id, verdict }) => `${id} ${verdict}`), [
    "F23 vacuous",
    "F46 vacuous",
    "F47 vacuous",
    "F50 vacuous",
    "F78 vacuous",
    "F100 vacuous",
  ]);
});

Deno.test("Checker calls vacuous a rule whose pairs stand in a missing blob", () => {
  const bare = alterEvents(good("jump"), isFact("kimage", { k: "A" }), (event) => {
    const { pairs, ...summary } = event.summary ?? {};
    const bytes = new TextEncoder().encode(String(pairs));
    return { ...event, summary, blob: BLOBS.put(bytes) };
  });
  for (const id of ["F21", "F22", "F24"]) {
    assert.ok(idsWith(judge(bare, { only: [id] }), "held").includes(id), `${id} with the blob`);
    const blind = judge(bare, { only: [id], blobs: { get: () => undefined } });
    const [rule] = blind.rules;
    // The list of B's helper is inline and empty: F21 may look at that one.
    assert.equal(rule?.violated, 0);
    assert.ok((rule?.missingBlobs ?? 0) > 0, id);
    if (id !== "F21") assert.equal(rule?.verdict, "vacuous", id);
  }
});

Deno.test("Checker refuses a rule id that is not there, and two rules of one id", () => {
  assert.throws(() => new Checker(ALL_RULES, { only: ["F23", "F999"] }), UsageError);
  assert.throws(() => new Checker(ALL_RULES, { only: ["F999"] }), /F999.*F01, F02/);
  const [rule] = ALL_RULES;
  assert.ok(rule !== undefined);
  assert.throws(() => new Checker([rule, rule]), UsageError);
});

Deno.test("Checker judges only the rules asked for", () => {
  const report = judge(good("hibernate"), { only: ["F60", "F23"] });
  assert.deepEqual(report.rules.map(({ id, held }) => [id, held]), [["F23", 1], ["F60", 1]]);
});

Deno.test("Checker chooses rules by the scenario's system, or by what it is told", () => {
  assert.equal(systemsOfScenario("hibernate"), "M");
  assert.equal(systemsOfScenario("jump-physical"), "M");
  assert.equal(systemsOfScenario("hibernate-v7"), "V");
  assert.equal(systemsOfScenario("my own"), "");
  const names: readonly (readonly [string, string])[] = [
    ["v7-cold", "V"],
    ["kimgcore-accelerated", "VG"],
    ["resume-swsusp", "S"],
    ["swsusp", "S"],
    ["rfc-snapshot", "R"],
    ["hibernate-rfc", "R"],
    ["tuxonice-warm", "T"],
    ["mainline-snapshots", "M"],
    ["hibernate-as-posted", "M"],
    ["v70", ""],
    ["jumper", ""],
  ];
  for (const [name, letters] of names) assert.equal(systemsOfScenario(name), letters, name);
  assert.equal(systemsOfWord("sv"), "SV");
  assert.equal(systemsOfWord("kimgcore"), "VG");
  assert.equal(systemsOfWord("x11"), undefined);
  assert.ok(appliesTo("*", "") && appliesTo("VGM", "M") && !appliesTo("VS", "M"));
  const only = (systems: string) => judge(good("jump"), { systems }).rules.map(({ id }) => id);
  assert.ok(!only("S").includes("F25") && only("S").includes("F39") && only("S").includes("F30"));
  const all = ALL_RULES.filter(({ systems }) => systems === "*").map(({ id }) => id);
  assert.deepEqual(only(""), all);
});

Deno.test("Checker starts anew for a trace that goes on from no other", () => {
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  for (const { traces } of GOOD) {
    for (const { trace } of traces) feed(checker, trace);
  }
  const report = checker.report();
  assert.deepEqual(idsWith(report, "violated"), []);
  assert.deepEqual(idsWith(report, "vacuous"), []);
  assert.equal(report.traces.length, GOOD.length + 1);
});

Deno.test("Checker refuses a trace that goes on from another than the one before", () => {
  const halves = GOOD.find(({ name }) => name === "halves");
  const [first, second] = halves?.traces ?? [];
  assert.ok(first !== undefined && second !== undefined);
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  feed(checker, good("jump"));
  assert.throws(() => checker.begin(second.trace.header), /give the files in order/);
});

Deno.test("Checker names the trace and the event of a violation, and keeps the first few", () => {
  const dropped = alterEvents(good("jump"), isFact("load"), (event) => ({
    ...event,
    summary: { ...event.summary, result: -5 },
  }));
  const report = judge(dropped, { violationsMax: 2, only: ["F14"] });
  const [rule] = report.rules;
  assert.ok(rule !== undefined && rule.violated > 2);
  assert.equal(rule.violations.length, 2);
  const [first] = rule.violations;
  assert.equal(dropped.events[first?.seq ?? -1]?.type, "fact.load");
  assert.match(first?.reason ?? "", /kernel A: kexec_load gave -5 where the table gives -1/);
});

Deno.test("Checker refuses facts that are not declared so", () => {
  const { header } = good("jump");
  const fact = (type: string, summary: TraceEvent["summary"]): TraceEvent => ({
    ...{ seq: 3, vt: 0, lamport: 1, kind: "note", actor: "A", type },
    ...(summary === undefined ? {} : { summary }),
  });
  const wrong: [string, TraceEvent["summary"], RegExp][] = [
    ["fact.verdict", {}, /unknown 'fact.verdict'/],
    ["fact.dma", { k: "A" }, /'device' is missing/],
    ["fact.dma", undefined, /'k' is missing/],
    ["fact.dma", { k: "A", device: 3 }, /device is not text/],
    ["fact.dma", { k: "A", device: "ide", ok: true }, /'ok' is not declared/],
    ["fact.memory_write", { k: "C", by: "C", runs: "zz" }, /cannot read 'zz'/],
  ];
  for (const [type, summary, message] of wrong) {
    const checker = new Checker(ALL_RULES);
    checker.begin(header);
    for (const event of good("jump").events.slice(0, 90)) checker.event(event);
    // Pages are looked at only while a kernel is away.
    const away = good("jump").events.find(isFact("jump", { to: "B" }));
    const image = good("jump").events.find(isFact("kimage", { k: "A" }));
    if (image !== undefined) checker.event(image);
    if (away !== undefined) checker.event(away);
    assert.throws(() => checker.event(fact(type, summary)), (error: unknown) => {
      assert.ok(error instanceof TraceError);
      assert.match(error.message, message);
      assert.equal(error.seq, 3);
      return true;
    });
  }
  const idle = new Checker(ALL_RULES);
  assert.throws(() => idle.event(fact("fact.dma", { k: "A", device: "ide" })), /before any header/);
});

Deno.test("Checker gives an event only to the rules that want it", () => {
  const seen: string[] = [];
  const rule: Rule = {
    ...{ id: "X1", severity: "warning", statement: "A test", source: "none", systems: "*" },
    kind: "never",
    open: (context) => ({
      facts: { dma: ({ device }) => void seen.push(device) },
      kinds: { timer: ({ actor }) => void seen.push(actor) },
      end: () => context.violated("at the end"),
    }),
  };
  const checker = new Checker([rule]);
  checker.begin(good("jump").header);
  const base = { vt: 0, lamport: 1, actor: "A" };
  checker.event({ seq: 0, kind: "timer", ...base });
  checker.event({ seq: 1, kind: "deliver", type: "fact.dma", ...base });
  const summary = { k: "A", device: "ide" };
  checker.event({ seq: 2, kind: "note", type: "fact.dma", summary, ...base });
  checker.event({ seq: 3, kind: "note", type: "fact.irq", summary, ...base });
  const report = checker.report();
  assert.deepEqual(seen, ["A", "ide"]);
  assert.equal(report.rules[0]?.violations[0]?.seq, 3);
  assert.ok(report.ok, "a warning does not fail a run");
  assert.equal(report.traces[0]?.torn, true);
});

Deno.test("Checker keeps its memory over a long stream", () => {
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  const { header, events } = good("jump");
  checker.begin(header);
  let seq = 0;
  const round = () => {
    for (const event of events) checker.event({ ...event, seq: seq++ });
  };
  const used = () => Deno.memoryUsage().heapUsed;
  for (let index = 0; index < 200; index++) round();
  const start = used();
  for (let index = 0; index < 2_000; index++) round();
  // Half a million events; the collector's own slack is a few megabytes.
  assert.ok(used() - start < 24_000_000, `${used() - start} bytes more`);
  assert.deepEqual(idsWith(checker.report(), "violated"), []);
});
