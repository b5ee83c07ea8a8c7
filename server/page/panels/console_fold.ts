/**
 * Consoles as they stood at a moment, folded from the trace: what was printed, what was typed,
 * when the machine lost power. Reads each event once, and parses only those that are about a
 * console. Knows no DOM.
 *
 * Promises: what is shown at a moment depends on the events up to it alone, however often and in
 * whatever order moments are asked for.
 *
 * @module
 */
import type { Summary, TraceEvent } from "../../../machine/trace/event.ts";
import type { TraceView } from "../model.ts";

/** One line of a console. */
export interface ConsoleLine {
  /** The event with which it came. */
  readonly seq: number;
  readonly text: string;
  /** `power`: what happened to the machine, not printed by anybody. */
  readonly kind: "output" | "prompt" | "power";
  /** What was typed behind a prompt. */
  readonly typed?: string;
  /** Programs that ran at a prompt of which nobody wrote down what was typed. */
  readonly ran?: readonly string[];
}

/** The console of one kernel, or of what runs before one. */
export interface KernelConsole {
  readonly name: string;
  readonly lines: readonly ConsoleLine[];
  /** Whether its prompt waits for a line. */
  readonly waits: boolean;
}

/** What an event says about a console. */
type Entry =
  | {
    readonly seq: number;
    readonly is: "printed";
    readonly by: string;
    readonly text: string;
    readonly prompt: boolean;
  }
  | { readonly seq: number; readonly is: "typed"; readonly line: string }
  | { readonly seq: number; readonly is: "asked" }
  | { readonly seq: number; readonly is: "ran"; readonly by: string; readonly text: string }
  | { readonly seq: number; readonly is: "power"; readonly text: string };

const INTERESTING: readonly string[] = [
  "console.write",
  "console.type",
  "console.call",
  "fact.tool",
  "fact.power",
  "power.cut",
];

function textOf(summary: Summary | undefined, name: string): string {
  const value = summary?.[name];
  return value === undefined ? "" : String(value);
}

function powerText({ type, summary, kind }: TraceEvent): string | undefined {
  if (type === "power.cut") return kind === "fault" ? "the power is cut" : undefined;
  switch (summary?.["op"]) {
    case "on":
      return "power on";
    case "off":
      return `power off, ${textOf(summary, "state") || "S5"}`;
    case "loss":
      return "the power is cut";
    case "reset":
    case "sleep":
    case "wake":
      return String(summary["op"]);
    default:
      return undefined;
  }
}

function entryOf(event: TraceEvent): Entry | undefined {
  const { seq, type, kind, summary } = event;
  if (type === "fact.power" || type === "power.cut") {
    const text = powerText(event);
    return text === undefined ? undefined : { seq, is: "power", text };
  }
  if (type === "fact.tool") {
    const text = `${textOf(summary, "program")} ${textOf(summary, "arguments")}`.trim();
    return { seq, is: "ran", by: textOf(summary, "k"), text };
  }
  if (kind !== "send") return undefined;
  if (type === "console.write") {
    const prompt = summary?.["prompt"] === true;
    return { seq, is: "printed", by: textOf(summary, "by"), text: textOf(summary, "text"), prompt };
  }
  if (type === "console.type") return { seq, is: "typed", line: textOf(summary, "line") };
  return type === "console.call" ? { seq, is: "asked" } : undefined;
}

/** A console that is being folded. */
interface Draft {
  readonly lines: ConsoleLine[];
  waits: boolean;
}

/** See the module's header. */
export class ConsoleFold {
  readonly #entries: Entry[] = [];
  readonly #echoes: ReadonlyMap<number, string>;
  #scanned = 0;
  #types = 0;
  #wanted: Set<number> = new Set();

  /**
   * @param echoes what was typed on this page, by the event that was the run's last when it was:
   *   a shell that evaluates lines itself leaves no whole line in the trace.
   */
  constructor(echoes: ReadonlyMap<number, string> = new Map()) {
    this.#echoes = echoes;
  }

  /** Lines that were typed on this page. */
  get echoCount(): number {
    return this.#echoes.size;
  }

  /** Reads the events that have come since. */
  read(trace: TraceView): void {
    this.#names(trace);
    for (; this.#scanned < trace.count; this.#scanned++) {
      if (!this.#wanted.has(trace.type(this.#scanned))) continue;
      const entry = entryOf(trace.event(this.#scanned));
      if (entry !== undefined) this.#entries.push(entry);
    }
  }

  /** The consoles at a moment, in order of their first line. */
  at(cursor: number): readonly KernelConsole[] {
    const drafts = new Map<string, Draft>();
    const draft = (name: string): Draft => {
      const known = drafts.get(name);
      if (known !== undefined) return known;
      const fresh = { lines: [], waits: false };
      drafts.set(name, fresh);
      return fresh;
    };
    let asking = "";
    for (const entry of this.#entries) {
      if (entry.seq > cursor) break;
      if (entry.is === "printed") {
        const { by, text, prompt, seq } = entry;
        const kind = prompt ? "prompt" : "output";
        draft(by).lines.push({ seq, text, kind });
        draft(by).waits = prompt;
        if (prompt) asking = by;
      } else if (entry.is === "power") {
        asking = "";
        for (const one of drafts.values()) cutOff(one, entry.seq, entry.text);
      } else {
        const console = drafts.get(entry.is === "ran" ? entry.by : asking);
        if (console !== undefined) this.#answer(console, entry);
      }
    }
    return [...drafts].map(([name, { lines, waits }]) => ({ name, lines, waits }));
  }

  /** How many entries stand up to a moment: equal numbers stand for equal consoles. */
  entriesAt(cursor: number): number {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#entries[middle]?.seq ?? 0) <= cursor) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #answer(console: Draft, entry: Entry): void {
    const { lines } = console;
    const index = lines.findLastIndex(({ kind }) => kind === "prompt");
    const prompt = lines[index];
    if (prompt === undefined) return;
    if (entry.is === "typed") {
      lines[index] = { ...prompt, typed: entry.line };
      console.waits = false;
    } else if (entry.is === "asked") {
      console.waits = false;
      const typed = prompt.typed ?? this.#echo(prompt.seq, entry.seq);
      if (typed !== undefined) lines[index] = { ...prompt, typed };
    } else if (entry.is === "ran" && prompt.typed === undefined && !console.waits) {
      lines[index] = { ...prompt, ran: [...prompt.ran ?? [], entry.text] };
    }
  }

  #echo(from: number, to: number): string | undefined {
    let typed: string | undefined;
    for (const [seq, text] of this.#echoes) {
      if (seq >= from && seq < to) typed = text;
    }
    return typed;
  }

  /** Message types get their numbers as they occur. */
  #names(trace: TraceView): void {
    const { types } = trace;
    if (types.length === this.#types) return;
    this.#wanted = new Set(
      INTERESTING.map((name) => types.indexOf(name)).filter((number) => number >= 0),
    );
    this.#types = types.length;
  }
}

function cutOff(console: Draft, seq: number, text: string): void {
  console.waits = false;
  const last = console.lines.at(-1);
  if (last?.kind === "power" && last.text === text) return;
  console.lines.push({ seq, text, kind: "power" });
}

/** The end of a console that is shown, and how many lines stand before. */
export function lastLines(
  { lines }: KernelConsole,
  most: number,
): { readonly lines: readonly ConsoleLine[]; readonly before: number } {
  const before = Math.max(0, lines.length - most);
  return { lines: lines.slice(before), before };
}
