/**
 * `export` on the command line: forms, parts, files, recordings, mistakes.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EXPORT_NAMES } from "../../machine/trace/exporters/exporters.ts";
import { main } from "../../server/terminal/main.ts";
import { cycleText } from "../machine/trace/exporters/kit.ts";
import { recording } from "../recordings.ts";
import { cli, KeptTerminal, ScratchFolder } from "./terminal_kit.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line within this process. */
async function inside(...args: string[]): Promise<Ended> {
  const terminal = new KeptTerminal();
  const code = await main(["export", ...args], terminal);
  return { code, out: terminal.printed, err: terminal.failures };
}

function refused({ code, out, err }: Ended, sentence: RegExp): void {
  strictEqual(code, 2, err);
  strictEqual(out, "");
  match(err, sentence);
  strictEqual(err.trimEnd().split("\n").length, 1);
}

Deno.test("export writes every form into a file, with the rights of its task", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText());
  const { code, out, err } = await cli("export", "pcapng", trace, "-o", scratch.file("x.pcapng"));
  strictEqual(code, 0, err);
  strictEqual(out, "");
  match(err, /^Capture of all messages for Wireshark: \d+ bytes in '.+x\.pcapng'\.\n$/);
  for (const form of EXPORT_NAMES) {
    const path = scratch.file(form);
    const told = await inside(form, trace, "--output", path);
    strictEqual(told.code, 0, told.err);
    ok(Deno.statSync(path).size > 1_000);
    match(told.err, new RegExp(`${Deno.statSync(path).size} bytes`));
  }
  deepStrictEqual(scratch.names(), [...EXPORT_NAMES, "trace.ndjson", "x.pcapng"].sort());
  strictEqual(Deno.readTextFileSync(scratch.file("ndjson")), cycleText());
});

Deno.test("export prints text where no file is named, and refuses to print a capture", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText());
  const { code, out, err } = await inside("mermaid", trace);
  strictEqual(code, 0);
  strictEqual(err, "");
  match(out, /^sequenceDiagram\n/);
  refused(await inside("pcapng", trace), /pcapng is not text; say where it goes with -o FILE/);
});

Deno.test("export takes a part by number and actor", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText());
  const seqs = ({ out }: Ended): number[] =>
    out.trimEnd().split("\n").map((line): number => JSON.parse(line).seq);
  deepStrictEqual(seqs(await inside("ndjson", trace, "--from", "3", "--to", "5")), [3, 4, 5]);
  const disk = await inside("ndjson", trace, "--actor", "disk,rtc", "--to", "40");
  deepStrictEqual(seqs(disk).slice(0, 4), [6, 7, 12, 13]);
  ok(disk.out.split("\n").every((line) => line === "" || /"(?:disk|rtc)"/.test(line)));
});

Deno.test("export refuses parts that are not there", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText());
  refused(await inside("ndjson", trace, "--from", "3737"), /there are 3737 events/);
  refused(await inside("ndjson", trace, "--from", "9", "--to", "8"), /--from 9 is behind --to 8/);
  refused(await inside("ndjson", trace, "--actor", "disc"), /no event happens at an actor 'disc'/);
});

Deno.test("export names what it cannot do: an unknown form, html, a missing file, no trace", async () => {
  using scratch = new ScratchFolder();
  refused(await inside("perfeto", "x"), /did you mean 'perfetto'\?/);
  refused(await inside("html", "x"), /made by the server; start 'deno task serve'/);
  refused(await inside("otlp"), /FORM TRACE is missing/);
  refused(await inside("otlp", scratch.file("none")), /there is no such file or folder/);
  const wrong = scratch.write("wrong", '{"v":2}\n');
  refused(await inside("otlp", wrong, "-o", scratch.file("out")), /Not a valid trace: header/);
  deepStrictEqual(scratch.names(), ["wrong"]);
});

Deno.test("export leaves no half of a file where it cannot write it", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText());
  Deno.mkdirSync(scratch.file("taken"));
  refused(await inside("otlp", trace, "-o", scratch.file("taken")), /Cannot replace '.+taken'/);
  refused(await inside("otlp", trace, "-o", scratch.file("no/x")), /no such file or folder/);
  deepStrictEqual(scratch.names(), ["taken", "trace.ndjson"]);
});

Deno.test("export gives what stands before the tear of a torn trace, and says so", async () => {
  using scratch = new ScratchFolder();
  const trace = scratch.write("trace.ndjson", cycleText().slice(0, 100_000));
  const { code, out, err } = await inside("ndjson", trace);
  strictEqual(code, 0);
  match(err, /breaks off at line \d+ \(no line feed\); what stands before it is exported/);
  ok(cycleText().startsWith(out));
  ok(out.length > 99_000);
});

Deno.test("export takes a recording of a real Linux, with the lines it was read from", async () => {
  using scratch = new ScratchFolder();
  const log = scratch.write("console.log", recording("platform.1.console.ts.log"));
  const { code, out, err } = await inside("ndjson", log);
  strictEqual(code, 0, err);
  match(err, /\d+ events out of \d+ lines\./);
  const [header = "", first = ""] = out.split("\n");
  strictEqual(JSON.parse(header).order, "observed");
  strictEqual(JSON.parse(first).origin.file, "console.log");
});

Deno.test("export marks what the rules say of the trace", async () => {
  const bad = new URL("../../fixtures/traces/bad/", import.meta.url).pathname;
  const names = [...Deno.readDirSync(bad)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ndjson")).sort();
  const { code, out } = await inside("perfetto", `${bad}${names[0] ?? ""}`);
  strictEqual(code, 0);
  match(out, /"name":"F\d+ violated"/);
});
