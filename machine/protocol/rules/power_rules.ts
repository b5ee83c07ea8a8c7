/**
 * Rules of power: what firmware is told, and what may come of losing it (protocol.md E.6.5, G.1).
 *
 * @module
 */
import { mergeFacts } from "../../conformance/merge.ts";
import type { FactHandlers, Rule, RuleContext } from "../../conformance/rule.ts";
import { SAME_STATE } from "./cpu_rules.ts";
import { INVALIDATED_FIRST } from "./image_rules.ts";
import { SAME_MEMORY } from "./memory_rules.ts";

const NO_SLEEP_STATE: Rule = {
  id: "F87",
  severity: "error",
  statement: "A simple hibernation tells the firmware of no sleep: no _PTS(4), nothing armed to " +
    "wake, power-off by S5, and neither _WAK nor _BFS at the resume",
  source: "protocol.md F.1 F87, B.4.3 (ACPI), J 7",
  systems: "M",
  kind: "never",
  open(context) {
    const writers = new Set<string>();
    return {
      facts: {
        boot: ({ k }) => void writers.delete(k),
        image({ k, op }) {
          if (op === "begin") writers.add(k);
          else if (op === "abort") writers.delete(k);
        },
        acpi({ k, method, argument }) {
          const name = method?.replace(/^\\/, "");
          if (name === "_PTS" && argument === 4) context.violated(`kernel ${k} runs _PTS(4)`);
          else if (name === "_WAK" || name === "_BFS") context.violated(`kernel ${k} runs ${name}`);
        },
        phase({ k, device, wake_armed }) {
          if (wake_armed) context.violated(`kernel ${k} arms '${device}' to wake the machine`);
        },
        power({ op, state, k }) {
          if (op === "sleep") {
            context.violated(`the machine goes to sleep in ${state ?? "a state"}`);
          }
          if (op !== "off" || k === undefined || !writers.delete(k)) return;
          if (state === "S5") context.held();
          else context.violated(`kernel ${k} with an image turns off by ${state ?? "no state"}`);
        },
      },
    };
  },
};

/** What a rule inside a rule has counted. */
interface Part {
  readonly id: string;
  readonly facts: FactHandlers | undefined;
  held: number;
  reason: string | undefined;
}

/** Opens a rule whose verdicts are counted here instead of in a report of its own. */
function openPart(rule: Rule, context: RuleContext): Part {
  const part: { -readonly [K in keyof Part]: Part[K] } = {
    ...{ id: rule.id, facts: undefined, held: 0, reason: undefined },
  };
  const inner: RuleContext = {
    held() {
      part.held++;
    },
    violated(reason) {
      part.reason ??= reason;
    },
    bytes: (event) => context.bytes(event),
    text: (field, event) => context.text(field, event),
    get trace() {
      return context.trace;
    },
  };
  part.facts = rule.open(inner).facts;
  return part;
}

/** Why a resume is none that is whole, if so. */
function mixture(k: string, parts: readonly Part[], mixed: string | undefined): string | undefined {
  const broken = parts.find((part) => part.reason !== undefined);
  if (broken !== undefined) return `resume of kernel ${k} breaks ${broken.id}: ${broken.reason}`;
  if (mixed === undefined) return undefined;
  return `kernel ${k} resumes after another kernel used its file system '${mixed}'`;
}

const NEVER_A_MIXTURE: Rule = {
  id: "F100",
  severity: "error",
  statement:
    "After a loss of power comes an ordinary boot, or a resume with memory, CPU state and " +
    "invalidation as F23, F30 and F60 say; never a mixture",
  source: "protocol.md F.1 F100, G.1",
  systems: "*",
  kind: "eventually",
  open(context) {
    const parts = [SAME_MEMORY, SAME_STATE, INVALIDATED_FIRST].map((rule) =>
      openPart(rule, context)
    );
    // File systems of the kernels that jumped, and what others mounted since the loss.
    const mounts = new Map<string, Set<string>>();
    const touched = new Set<string>();
    // Kernels that booted since the loss: when these come back from a jump, nothing is resumed.
    const fresh = new Set<string>();
    let lost = false;
    let booted = false;
    let resumed: string | undefined;
    const away = new Set<string>();
    const judge = () => {
      if (!lost) return;
      if (resumed !== undefined) {
        const mixed = [...mounts.get(resumed) ?? []].find((fs) => touched.has(fs));
        const why = mixture(resumed, parts, mixed);
        if (why !== undefined) context.violated(why);
        else if (parts.every((part) => part.held > 0)) context.held();
      } else if (booted) context.held();
      lost = false;
    };
    const own: FactHandlers = {
      power({ op }) {
        if (op !== "on" && op !== "wake") judge();
        if (op !== "loss") return;
        lost = true;
        booted = false;
        resumed = undefined;
        touched.clear();
        fresh.clear();
        for (const part of parts) Object.assign(part, { held: 0, reason: undefined });
      },
      boot({ k }) {
        booted = true;
        fresh.add(k);
        away.delete(k);
      },
      mount({ k, fs }) {
        if (lost) touched.add(fs);
        else {
          const own = mounts.get(k);
          if (own === undefined) mounts.set(k, new Set([fs]));
          else own.add(fs);
        }
      },
      unmount: ({ k, fs }) => void mounts.get(k)?.delete(fs),
      jump({ from, to, preserve }) {
        if (away.has(to) && lost && !fresh.has(to)) resumed = to;
        away.delete(to);
        if (preserve) away.add(from);
      },
      resumed({ k }) {
        if (away.delete(k) && lost && !fresh.has(k)) resumed = k;
      },
      snapshot({ k, result }) {
        if (result === 0) away.add(k);
      },
      exec_done({ k }) {
        if (k === resumed) judge();
      },
      thaw({ k, what }) {
        // Without an exec the thaw is the last of a resume; with one only the lock comes after.
        if (k === resumed && what !== "kthreads") judge();
      },
    };
    return { facts: mergeFacts(...parts.map((part) => part.facts), own), end: judge };
  },
};

/** Rules F87 and F100. */
export const POWER_RULES: readonly Rule[] = [NO_SLEEP_STATE, NEVER_A_MIXTURE];
