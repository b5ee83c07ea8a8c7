/**
 * Rules of the command-driven jump: its chains, its command, and the kernels that act by
 * themselves (protocol.md B.2.1 to B.2.4).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import type { Fact } from "../facts.ts";
import { hasOption, parameter, wordsOf } from "./command_line.ts";
import { plainHex } from "./hex.ts";
import { PerKernel } from "./per_kernel.ts";

/** The command that asks for an image (protocol.md A.5). */
const WRITE_IMAGE = "6b630001";
const WRITE_IMAGE_NAME = /HIBERNATE_WRITE_IMAGE$/;

/** A command word in one spelling; no command is 0. */
function commandOf(text: string | undefined): string {
  if (text === undefined || text === "" || text === "none") return "0";
  if (WRITE_IMAGE_NAME.test(text)) return WRITE_IMAGE;
  return /^(?:0x)?[0-9a-f]+$/i.test(text) ? plainHex(text) : text;
}

const CHAIN_STOPS: Rule = {
  id: "F89",
  severity: "error",
  statement: "A callback that handles the command ends the chain; a command nobody handles gets " +
    "the default actions",
  source: "protocol.md F.1 F89, B.2.1",
  systems: "V",
  kind: "matches",
  open(context) {
    // The chain a kernel is in: whether a callback has ended it.
    const chains = new PerKernel(() => ({
      name: "",
      ended: undefined as "stop" | "default" | undefined,
    }));
    const leave = (k: string) => {
      const chain = chains.known(k);
      if (chain === undefined) return;
      chains.forget(k);
      if (chain.ended === undefined) {
        context.violated(`kernel ${k}: nobody handled ${chain.name}, and no defaults were run`);
      } else context.held();
    };
    return {
      facts: {
        boot: ({ k }) => chains.forget(k),
        notifier({ k, chain, event, callback, returned }) {
          if (chain === "pm") return;
          const name = `${chain} of command ${event}`;
          if (chains.known(k)?.name !== name) leave(k);
          const state = chains.of(k);
          state.name = name;
          if (state.ended !== undefined) {
            context.violated(
              `kernel ${k}: '${callback}' is called in ${name} after ${
                state.ended === "stop" ? "it was handled" : "the defaults"
              }`,
            );
          }
          // A callback that fails ends the transition, not only the chain.
          if (returned === "error") chains.forget(k);
          else if (callback === "default") state.ended ??= "default";
          else if (returned === "stop") state.ended ??= "stop";
        },
        point_of_no_return: ({ k }) => leave(k),
        exec: ({ k }) => leave(k),
        exec_done: ({ k }) => leave(k),
      },
    };
  },
};

const SAME_COMMAND: Rule = {
  id: "F90",
  severity: "error",
  statement: "The pre chain runs in the kernel that leaves and the post chain in the one that is " +
    "entered, with the command of the jump",
  source: "protocol.md F.1 F90, B.2.1",
  systems: "V",
  kind: "matches",
  open(context) {
    const commands = new Map<string, string>();
    let entered: { readonly k: string; readonly command: string } | undefined;
    return {
      facts: {
        boot: ({ k }) => void commands.delete(k),
        exec: ({ k, command }) => void commands.set(k, commandOf(command)),
        exec_done: ({ k }) => void commands.delete(k),
        power: () => void (entered = undefined),
        jump({ from, to }) {
          const command = commands.get(from);
          entered = command === undefined ? undefined : { k: to, command };
        },
        notifier({ k, chain, event }) {
          if (chain === "pm") return;
          const command = commandOf(event);
          const wanted = chain === "pre" ? commands.get(k) : entered?.command;
          if (chain === "pre" && wanted === undefined) {
            context.violated(`kernel ${k} runs the pre chain and does not leave`);
          } else if (chain === "post" && entered !== undefined && entered.k !== k) {
            context.violated(`kernel ${k} runs the post chain, ${entered.k} was entered`);
          } else if (wanted === undefined) return;
          else if (command === wanted) context.held();
          else {
            context.violated(`kernel ${k}: the ${chain} chain gets ${event}, not 0x${wanted}`);
          }
        },
      },
    };
  },
};

const METHODS_IN_FIRST: Rule = {
  id: "F91",
  severity: "error",
  statement: "When an image is to be written, the sleep methods run in the kernel that leaves, " +
    "before the jump to the writer",
  source: "protocol.md F.1 F91, B.2.3 step 3, B.3.4 (not with acpi=off)",
  systems: "VG",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({ off: false, writes: false, prepared: false }));
    return {
      facts: {
        boot({ k, cmdline }) {
          kernels.forget(k);
          kernels.of(k).off = parameter(cmdline, "acpi") === "off";
        },
        exec({ k, command }) {
          const writes = commandOf(command) === WRITE_IMAGE;
          Object.assign(kernels.of(k), { writes, prepared: false });
        },
        exec_done: ({ k }) => void (kernels.of(k).writes = false),
        acpi({ k, method, argument }) {
          if (method?.endsWith("_PTS") && argument === 4) kernels.of(k).prepared = true;
        },
        jump({ from }) {
          const { off, writes, prepared } = kernels.of(from);
          if (!writes || off) return;
          kernels.of(from).writes = false;
          if (prepared) context.held();
          else context.violated(`kernel ${from} jumps to the writer without _PTS(4)`);
        },
      },
    };
  },
};

const BY_ITSELF: Rule = {
  id: "F92",
  severity: "error",
  statement: "A kernel booted with go_to_hibernate jumps back by itself, and one with " +
    "go_to_resume restores the image and jumps by itself",
  source: "protocol.md F.1 F92, B.2.2 step 3, B.2.4 step 2 (nobody types before the jump)",
  systems: "V",
  kind: "eventually",
  open(context) {
    const kernels = new PerKernel(() => ({ resumes: false, loaded: false, typed: false }));
    return {
      kinds: {
        deliver({ actor, type }) {
          if (type !== "console.line") return;
          const state = kernels.known(actor);
          if (state !== undefined) state.typed = true;
        },
      },
      facts: {
        boot({ k, cmdline }) {
          kernels.forget(k);
          const words = wordsOf(cmdline);
          const resumes = hasOption(words, "go_to_resume");
          if (resumes || hasOption(words, "go_to_hibernate")) kernels.of(k).resumes = resumes;
        },
        power: () => kernels.clear(),
        image({ k, op }) {
          const state = kernels.known(k);
          if (state !== undefined && op === "load") state.loaded = true;
        },
        jump({ from }: Fact<"jump">) {
          const state = kernels.known(from);
          if (state === undefined) return;
          // Only the first jump is by itself: after it the kernel has a history.
          kernels.forget(from);
          if (state.typed) context.violated(`kernel ${from} jumped only when it was told to`);
          else if (state.resumes && !state.loaded) {
            context.violated(`kernel ${from} jumps without having restored an image`);
          } else context.held();
        },
      },
    };
  },
};

/** Rules F89 to F92. */
export const COMMAND_RULES: readonly Rule[] = [
  CHAIN_STOPS,
  SAME_COMMAND,
  METHODS_IN_FIRST,
  BY_ITSELF,
];
