/**
 * The rule of the console around a transition (protocol.md B.4.1, B.5.2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { PerKernel } from "./per_kernel.ts";

/** What a kernel has done of a transition. */
interface Transition {
  /** An exec that preserves is under way. */
  calling: boolean;
  stage: "before" | "inside" | "after";
  /** What came before the console was prepared; judged only once it is known what it was for. */
  early: string | undefined;
  /** Memory was copied since: a transition without exec. */
  copied: boolean;
  broken: boolean;
}

function newTransition(): Transition {
  return { calling: false, stage: "before", early: undefined, copied: false, broken: false };
}

const CONSOLE_OUTERMOST: Rule = {
  id: "F45",
  severity: "error",
  statement: "In a preserving exec or a hibernation the console is prepared before tasks and " +
    "devices are touched and restored after all of them",
  source: "protocol.md F.1 F45, B.4.1 steps 4 and 18, B.5.2 steps 3 and 9 (a kernel that loads " +
    "an image freezes first, B.5.7; " +
    "/dev/snapshot has no console, B.5.10)",
  systems: "VMS",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(newTransition);
    const copies = new Set<string>();
    const breach = (k: string, state: Transition, what: string) => {
      if (state.broken) return;
      state.broken = true;
      const stage = state.stage === "after" ? "after the console was restored" : "before the " +
        "console was prepared";
      context.violated(`kernel ${k}: ${what} ${stage}`);
    };
    const inside = (k: string, what: string) => {
      const state = kernels.of(k);
      if (state.stage === "inside") return;
      if (state.calling || (state.copied && state.stage === "after")) breach(k, state, what);
      else state.early ??= what;
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k, preserve, loaded }) {
          kernels.forget(k);
          kernels.of(k).calling = preserve && loaded;
        },
        console({ k, op }) {
          const state = kernels.of(k);
          if (op === "prepare") {
            // Another transition begins; what an earlier one left is of no interest.
            if (!state.calling && state.stage === "after") kernels.forget(k);
            kernels.of(k).stage = "inside";
          } else if (op === "restore") {
            state.stage = "after";
            if (state.copied && !state.broken) context.held();
          }
        },
        freeze: ({ k, what }) => inside(k, `${what} tasks are frozen`),
        thaw({ k, what }) {
          inside(k, `${what} tasks are thawed`);
          // A failed or foreign transition is over; nothing of it counts for the next one.
          const state = kernels.of(k);
          if (!state.calling && !state.copied && what !== "kthreads") kernels.forget(k);
        },
        phase({ k, device, name }) {
          if (name !== "shutdown") inside(k, `${name} of '${device}'`);
        },
        syscore: ({ k, op }) => inside(k, `${op} of the system devices`),
        resumed({ k }) {
          // Back at the copy, whoever of that name booted meanwhile.
          if (!copies.delete(k)) return;
          kernels.forget(k);
          Object.assign(kernels.of(k), { stage: "inside", copied: true });
        },
        snapshot({ k, result, user }) {
          const state = kernels.of(k);
          if (result !== 0 || state.calling) return;
          // Who hibernates through /dev/snapshot cares for the console himself.
          if (user === true) return kernels.forget(k);
          if (state.stage === "inside") copies.add(k);
          if (state.early !== undefined) breach(k, { ...state, stage: "before" }, state.early);
          else state.copied = state.stage === "inside";
        },
        exec_done({ k }) {
          const { calling, stage, broken } = kernels.of(k);
          kernels.forget(k);
          if (!calling || broken || stage === "before") return;
          if (stage === "after") context.held();
          else context.violated(`kernel ${k} did not restore its console`);
        },
      },
    };
  },
};

/** Rule F45. */
export const CONSOLE_RULES: readonly Rule[] = [CONSOLE_OUTERMOST];
