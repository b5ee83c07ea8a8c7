import assert from "node:assert/strict";
import fc from "fast-check";
import type { TraceEvent } from "../../../machine/trace/event.ts";
import { eventFault } from "../../../machine/trace/event_shape.ts";
import { ConsoleLog } from "../../../machine/trace/importers/console_log.ts";
import {
  kindOfLog,
  LogImporter,
  type LogKind,
} from "../../../machine/trace/importers/import_log.ts";
import { recordedEvents, recording, recordingNames } from "../../recordings.ts";

/** Imports recordings in order. */
function imported(...names: string[]): TraceEvent[] {
  const importer = new LogImporter();
  const events: TraceEvent[] = [];
  for (const name of names) {
    const lines = recording(name).split("\n");
    importer.begin(kindOfLog(lines.slice(0, 40)) ?? assert.fail(name), name);
    for (const line of lines) events.push(...importer.line(line));
  }
  events.push(...importer.end());
  return events;
}

function fromText(text: string, kind: LogKind = "console"): TraceEvent[] {
  const importer = new LogImporter();
  importer.begin(kind, "a.log");
  return [...text.split("\n").flatMap((line) => importer.line(line)), ...importer.end()];
}

function told(events: readonly TraceEvent[], type: string): string[] {
  return events.filter((event) => event.type === type).map(({ summary }) =>
    Object.values(summary ?? {}).join(" ")
  );
}

const consoles = (experiment: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${experiment}.${index + 1}.console.ts.log`);

const EXPERIMENTS: readonly (readonly [name: string, logs: readonly string[]])[] = [
  ["exp3.platform", consoles("platform", 3)],
  ["exp2.kh1", consoles("kh1", 2)],
  ["exp1.upfix1", ["upfix1.console.ts.log"]],
  ["exp1.smpfix", ["smpfix.console.ts.log"]],
  ["exp4.badcrc", consoles("badcrc", 2)],
  ["exp4.badsig", consoles("badsig", 2)],
  ["exp4.noresume", consoles("noresume", 3)],
  ["exp4.othermem", consoles("othermem", 2)],
];

for (const [experiment, logs] of EXPERIMENTS) {
  Deno.test(`ConsoleLog finds every event that the recorders of ${experiment} found, in order`, () => {
    const mine = logs.flatMap((name) => {
      const log = new ConsoleLog(name);
      return recording(name).split("\n").flatMap((line) => log.line(line)).map(
        ({ event, origin }) => `${event} ${origin.text.replace(/^\[ *\d+\.\d{4}\] /, "")}`,
      );
    });
    let at = 0;
    for (const { event, source } of recordedEvents(experiment)) {
      // Told from what came before, and commands that are shortened in the record.
      if (event === "control_transferred" || source.length > 400) continue;
      const wanted = `${event} ${source}`;
      const found = mine.findIndex((line, index) => index >= at && line.startsWith(wanted));
      assert.ok(found >= 0, `not found: ${wanted}`);
      at = found + 1;
    }
  });
}

Deno.test("LogImporter tells who jumped to whom in a cycle of hibernation by kexec jump", () => {
  const events = imported(...consoles("kh1", 2));
  assert.deepEqual(told(events, "fact.jump"), ["A B true", "C A false"]);
  assert.deepEqual(told(events, "fact.power"), ["on", "off S5 B", "on", "loss"]);
  const boots = events.filter(({ type }) => type === "fact.boot");
  assert.deepEqual(boots.map(({ summary }) => summary?.["k"]), ["A", "B", "C"]);
  assert.equal(
    boots[1]?.summary?.["ranges"],
    "0x1000-0x70000,0x4000000-0x4000010,0x4000010-0x7ffc000",
  );
});

Deno.test("LogImporter tells three round trips between two kernels", () => {
  const jumps = told(imported("smpfix.console.ts.log"), "fact.jump");
  assert.deepEqual(jumps, ["A B true", "B A true", "A B true", "B A true", "A B true", "B A true"]);
});

Deno.test("LogImporter takes the two returns of swsusp's copy for no jump and a jump", () => {
  const events = imported(...consoles("platform", 2));
  assert.equal(told(events, "fact.jump")[0], "C A false");
  const types = events.map(({ type, actor, summary }) =>
    `${actor} ${type} ${summary?.["op"] ?? ""}`
  );
  const order = ["A fact.sync ", "A fact.snapshot ", "A fact.image begin", "A fact.image commit"];
  const places = order.map((line) => types.indexOf(line));
  assert.deepEqual(places, places.toSorted((left, right) => left - right));
  assert.ok(places.every((place) => place >= 0));
  assert.deepEqual(told(events, "fact.power").slice(0, 3), ["on", "sleep S4 A", "on"]);
});

Deno.test("LogImporter gives device callbacks their phase, by the tracer or by the phase's end", () => {
  const traced = imported("platform.1.console.ts.log").filter(({ type }) => type === "fact.phase");
  const names = new Set(
    traced.map(({ summary }) => `${summary?.["message"]} ${summary?.["name"]}`),
  );
  for (
    const name of ["FREEZE freeze", "FREEZE freeze_noirq", "THAW thaw", "HIBERNATE poweroff"]
  ) assert.ok(names.has(name), name);
  const untraced = imported("kh1.1.console.ts.log").filter(({ type }) => type === "fact.phase");
  const disk = untraced.find(({ summary }) => summary?.["device"] === "input3");
  assert.deepEqual(disk?.summary, {
    k: "A",
    device: "input3",
    parent: "serio1",
    name: "freeze",
    message: "FREEZE",
    result: 0,
  });
});

Deno.test("LogImporter numbers its events without gaps, in time, each with its line", () => {
  for (
    const names of [consoles("noresume", 3), ["smpfix.qmp.jsonl"], ["platform.cycle1.ftrace.txt"]]
  ) {
    const events = imported(...names);
    assert.ok(events.length > 1, names[0] ?? "");
    events.forEach((event, index) => {
      assert.equal(event.seq, index);
      assert.equal(eventFault(event), undefined);
      assert.ok(event.vt >= (events[index - 1]?.vt ?? 0));
      assert.ok(event.origin !== undefined && event.origin.line > 0);
    });
  }
  const last = imported("badcrc.1.console.ts.log").findLast(({ type }) => type === "fact.image");
  const lines = recording("badcrc.1.console.ts.log").split("\n");
  assert.equal(lines[(last?.origin?.line ?? 0) - 1], last?.origin?.text);
});

Deno.test("ConsoleLog reads CR LF, two kernel lines in one, and prompts before a kernel's line", () => {
  const text = "[    1.000000] OOM killer disabled.\r\n" +
    "# [    2.000000] OOM killer enabled.[    2.000001] Restarting tasks ... done.\r\n";
  const log = new ConsoleLog("a.log");
  const seen = text.split("\n").flatMap((line) => log.line(line));
  assert.deepEqual(seen.map(({ event, origin }) => [event, origin.line]), [
    ["oom_killer_disabled", 1],
    ["oom_killer_enabled", 2],
    ["thaw_processes", 2],
  ]);
});

Deno.test("ConsoleLog takes an old log that somebody prints for no kernel", () => {
  const log = new ConsoleLog("a.log");
  log.line("[    9.000000] OOM killer enabled.");
  assert.deepEqual(log.line("D:[    0.000000] Linux version 6.1.192 (root@vm)"), []);
});

Deno.test("kindOfLog knows consoles, traces, monitors and JSON lines, and nothing else", () => {
  for (const name of recordingNames()) {
    const kind = kindOfLog(recording(name).split("\n").slice(0, 40));
    const wanted = name.startsWith("events.exp")
      ? "normalised"
      : name.includes("console")
      ? "console"
      : name.includes("ftrace.txt")
      ? "ftrace"
      : name.includes("qmp")
      ? "qmp"
      : undefined;
    if (wanted !== undefined) assert.equal(kind, wanted, name);
  }
  assert.equal(kindOfLog(['{"v":1}', "hello"]), undefined);
  const header = {
    ...{ v: 1, run: "e100000000000000", scenario: "s", seed: 1, profile: "p", version: "0" },
    ...{ actors: ["A"], clock: "virtual", order: "total" },
  };
  const fact = '{"seq":0,"type":"fact.notifier","summary":{"event":"PM_HIBERNATION_PREPARE"}}';
  assert.equal(kindOfLog([fact]), "qmp", "without its header it could be a monitor's");
  assert.equal(kindOfLog([JSON.stringify(header), fact]), undefined, "a trace of this house");
  assert.equal(kindOfLog([]), undefined);
});

Deno.test("LogImporter takes any text for a log, cut anywhere", () => {
  const whole = recording("kh1.1.console.ts.log");
  for (let end = 0; end < whole.length; end += 4999) {
    for (const event of fromText(whole.slice(0, end))) assert.equal(eventFault(event), undefined);
  }
  fc.assert(
    fc.property(
      fc.string({ maxLength: 300 }),
      fc.constantFrom<LogKind>("console", "qmp", "ftrace", "normalised"),
      (text, kind) => {
        for (const event of fromText(`[    1.000000] ${text}\n${text}`, kind)) {
          assert.equal(eventFault(event), undefined);
        }
      },
    ),
  );
});
