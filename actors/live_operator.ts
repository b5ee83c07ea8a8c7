/**
 * The person at the machine of a live run: has no script, does what the host tells him by inputs
 * (`Scheduler.input`), and notes what he sees for the host to look at. What he was told is part of
 * the run's choices, so that a replay needs no host.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, type Out, seal } from "../machine/actor.ts";
import type { Plain } from "../machine/messages/shape.ts";

/** What the person can be told to do. */
export type LiveInput =
  | { readonly do: "power_on" }
  | { readonly do: "reset" }
  | { readonly do: "choose"; readonly entry: string; readonly append: string }
  /** Types a line at the prompt that waits. */
  | { readonly do: "type"; readonly line: string }
  /** Has his terminal program ask the shell behind the prompt. */
  | { readonly do: "call"; readonly id: number; readonly call: Plain }
  /** Does nothing for that long. */
  | { readonly do: "away"; readonly ns: number }
  | { readonly do: "finish"; readonly outcome: string };

/** A line that was shown. */
export interface ShownLine {
  readonly by: string;
  readonly text: string;
}

/** Most lines he remembers of what was shown since his last input. */
export const SHOWN_LINES_MAX = 20_000;

/** What he sees: the state of the actor. */
export interface LiveOperatorState {
  /** Entries of the boot menu that waits; none waits if there are none. */
  menu: readonly string[];
  /** Whose prompt waits for a line; empty for nobody's. */
  prompt: string;
  off: boolean;
  /** Whether he is back from being away. */
  back: boolean;
  /** How often the machine lost power or was switched off or reset. */
  ends: number;
  /** Prompts that were shown so far. */
  prompts: number;
  answer: { readonly id: number; readonly by: string; readonly value: Plain } | null;
  /** Lines since his last input. */
  shown: ShownLine[];
  /** Lines that came when he remembered too many. */
  lost: number;
}

function begin(): LiveOperatorState {
  return {
    menu: [],
    prompt: "",
    off: true,
    back: true,
    ends: 0,
    prompts: 0,
    answer: null,
    shown: [],
    lost: 0,
  };
}

function isInput(value: unknown): value is LiveInput {
  return typeof value === "object" && value !== null && "do" in value;
}

function readInput(text: string): LiveInput {
  const value: unknown = JSON.parse(text);
  if (!isInput(value)) throw new TypeError(`No input of a person: ${text.slice(0, 60)}`);
  return value;
}

function powerless(state: LiveOperatorState, off: boolean): LiveOperatorState {
  return { ...state, menu: [], prompt: "", answer: null, off, ends: state.ends + 1 };
}

function act(before: LiveOperatorState, input: LiveInput, out: Out): LiveOperatorState {
  const state = { ...before, shown: [], lost: 0 };
  switch (input.do) {
    case "power_on":
      out.power("on");
      return { ...state, off: false };
    case "reset":
      out.power("reset");
      return powerless(state, false);
    case "choose":
      out.send("loader", "loader.choose", { entry: input.entry, append: input.append });
      return { ...state, menu: [] };
    case "type":
      out.send("console", "console.type", { line: input.line });
      return { ...state, prompt: "" };
    case "call":
      out.send("console", "console.call", { id: input.id, call: input.call });
      return { ...state, prompt: "", answer: null };
    case "away":
      out.timer("away", input.ns);
      return { ...state, back: false };
    case "finish":
      out.finish(input.outcome);
      return state;
  }
}

const behaviour: Behaviour<LiveOperatorState> = {
  kind: "live_operator",
  role: "operator",
  doc: "The person at the machine, doing what a host tells.",
  states: {
    attending: {
      handles: ["loader.menu", "console.shown", "console.answer", "machine.power"],
    },
  },
  start: begin,
  label: () => "attending",
  on: {
    // What was under way to him when the power went waits for nobody any more.
    "loader.menu": (state, { body }) => state.off ? state : { ...state, menu: body.entries },
    "console.shown": (state, { body }) => {
      const prompt = state.off ? "" : body.by;
      if (body.prompt) return { ...state, prompt, prompts: state.prompts + 1 };
      if (state.shown.length >= SHOWN_LINES_MAX) return { ...state, lost: state.lost + 1 };
      state.shown.push({ by: body.by, text: body.text });
      return state;
    },
    "console.answer": (state, { body }) => ({ ...state, answer: body }),
    "machine.power": (state, { body }) =>
      body.op === "on" ? { ...state, off: false } : powerless(state, body.op === "off"),
  },
  signal: (state, signal, out) => {
    if (signal.kind === "power_cut") return powerless(state, true);
    if (signal.kind === "input") return act(state, readInput(signal.text), out);
    return signal.kind === "timer" ? { ...state, back: true } : state;
  },
};

/** The behaviour `live_operator`. */
export const liveOperator: AnyBehaviour = seal(behaviour);
