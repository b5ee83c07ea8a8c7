/**
 * Text of the kernel's tracer: power events (`suspend_resume`, `device_pm_callback_*`) and calls
 * of the functions that make up a transition.
 *
 * @module
 */
import type { Observation } from "./observation.ts";

/** task-pid [cpu] flags time: what */
const LINE =
  /^\s*(?<task>.+)-(?<pid>\d+)\s+\[(?<cpu>\d+)\]\s+\S+\s+(?<time>\d+\.\d+): (?<what>.*)$/;
const SUSPEND_RESUME = /^suspend_resume: (?<action>[^[]+)\[(?<val>-?\d+)\] (?<edge>begin|end)$/;
const CALLBACK_START = new RegExp(
  "^device_pm_callback_start: (?<driver>\\S*) (?<device>.+), parent: (?<parent>\\S+), " +
    "(?<subsystem>.*)\\[(?<verb>\\w+)\\]$",
);
const CALLBACK_END = /^device_pm_callback_end: (?<driver>\S*) (?<device>.+), err=(?<ret>-?\d+)$/;
const CALL = /^(?<fn>[\w.]+) <-(?<caller>[\w.]+)$/;

const KINDS: readonly { readonly event: string; readonly pattern: RegExp }[] = [
  { event: "trace_suspend_resume", pattern: SUSPEND_RESUME },
  { event: "trace_callback_start", pattern: CALLBACK_START },
  { event: "trace_callback_end", pattern: CALLBACK_END },
  { event: "function_call", pattern: CALL },
];

/** Reads one file's lines. */
export class FtraceLog {
  readonly #file: string;
  #line = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** What a line says; comments and other tracers' lines say nothing. */
  line(raw: string): Observation[] {
    this.#line++;
    const text = raw.replace(/[\r\n]+$/, "");
    if (text.startsWith("#") || text === "") return [];
    const line = LINE.exec(text)?.groups;
    const what = line?.["what"];
    if (line === undefined || what === undefined) return [];
    for (const { event, pattern } of KINDS) {
      const groups = pattern.exec(what)?.groups;
      if (groups === undefined) continue;
      const detail: Record<string, string> = {};
      for (const [name, value] of Object.entries(groups)) {
        if (value !== undefined) detail[name] = value.trim();
      }
      detail["task"] = `${line["task"]}-${line["pid"]}`;
      return [{
        event,
        by: "kernel",
        detail,
        kernelSeconds: Number(line["time"]),
        origin: { file: this.#file, line: this.#line, text },
      }];
    }
    return [];
  }
}
