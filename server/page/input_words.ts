/**
 * What a person does at a live machine, in words: such an event is nobody's fault. Its summary has
 * the beginning of what he was told, as JSON, which may be cut off.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import { span } from "./values.ts";

/** The fields of an input that the words are made of. */
const FIELD =
  /"(do|entry|append|line|path|to|argv|ns|outcome)":("(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|\d+)/g;

/** Whether an event is something that a person does at a live machine. */
export function isInput({ kind, type }: Pick<TraceEvent, "kind" | "type">): boolean {
  return kind === "signal" && type === "input";
}

/** Words of an event that is an input: `types: ls -l`, `power on`, `boot A`. */
export function inputWords({ summary }: Pick<TraceEvent, "summary">): string {
  const text = summary?.["text"];
  if (typeof text !== "string") return "does something";
  const fields: Map<string, string> = new Map();
  let way = "";
  for (const [, name = "", value = ""] of text.matchAll(FIELD)) {
    // Of a call, what is asked of the shell stands behind that it is one.
    if (name === "do") way = `${way === "" ? "" : `${way} `}${plain(value)}`;
    else fields.set(name, plain(value));
  }
  return wordsOf(way, (name) => fields.get(name) ?? "…");
}

function wordsOf(way: string, field: (name: string) => string): string {
  switch (way) {
    case "power_on":
      return "power on";
    case "reset":
      return "press reset";
    case "choose": {
      const append = field("append");
      return `boot ${field("entry")}${/^…?$/.test(append) ? "" : ` with ${append}`}`;
    }
    case "type":
      return `types: ${field("line")}`;
    case "away":
      return `is away for ${/^\d+$/.test(field("ns")) ? span(Number(field("ns"))) : "a while"}`;
    case "finish":
      return `ends the run: ${field("outcome")}`;
    default:
      return callWords(way.replace(/^call ?/, ""), field);
  }
}

/** What his terminal program asks the shell behind the prompt. */
function callWords(way: string, field: (name: string) => string): string {
  switch (way) {
    case "exec":
      return `types: ${field("argv")}`;
    case "begin":
      return "begins a line";
    case "end":
      return "ends the line";
    case "leave":
      return field("argv") === "…" ? "leaves the line to a program" : `runs: ${field("argv")}`;
    case "rename":
      return `renames a file to ${field("to")}`;
    case "":
      return "does something";
    default:
      return `has the shell ${way.replaceAll("_", " ")} ${field("path")}`;
  }
}

/** A value as it is read: a text, a list of words, a number; what was cut off ends with `…`. */
function plain(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.join(" ") : String(value);
  } catch {
    return json.replaceAll(/[[\]"\\]/g, "").replaceAll(",", " ");
  }
}
