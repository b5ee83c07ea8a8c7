/**
 * Every recording judged by every rule: none may come out broken, and each rule that is said to
 * judge a recording does.
 */
import assert from "node:assert/strict";
import { Checker } from "../../machine/conformance/checker.ts";
import { idsWith, type Report } from "../../machine/conformance/report.ts";
import { reportText } from "../../machine/conformance/report_text.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { kindOfLog, LogImporter, type LogKind } from "../../machine/trace/importers/import_log.ts";
import { SystemsSeen } from "../../machine/trace/importers/systems_seen.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { importedHeader } from "../../server/terminal/log_input.ts";
import { recording, recordingNames } from "../recordings.ts";
import { tableOf } from "./tables.ts";

interface Judgement {
  readonly report: Report;
  readonly events: readonly TraceEvent[];
}

/** Judges texts as one story, as `check` does with files. */
function judgeTexts(texts: readonly (readonly [name: string, text: string])[]): Judgement {
  const importer = new LogImporter();
  const seen = new SystemsSeen();
  const kinds: LogKind[] = [];
  const events = texts.flatMap(([name, text]) => {
    const lines = text.split("\n");
    const kind = kindOfLog(lines.slice(0, 40)) ?? assert.fail(name);
    kinds.push(kind);
    importer.begin(kind, name);
    return lines.flatMap((line) => importer.line(line));
  });
  events.push(...importer.end());
  for (const event of events) seen.event(event);
  const checker = new Checker(ALL_RULES);
  checker.begin(importedHeader(texts.map(([name]) => name), kinds, seen.letters));
  for (const event of events) checker.event(event);
  checker.finishTrace({
    count: events.length,
    sha256: "0".repeat(64),
    outcome: "imported",
    generator: "",
  });
  return { report: checker.report(), events };
}

/** Recordings that belong together, by their experiment. */
function stories(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of recordingNames()) {
    if (kindOfLog(recording(name).split("\n").slice(0, 40)) === undefined) continue;
    const story = name.startsWith("events.")
      ? name.replace(/^events\.|\.jsonl$/g, "")
      : name.replace(/\.\d(?=\.console|\.qmp)/, "").replace(/(?:\.ts)?\.(?:log|jsonl|txt)$/, "");
    found.set(story, [...found.get(story) ?? [], name]);
  }
  return found;
}

const STORIES = stories();
/** Rules that the table says are exercised, by story. */
const LISTED = new Map(
  tableOf("Judged by the rules").map(([story = "", rules = ""]) => [story, rules]),
);

for (const [story, names] of STORIES) {
  Deno.test(`no rule comes out broken for ${story}, and those held are the ones listed`, () => {
    const { report } = judgeTexts(names.map((name) => [name, recording(name)]));
    const broken = report.rules.filter(({ verdict }) => verdict === "violated");
    assert.deepEqual(broken.map(({ id, violations }) => `${id}: ${violations[0]?.reason}`), []);
    assert.equal(idsWith(report, "held").join(" "), LISTED.get(story) ?? "");
  });
}

Deno.test("every row of the table of judged recordings is about one that is there", () => {
  for (const [story, rules] of LISTED) {
    assert.ok(STORIES.has(story), story);
    assert.notEqual(rules, "", story);
  }
});

/** A console's text with some lines changed or left out. */
function changed(name: string, change: (line: string) => string | undefined): [string, string] {
  const lines = recording(name).split("\n").flatMap((line) => change(line) ?? []);
  return [name, lines.join("\n")];
}

const PLATFORM = ["platform.1.console.ts.log", "platform.2.console.ts.log"] as const;

/** Ids of the rules that a changed recording of a hibernation breaks. */
function brokenBy(change: (line: string) => string | undefined): string[] {
  const { report } = judgeTexts(PLATFORM.map((name) => changed(name, change)));
  return idsWith(report, "violated");
}

const WRONG:
  readonly (readonly [rule: string, what: string, (line: string) => string | undefined])[] = [
    [
      "F43",
      "the line of the sync is not there",
      (line) => line.includes("Filesystems sync") ? undefined : line,
    ],
    [
      "F85",
      "the firmware's storage is not put back",
      (line) => line.includes("Restoring platform NVS memory") ? undefined : line,
    ],
    [
      "F33",
      "the second processor stays",
      (line) => /CPU 1 is now offline|CPU_OFF\[1\]/.test(line) ? undefined : line,
    ],
    [
      "F39",
      "devices come up from the copy with RESTORE",
      (line) => line.replace("_resume_noirq[32]", "_resume_noirq[64]"),
    ],
    [
      "F81",
      "devices are told of no sleep",
      (line) =>
        /\[4\] (?:begin|end)|(?:hibernate|poweroff) of devices|_poweroff/.test(line)
          ? undefined
          : line,
    ],
    [
      "F34",
      "the system devices are not suspended",
      (line) =>
        /Calling \w+suspend|Calling (?:save_ioapic|acpi_save)/.test(line) ? undefined : line,
    ],
    [
      "F104",
      "a device is not reset after the restore",
      (line) => /i8042 aux 00:01: PM: (?:calling )?pnp_bus_resume/.test(line) ? undefined : line,
    ],
  ];

for (const [rule, what, change] of WRONG) {
  Deno.test(`${rule} finds it in a recording when ${what}`, () => {
    assert.ok(brokenBy(change).includes(rule), brokenBy(change).join(" "));
  });
}

Deno.test("a violation names the file and the line of the recording it was found in", () => {
  const lines = recording("shutdown.1.console.ts.log").split("\n")
    .filter((line) => !line.includes("Filesystems sync"));
  const importer = new LogImporter();
  importer.begin("console", "mine.log");
  const checker = new Checker(ALL_RULES);
  checker.begin(importedHeader(["mine.log"], ["console"], "S"));
  for (const line of lines) for (const event of importer.line(line)) checker.event(event);
  for (const event of importer.end()) checker.event(event);
  const [violation] = checker.report().rules.find(({ id }) => id === "F43")?.violations ?? [];
  assert.equal(violation?.origin?.file, "mine.log");
  assert.equal(lines[(violation?.origin?.line ?? 0) - 1], violation?.origin?.text);
  assert.match(reportText(checker.report()), /mine\.log:\d+: kernel A/);
});
