/**
 * `check` of recordings that somebody else made: of any length, damaged in the ways logs are, and
 * of files that are none at all.
 */
import assert from "node:assert/strict";
import { NO_BLOBS } from "../../machine/trace/blobs.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import { idsWith } from "../../machine/conformance/report.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { kindOfLog, LogImporter } from "../../machine/trace/importers/import_log.ts";
import { SystemsSeen } from "../../machine/trace/importers/systems_seen.ts";
import { importedHeader } from "../../server/terminal/log_input.ts";
import { main } from "../../server/terminal/main.ts";
import { recording, recordingNames } from "../recordings.ts";
import { cliCommand, KeptTerminal, ScratchFolder } from "./terminal_kit.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MIB = 0x10_0000;
/** What the log has; and what V8 may keep, of which the laboratory's code is a part. */
const LOG_BYTES = 40 * MIB;
const LINE_BYTES = 30 * MIB;
const HEAP_MIB = 48;

async function check(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = new KeptTerminal();
  const code = await main(["check", ...args], terminal);
  return { code, out: terminal.printed, err: terminal.failures };
}

/** Writes cycles of swsusp until there are so many bytes, every second one damaged. */
function writeLongLog(path: string): { lines: number; cycles: number } {
  using file = Deno.openSync(path, { write: true, create: true });
  const encoder = new TextEncoder();
  const cycle = ["platform.1.console.ts.log", "platform.2.console.ts.log"].map(recording).join(
    "\n",
  );
  const lines = cycle.split("\n");
  const gap = Math.floor(lines.length / 3);
  const damaged = [...lines.slice(0, gap), ...lines.slice(gap + 900)]
    .map((line, index) => index % 3 === 0 ? `${line.trimEnd()}\r` : line)
    // Where two consoles run into each other, their lines do.
    .map((line, index) => index % 50 === 0 ? `A$ echo ${line}` : line).join("\n");
  let written = 0;
  let count = 0;
  let cycles = 0;
  for (; written < LOG_BYTES; cycles++) {
    const bytes = encoder.encode(cycles % 2 === 0 ? cycle : damaged);
    file.writeSync(bytes);
    written += bytes.length;
    count += (cycles % 2 === 0 ? cycle : damaged).split("\n").length - 1;
    if (cycles !== 3) continue;
    const noise = new Uint8Array(MIB).fill(0x80 + 0x2a);
    for (let part = 0; part < LINE_BYTES; part += MIB) file.writeSync(noise);
  }
  // The recorder was ladders off in the middle of a line, in the middle of a character.
  file.writeSync(encoder.encode(lines.slice(0, 700).join("\n")));
  file.writeSync(Uint8Array.of(0xe2, 0x80));
  return { lines: count + 699, cycles };
}

Deno.test("check reads a log of 70 MiB with a heap of 48, one line of it 30 MiB long", async () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("long.log");
  const { lines, cycles } = writeLongLog(path);
  assert.ok(Deno.statSync(path).size > LOG_BYTES + LINE_BYTES);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--no-lock", "--no-check", "--allow-read"],
      `--v8-flags=--max-old-space-size=${HEAP_MIB}`,
      ...[`${ROOT}cli.ts`, "check", path],
    ],
    stdin: "null",
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, `${out}${error}`);
  const [, events, seen] = /: (\d+) events out of (\d+) lines/.exec(error ?? "") ?? [];
  assert.equal(Number(seen), lines + 1);
  assert.ok(Number(events) > 1000 * cycles, events ?? "");
  assert.match(out ?? "", /\d+ rules over \d+ events: [1-9]\d* held, 0 violated, /);
});

/** Rules that are broken in a log. */
function brokenIn(name: string, lines: readonly string[]): string[] {
  const kind = kindOfLog(lines.slice(0, 400)) ?? "console";
  const importer = new LogImporter();
  importer.begin(kind, name);
  const events: TraceEvent[] = [...lines.flatMap((line) => importer.line(line))];
  events.push(...importer.end());
  const seen = new SystemsSeen();
  for (const event of events) seen.event(event);
  const checker = new Checker(ALL_RULES, { blobs: NO_BLOBS });
  checker.begin(importedHeader([name], [kind], seen.letters));
  for (const event of events) checker.event(event);
  checker.finishTrace({ count: events.length, sha256: "", outcome: "imported", generator: "" });
  return idsWith(checker.report(), "violated");
}

const CONSOLES = recordingNames().filter((name) => name.includes("console"));

Deno.test("check finds nothing wrong in one session's log alone, or in its beginning", () => {
  for (const name of CONSOLES) {
    const lines = recording(name).split("\n");
    for (let part = 1; part <= 24; part++) {
      const some = lines.slice(0, Math.floor(lines.length * part / 24));
      assert.deepEqual(brokenIn(name, some), [], `${name} to line ${some.length}`);
    }
  }
});

Deno.test("check finds nothing wrong in a log that lost lines, but where these were a ladder's", () => {
  // What is lost of a ladder (sync, freezing, phases, copy) looks like a kernel that left it out.
  let logs = 0;
  let odd = 0;
  for (const name of CONSOLES) {
    const lines = recording(name).split("\n");
    const hole = Math.floor(lines.length / 15);
    for (let part = 1; part <= 12; part++) {
      const at = Math.floor(lines.length * part / 13);
      for (const some of [lines.slice(at), [...lines.slice(0, at), ...lines.slice(at + hole)]]) {
        logs++;
        if (brokenIn(name, some).length > 0) odd++;
      }
    }
  }
  assert.ok(logs > 300 && odd < logs / 15, `${odd} of ${logs}`);
});

Deno.test("check reads CR LF and consoles that ran into each other like the log they were", async () => {
  using scratch = new ScratchFolder();
  const text = recording("shutdown.1.console.ts.log");
  const plain = scratch.write("plain.log", text);
  const dos = scratch.write("dos.log", text.replaceAll(/\r?\n/g, "\r\n"));
  const [one, other] = [await check(plain), await check(dos)];
  assert.deepEqual([one.code, other.code], [0, 0]);
  const report = (out: string) => out.replaceAll(/plain\.log|dos\.log|run [0-9a-f]+/g, "");
  assert.equal(report(other.out), report(one.out));
});

Deno.test("check says what a file is not, in one sentence with its name", async () => {
  using scratch = new ScratchFolder();
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919 + index) & 0xff);
  const cases: [string, RegExp][] = [
    [scratch.write("empty.log", ""), /'.*empty\.log' is empty/],
    [scratch.write("binary", bytes), /'.*binary' is neither a trace nor a recording: /],
    [scratch.path, /Cannot read '.*': it is a folder/],
    [scratch.file("missing.log"), /Cannot read '.*missing\.log': there is no such file/],
    [scratch.write("prose.txt", "Dear all,\nit hangs.\n"), /'.*prose\.txt' is neither a trace/],
    [
      scratch.write("boring.log", "[    0.000000] Linux version 6.1\n[    1.000000] usb 1-1: x\n"),
      /No line of '.*boring\.log' tells of hibernation, suspend or kexec/,
    ],
    [scratch.write("torn.json", '{"v":1,'), /'.*torn\.json': Not a valid trace: .*\(at line 1\)/],
    [
      scratch.write("long.json", `{"v":"${"x".repeat(3 * MIB)}`),
      /'.*long\.json': Not a valid trace: .*over the limit 'traceLineBytes' .*\(at line 1\)/,
    ],
  ];
  for (const [path, sentence] of cases) {
    const { code, out, err } = await check(path);
    assert.equal(code, 2, `${path}: ${out}${err}`);
    assert.match(err, sentence);
    assert.equal(err.trimEnd().split("\n").length, 1, err);
    assert.equal(out, "");
  }
});

Deno.test("check ends with 1 where a real kernel broke a rule, and names file and line", async () => {
  using scratch = new ScratchFolder();
  const text = recording("shutdown.1.console.ts.log");
  const lines = text.split("\n");
  const threads = lines.findIndex((line) => line.includes("freezable tasks completed"));
  const users = lines.findIndex((line) => line.includes("space processes completed"));
  assert.ok(users >= 0 && users < threads);
  // A kernel that froze its threads first.
  const wrong = [...lines];
  [wrong[users], wrong[threads]] = [lines[threads] ?? "", lines[users] ?? ""];
  const path = scratch.write("wrong.log", wrong.join("\n"));
  const { code, out } = await check(path);
  assert.equal(code, 1, out);
  assert.match(out, /^F42 +VIOLATED/m);
  assert.match(out, /kernel A freezes its threads before its users' tasks/);
  const process = await cliCommand(["check", path]).output();
  assert.equal(process.code, 1);
});
