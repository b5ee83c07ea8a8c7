/**
 * The person at the machine: presses the power button, picks a line of the boot loader's menu,
 * types commands when the right prompt waits, pulls nothing out by himself. His script is part
 * of the run's inputs; when the machine does something else than the script expects, the run
 * ends and says what was seen.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, type Out, seal } from "../machine/actor.ts";
import {
  flag,
  list,
  natural,
  optional,
  type Plain,
  record,
  type Shape,
} from "../machine/messages/shape.ts";

/** One line of the script. */
export type OperatorStep =
  | { readonly do: "power_on" }
  | { readonly do: "choose"; readonly entry: string; readonly append: string }
  /** Types a line at a kernel's prompt. */
  | {
    readonly do: "type";
    readonly at: string;
    readonly line: string;
    /** If this other prompt waits instead, the run ends with that outcome. */
    readonly otherwise?: {
      readonly at: string;
      readonly outcome: string;
      /** If the boot menu comes back instead, this line of it is chosen. */
      readonly entry?: string;
    };
  }
  /** Waits for a kernel's prompt. */
  | { readonly do: "prompt"; readonly at: string }
  /** Waits for the machine to be off. */
  | { readonly do: "off" }
  /** Is away for that long. */
  | { readonly do: "away"; readonly ns: number }
  | { readonly do: "finish"; readonly outcome: string };

/** What the operator is told before the run. */
export interface OperatorConfig {
  readonly script: readonly OperatorStep[];
  /** What to do after a power cut or reset; without it the run ends there. */
  readonly recovery?: readonly OperatorStep[];
  /** Whether a reset, too, is answered with `recovery`: true unless given. */
  readonly recoversFromReset?: boolean;
  /** How long to wait for anything before giving up, virtual ns. */
  readonly patienceNs: number;
}

interface OperatorState {
  readonly patienceNs: number;
  readonly recoversFromReset: boolean;
  script: readonly OperatorStep[];
  recovery: readonly OperatorStep[] | null;
  index: number;
  /** Whose prompt waits for a line. */
  prompt: string;
  menu: boolean;
  off: boolean;
  away: boolean;
  /** The power went, and the machine has not come on since: what still comes is from before. */
  stale: boolean;
  /** What the machine said last, for the outcome. */
  said: string;
}

function expectation(step: OperatorStep | undefined): string {
  switch (step?.do) {
    case "type":
      return `prompt of ${step.at} to type '${step.line}'`;
    case "prompt":
      return `prompt of ${step.at}`;
    case "choose":
      return "boot menu";
    case "off":
      return "power off";
    default:
      return "nothing";
  }
}

function giveUp(state: OperatorState, out: Out, seen: string): OperatorState {
  const wanted = expectation(state.script[state.index]);
  const last = state.said === "" ? "" : `; last line: ${state.said}`;
  out.finish(`stuck: expected ${wanted}, saw ${seen}${last}`.slice(0, 300));
  return state;
}

/** Does what can be done now; returns whether the script went on. */
function proceed(state: OperatorState, out: Out): boolean {
  const step = state.script[state.index];
  switch (step?.do) {
    case "power_on":
      state.off = false;
      state.menu = false;
      state.prompt = "";
      out.power("on");
      return true;
    case "choose":
      if (!state.menu) return false;
      state.menu = false;
      out.send("loader", "loader.choose", { entry: step.entry, append: step.append });
      return true;
    case "type":
      if (step.otherwise !== undefined && state.prompt === step.otherwise.at) {
        out.finish(step.otherwise.outcome);
        return true;
      }
      if (state.prompt !== step.at) return false;
      state.prompt = "";
      out.send("console", "console.type", { line: step.line });
      return true;
    case "prompt":
      return state.prompt === step.at;
    case "off":
      return state.off;
    case "away":
      if (state.away) {
        state.away = false;
        return true;
      }
      out.timer("away", step.ns);
      return false;
    case "finish":
      out.finish(step.outcome);
      return false;
    case undefined:
      return false;
  }
}

function go(state: OperatorState, out: Out): OperatorState {
  while (proceed(state, out)) state.index++;
  out.timer("patience", state.patienceNs);
  return state;
}

/** Goes on with the recovery; a machine that was reset comes up without anybody's doing. */
function recover(state: OperatorState, out: Out, seen: string, off: boolean): OperatorState {
  if (state.recovery === null) return giveUp(state, out, seen);
  const first = state.recovery.findIndex((step) => step.do !== "away" && step.do !== "power_on");
  state.script = state.recovery;
  state.recovery = null;
  state.index = off ? 0 : Math.max(0, first);
  state.prompt = "";
  state.menu = false;
  state.off = off;
  state.stale = off;
  return go(state, out);
}

const STEP: Shape<OperatorStep> = {
  text: "a line of an operator's script",
  check: (value, path) =>
    typeof value === "object" && value !== null && "do" in value ? undefined : `${path} has no do`,
};

const CONFIG: Shape<OperatorConfig> = record({
  script: list(STEP),
  recovery: optional(list(STEP)),
  patienceNs: natural,
  recoversFromReset: optional(flag),
});

function isConfig(config: unknown): config is OperatorConfig {
  return CONFIG.check(config, "operator") === undefined;
}

function readConfig(config: Plain): OperatorConfig {
  if (isConfig(config)) return config;
  throw new TypeError(CONFIG.check(config, "operator"));
}

function begin(config: Plain, out: Out): OperatorState {
  const { script, recovery, patienceNs, recoversFromReset = true } = readConfig(config);
  const state: OperatorState = {
    patienceNs,
    recoversFromReset,
    script,
    recovery: recovery ?? null,
    index: 0,
    prompt: "",
    menu: false,
    off: true,
    away: false,
    stale: false,
    said: "",
  };
  return go(state, out);
}

const behaviour: Behaviour<OperatorState> = {
  kind: "operator",
  role: "operator",
  doc: "The person at the machine, following a script.",
  states: {
    attending: { handles: ["loader.menu", "console.shown", "machine.power"] },
  },
  start: begin,
  label: () => "attending",
  on: {
    "loader.menu": (state, _envelope, out) => {
      if (state.stale) return state;
      const step = state.script[state.index];
      const entry = step?.do === "type" ? step.otherwise?.entry : undefined;
      if (entry !== undefined) {
        out.send("loader", "loader.choose", { entry, append: "" });
        return state;
      }
      if (step?.do !== "choose") return giveUp(state, out, "the boot menu");
      state.menu = true;
      return go(state, out);
    },
    "console.shown": (state, { body }, out) => {
      if (!body.prompt) {
        state.said = body.text;
        return state;
      }
      if (state.stale) return state;
      state.prompt = body.by;
      const before = state.index;
      go(state, out);
      return state.index === before ? giveUp(state, out, `prompt of ${body.by}`) : state;
    },
    "machine.power": (state, { body }, out) => {
      if (body.op === "on") state.stale = false;
      if (body.op === "reset") {
        return state.recoversFromReset
          ? recover(state, out, "a reset", false)
          : giveUp(state, out, "a reset");
      }
      state.off = body.op === "off";
      if (!state.off) return state;
      const before = state.index;
      go(state, out);
      return state.index === before ? giveUp(state, out, "the machine off") : state;
    },
  },
  signal: (state, signal, out) => {
    if (signal.kind === "power_cut") return recover(state, out, "the power cut", true);
    if (signal.kind === "timer" && signal.name === "away") {
      state.away = true;
      return go(state, out);
    }
    return giveUp(state, out, "nothing");
  },
};

/** The operator's behaviour. Config: {@linkcode OperatorConfig}. */
export const operator: AnyBehaviour = seal(behaviour);
