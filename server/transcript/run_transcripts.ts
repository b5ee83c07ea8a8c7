/**
 * `hibernate SCENARIO.md …`: runs transcripts, one machine each, and says of each whether it went
 * as it stands there and whether the rules of its system hold.
 *
 * @module
 */
import { EXIT, UsageError } from "../../machine/errors.ts";
import { idsWith, type Report } from "../../machine/conformance/report.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import { nearest } from "../terminal/nearest.ts";
import type { GivenOptions } from "../terminal/options.ts";
import { onHost, OutputFolder } from "../terminal/output_folder.ts";
import { Progress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { countText, timeText } from "../terminal/values.ts";
import { type LiveEnd, runLive } from "./live_run.ts";
import { type Parting, playTranscript } from "./play.ts";
import type { Transcript } from "./transcript.ts";
import { transcriptHeader, transcriptName, transcriptSettings } from "./transcript_machine.ts";
import { parseTranscript } from "./transcript_parser.ts";

/** What a transcript came to. */
export interface TranscriptResult {
  readonly file: string;
  readonly title: string;
  readonly ok: boolean;
  /** Where it parts from what happened. */
  readonly parting?: Parting;
  /** Rules that were broken and may not be, or should have been and were not. */
  readonly ruleFaults: readonly string[];
  readonly held: number;
  readonly broken: readonly string[];
  readonly commands: number;
  readonly events: number;
  readonly sha256: string;
  readonly virtualNs: number;
  readonly trace: string;
}

/** Options that go with a transcript; all others describe a machine, and that is in its block. */
const OPTIONS = ["transport", "out", "json", "quiet", "stack", "system"];

/** The house's own scenarios, wherever the command is run. */
const OWN_SCENARIOS = new URL("../../fixtures/scenarios/", import.meta.url);

/** A file as it was named; a bare name of one of the house's scenarios means that one. */
function scenarioFile(name: string): string {
  if (name === "-" || name.includes("/") || name.endsWith(".md")) return name;
  const names = [...Deno.readDirSync(OWN_SCENARIOS)].map((entry) =>
    entry.name.replace(/\.md$/, "")
  );
  if (names.includes(name)) return new URL(`${name}.md`, OWN_SCENARIOS).pathname;
  const near = nearest(name, names);
  throw new UsageError(
    `There is no scenario '${name}'; ` +
      (near === undefined ? "" : `did you mean '${near}'? `) +
      "'deno task scenarios' lists them, and a file of yours is named with its '.md'",
  );
}

function readText(file: string): string {
  if (file !== "-") return onHost(file, "read", () => Deno.readTextFileSync(file));
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = Deno.stdin.readSync(buffer);
    if (count === null) break;
    parts.push(buffer.slice(0, count));
  }
  return new TextDecoder().decode(new Uint8Array(parts.flatMap((part) => [...part])));
}

/** Reads a transcript from a file, or from standard input where its name is `-`. */
export function readTranscript(file: string): Transcript {
  return parseTranscript(file === "-" ? "(standard input)" : file, readText(file));
}

/** What is wrong about the rules: broken ones that the transcript does not announce, and others. */
export function ruleFaultsOf(report: Report, breaks: readonly string[]): string[] {
  const broken = idsWith(report, "violated");
  const first = (id: string): string => {
    const violation = report.rules.find((rule) => rule.id === id)?.violations[0];
    return violation === undefined ? "" : `: ${violation.reason} (seq ${violation.seq})`;
  };
  return [
    ...broken.filter((id) => !breaks.includes(id)).map((id) => `${id} is broken${first(id)}`),
    ...breaks.filter((id) => !broken.includes(id)).map((id) =>
      `${id} should be broken, as the machine block says, and is not`
    ),
  ];
}

function resultOf(transcript: Transcript, end: LiveEnd<Parting | undefined>): TranscriptResult {
  const { value: parting, report, footer, vt, trace } = end;
  const ruleFaults = ruleFaultsOf(report, transcript.machine.breaks);
  return {
    file: transcript.file,
    title: transcript.title,
    ok: parting === undefined && ruleFaults.length === 0,
    ...(parting === undefined ? {} : { parting }),
    ruleFaults,
    held: idsWith(report, "held").length,
    broken: idsWith(report, "violated"),
    commands: transcript.steps.length,
    events: footer.count,
    sha256: footer.sha256,
    virtualNs: vt,
    trace,
  };
}

/** What is printed about one. */
export function resultText(result: TranscriptResult): string {
  const { file, parting, ruleFaults } = result;
  const lines = [
    `${result.ok ? "ok  " : "FAIL"}  ${file}: ${result.title}`,
    `      ${result.commands} commands, ${countText(result.events)} events, ` +
    `${timeText(result.virtualNs)} of the machine's; ${result.held} rules held` +
    (result.broken.length === 0 ? "" : `, broken: ${result.broken.join(", ")}`),
  ];
  if (parting !== undefined) {
    lines.push(`      ${file}:${parting.line}: ${parting.message} (seq ${parting.seq})`);
    lines.push(...parting.details.map((line) => `      ${line}`));
  }
  lines.push(...ruleFaults.map((fault) => `      ${fault}`));
  if (!result.ok) lines.push(`      the trace is in '${result.trace}'`);
  return `${lines.join("\n")}\n`;
}

function checkOptions(options: GivenOptions, names: readonly string[]): void {
  const odd = names.find((name) => options.typed(name) && !OPTIONS.includes(name));
  if (odd === undefined) return;
  throw new UsageError(
    `hibernate: --${odd} does not go with a transcript: what its machine is stands in its ` +
      "block 'machine'",
  );
}

/** Runs those that stand behind `hibernate`, and gives the exit code. */
export async function runTranscripts(
  options: GivenOptions,
  optionNames: readonly string[],
  terminal: Terminal,
  files: readonly string[] = options.rest,
): Promise<number> {
  checkOptions(options, optionNames);
  const transcripts = files.map((name) => readTranscript(scenarioFile(name)));
  const progress = new Progress(terminal, options.flag("quiet"));
  const results: TranscriptResult[] = [];
  using interrupts = new Interrupts();
  for (const transcript of transcripts) {
    const out = options.text("out") ?? "out";
    const name = transcriptName(transcript.file);
    using folder = new OutputFolder(transcripts.length === 1 ? out : `${out}/${name}`);
    progress.say(`running ${transcript.file}`);
    const end = await runLive({
      settings: transcriptSettings(transcript.machine),
      header: (plan) => transcriptHeader(transcript, plan),
      transport: options.text("transport") === "inline" ? "inline" : "worker",
      folder,
      interrupts,
    }, async (machine) => {
      const value = await playTranscript(transcript, machine, ({ step }) => {
        const prompt = step.kernel === "" ? "#" : `${step.kernel}$`;
        progress.say(`${transcript.file}:${step.line}: ${prompt} ${step.text}`);
      });
      return { value, outcome: value === undefined ? "finished" : "parted" };
    });
    const result = resultOf(transcript, end);
    results.push(result);
    progress.done();
    if (!options.flag("json")) terminal.out(resultText(result));
  }
  const ok = results.every((result) => result.ok);
  if (options.flag("json")) {
    terminal.out(`${JSON.stringify({ ok, exitCode: ok ? 0 : 1, results }, null, 2)}\n`);
  }
  return ok ? EXIT.ok : EXIT.broken;
}
