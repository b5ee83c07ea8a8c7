/**
 * `console`: a person at a terminal sits at the machine. At a kernel's prompt he types what a root
 * shell takes; a line that begins with `#` is something he does to the machine itself.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import { EXIT, UsageError } from "../../machine/errors.ts";
import { idsWith } from "../../machine/conformance/report.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { isSettled, type LiveMachine, type Sight } from "../shell/live_machine.ts";
import { ShellError } from "../shell/shell_error.ts";
import { runShellLine } from "../shell/shell_line.ts";
import { Interrupted } from "../terminal/failure.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import type { GivenOptions } from "../terminal/options.ts";
import { OutputFolder } from "../terminal/output_folder.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { countText, timeText } from "../terminal/values.ts";
import { runLive } from "./live_run.ts";
import { parseAction, PERSON_FORMS } from "./person_words.ts";
import { plainTranscript } from "./plain_transcript.ts";
import { act, playTranscript, standingOf } from "./play.ts";
import { readTranscript } from "./run_transcripts.ts";
import type { Transcript } from "./transcript.ts";
import { transcriptHeader, transcriptSettings } from "./transcript_machine.ts";
import { parseTranscript } from "./transcript_parser.ts";

const HELP = [
  "At a prompt type what a root shell takes. To the machine itself, each behind a '#':",
  ...PERSON_FORMS.map((form) => `  # ${form}`),
  "  # trace on | trace off     every event as it happens",
  "  # help",
  "  # quit                     (or Ctrl-D)",
];

/** Where typed lines come from: `null` at the end. */
export interface LineSource {
  /** Whether a person sees what he types. */
  readonly echoes: boolean;
  next(): Promise<string | null>;
}

/** Lines of a stream; a promise that rejects ends the waiting. */
export function lineSource(
  stream: ReadableStream<Uint8Array>,
  echoes: boolean,
  stopped: Promise<never>,
): LineSource & { close(): Promise<void> } {
  const reader = stream.pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<
      string,
      Uint8Array
    >,
  ).pipeThrough(new TextLineStream()).getReader();
  return {
    echoes,
    next: async () => {
      const { value, done } = await Promise.race([reader.read(), stopped]);
      return done ? null : value;
    },
    close: () => reader.cancel().catch(() => {}),
  };
}

function eventText(event: TraceEvent): string {
  const about = event.summary === undefined ? "" : ` ${JSON.stringify(event.summary)}`;
  const way = event.source === undefined ? event.actor : `${event.source}→${event.target ?? ""}`;
  const text = `${event.seq} ${timeText(event.vt)} ${event.kind} ${way} ${
    event.type ?? ""
  }${about}`;
  return `  | ${text.slice(0, 160)}\n`;
}

/** A person's session. */
class Session {
  readonly #machine: LiveMachine;
  readonly #terminal: Terminal;
  readonly #setTrace: (on: boolean) => void;

  constructor(machine: LiveMachine, terminal: Terminal, setTrace: (on: boolean) => void) {
    this.#machine = machine;
    this.#terminal = terminal;
    this.#setTrace = setTrace;
  }

  /** What stands before the line that is typed. */
  get prompt(): string {
    const { view } = this.#machine;
    return view.prompt === "" ? "# " : `${view.prompt}$ `;
  }

  show(sight?: Sight): void {
    const { view } = this.#machine;
    for (const { text } of this.#machine.takeLines()) this.#terminal.out(`${text}\n`);
    if (view.prompt === "" && sight !== undefined) this.#terminal.out(`(${standingOf(view)})\n`);
    if (sight?.halt === "flooded") this.#terminal.out("(it prints without end)\n");
    if (sight?.halt === "endless") this.#terminal.out("(it runs on and on without a prompt)\n");
  }

  /** Does a line; returns whether the session goes on. */
  async line(typed: string): Promise<boolean> {
    const text = typed.trim();
    if (text === "") return true;
    const { view } = this.#machine;
    if (view.prompt !== "" && !text.startsWith("#")) {
      await this.#shell(text);
      return true;
    }
    return await this.#action(text.replace(/^#\s*/, ""));
  }

  async #shell(text: string): Promise<void> {
    try {
      this.show(await runShellLine(this.#machine, text));
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      this.#terminal.out(`${error.message}\n`);
      // The kernel's shell still waits for the rest of the line, unless the kernel is away.
      if (!isSettled(this.#machine.view)) {
        this.#machine.do({ do: "type", line: "" });
        this.show(await this.#machine.until(isSettled));
      }
    }
  }

  async #action(text: string): Promise<boolean> {
    if (text === "quit" || text === "exit") return false;
    if (text === "help") this.#terminal.out(`${HELP.join("\n")}\n`);
    else if (text === "trace on" || text === "trace off") this.#setTrace(text === "trace on");
    else {
      try {
        const action = parseAction(text);
        if (action === undefined) throw new UsageError(`There are: ${PERSON_FORMS.join("; ")}`);
        const { off } = this.#machine.view;
        if (action.do === "power on" ? !off : off && action.do !== "away") {
          throw new UsageError(off ? "The machine is off" : "The machine is on already");
        }
        this.show(await act(this.#machine, action));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        this.#terminal.out(`${error.message}\n`);
      }
    }
    return true;
  }
}

/** Lets a person type until he has enough; the outcome. */
export async function converse(
  machine: LiveMachine,
  lines: LineSource,
  terminal: Terminal,
  setTrace: (on: boolean) => void,
): Promise<string> {
  const session = new Session(machine, terminal, setTrace);
  terminal.out(`(${standingOf(machine.view)}; '# help' says what there is to do)\n`);
  for (;;) {
    terminal.out(session.prompt);
    const line = await lines.next();
    if (line === null) {
      terminal.out("\n");
      return "left";
    }
    if (!lines.echoes) terminal.out(`${line}\n`);
    if (!await session.line(line)) return "left";
  }
}

/** A promise that rejects when the user presses Ctrl-C. */
function interruption(): { readonly promise: Promise<never>; readonly end: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new Interrupted("Stopped"));
  promise.catch(() => {});
  Deno.addSignalListener("SIGINT", stop);
  return { promise, end: () => Deno.removeSignalListener("SIGINT", stop) };
}

/** A machine for a person who names no scenario. */
function plainMachine(options: GivenOptions): Transcript {
  const text = plainTranscript({
    kernel: options.text("kernel-profile"),
    memory: options.typed("memory") ? `${(options.number("memory") ?? 0) / 1_048_576}M` : undefined,
    cpus: options.typed("cpus") ? String(options.number("cpus")) : undefined,
    hardware: options.text("profile"),
    seed: String(options.number("seed") ?? 1),
    layout: options.text("layout"),
  });
  return { ...parseTranscript("console", text), steps: [] };
}

/** Runs `console`. */
export async function runConsole(options: GivenOptions, terminal: Terminal): Promise<number> {
  const [file] = options.rest;
  const transcript = file === undefined ? plainMachine(options) : readTranscript(file);
  using folder = new OutputFolder(options.text("out") ?? "out/console");
  using interrupts = new Interrupts();
  const interrupted = interruption();
  const lines = lineSource(Deno.stdin.readable, Deno.stdin.isTerminal(), interrupted.promise);
  let traces = options.flag("trace");
  try {
    const end = await runLive({
      settings: transcriptSettings(transcript.machine),
      header: (plan) => transcriptHeader(transcript, plan),
      transport: options.text("transport") === "worker" ? "worker" : "inline",
      folder,
      interrupts,
      watch: (event) => {
        if (traces) terminal.out(eventText(event));
      },
    }, async (machine) => {
      try {
        if (options.flag("play")) await play(transcript, machine, terminal);
        const outcome = await converse(machine, lines, terminal, (on) => {
          traces = on;
        });
        return { value: undefined, outcome };
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        return { value: undefined, outcome: "stopped" };
      }
    });
    const { report, footer, trace } = end;
    const broken = idsWith(report, "violated");
    const rules = broken.length === 0 ? "no rule broken" : `rules broken: ${broken.join(", ")}`;
    terminal.out(`${countText(footer.count)} events in '${trace}'; ${rules}\n`);
    return broken.length === 0 ? EXIT.ok : EXIT.broken;
  } finally {
    interrupted.end();
    await lines.close();
  }
}

async function play(
  transcript: Transcript,
  machine: LiveMachine,
  terminal: Terminal,
): Promise<void> {
  const parting = await playTranscript(transcript, machine, ({ step, printed }) => {
    const prompt = step.kernel === "" ? "#" : `${step.kernel}$`;
    terminal.out(`${[`${prompt} ${step.text}`, ...printed].join("\n")}\n`);
  });
  if (parting !== undefined) {
    terminal.out(`(line ${parting.line}: ${parting.message})\n`);
  }
}
