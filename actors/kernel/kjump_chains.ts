/**
 * The notifier chains of a command-driven jump (protocol.md B.2.1): `pre` runs in the kernel that
 * jumps, `post` in the one that is entered. A callback is a procedure that is called with
 * `{command}` and gives 0 (NOTIFY_DONE: not mine, go on), 1 (NOTIFY_STOP: handled, the chain
 * ends) or a negative errno. A command that nobody handles gets the default actions.
 *
 * An error ends the chain; what callbacks before it did is undone in reverse.
 *
 * @module
 */
import { type Kernel, numberOf } from "./kernel_context.ts";
import { commandText } from "./kjump_chains_command.ts";
import { call, done, goto, type Next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";

/** What a callback that handled the command returns. */
export const NOTIFY_STOP = 1;
/** What a callback that did not returns. */
export const NOTIFY_DONE = 0;

/** An entry of a chain. */
export interface ChainCallback {
  readonly name: string;
  /** The procedure it is. */
  readonly procedure: string;
  /** What takes back what it did, when a later one fails. */
  readonly undo?: string;
}

/** A chain: its callbacks in order, and what happens when none of them handles a command. */
export interface Chain {
  readonly callbacks: readonly ChainCallback[];
  readonly fallback: ChainCallback;
}

/** Both chains. */
export interface JumpChains {
  readonly pre: Chain;
  readonly post: Chain;
}

/** The chains of v7. */
export const JUMP_CHAINS: JumpChains = {
  pre: {
    callbacks: [
      { name: "kexec_snapshot", procedure: "kexec_snapshot" },
      { name: "kexec_prepare_resume", procedure: "kexec_prepare_resume" },
    ],
    fallback: { name: "default", procedure: "kexec_vcall_pre" },
  },
  post: {
    callbacks: [
      { name: "kexec_prepare_write_image", procedure: "kexec_prepare_write_image" },
      { name: "kexec_resume", procedure: "kexec_resume" },
    ],
    fallback: { name: "default", procedure: "kexec_vcall_post" },
  },
};

function say(
  kernel: Kernel,
  chain: "pre" | "post",
  vars: Vars,
  callback: string,
  value: number,
): void {
  kernel.fact("notifier", {
    chain,
    event: commandText(numberOf(vars["command"])),
    callback,
    returned: value < 0 ? "error" : value === NOTIFY_STOP ? "stop" : "done",
    result: Math.min(0, value),
  });
}

/** One chain as a procedure `kjump_chain_pre` or `kjump_chain_post` {command}: 0 or an errno. */
function chainProcedure(name: "pre" | "post", { callbacks, fallback }: Chain): Procedure {
  const invoke = (vars: Vars, callback: ChainCallback): Next =>
    call(callback.procedure, { command: numberOf(vars["command"]) });
  return procedure(`kjump_chain_${name}`, [
    {
      name: "each",
      run: (_kernel, vars) => {
        const callback = callbacks[numberOf(vars["index"] ?? 0)];
        return callback === undefined ? goto("default") : invoke(vars, callback);
      },
      then: (kernel, vars, answer) => {
        const index = numberOf(vars["index"] ?? 0);
        const value = numberOf(answer);
        say(kernel, name, vars, callbacks[index]?.name ?? "", value);
        if (value === NOTIFY_STOP) return done(0);
        if (value < 0) {
          vars["error"] = value;
          return goto("undo");
        }
        vars["index"] = index + 1;
        return goto("each");
      },
    },
    {
      name: "default",
      run: (_kernel, vars) => invoke(vars, fallback),
      then: (kernel, vars, answer) => {
        const value = numberOf(answer);
        say(kernel, name, vars, fallback.name, value);
        if (value >= 0) return done(0);
        vars["error"] = value;
        return goto("undo");
      },
    },
    {
      name: "undo",
      run: (_kernel, vars) => {
        const index = numberOf(vars["index"] ?? 0) - 1;
        if (index < 0) return done(numberOf(vars["error"]));
        vars["index"] = index;
        const undo = callbacks[index]?.undo;
        return undo === undefined
          ? goto("undo")
          : call(undo, { command: numberOf(vars["command"]) });
      },
      then: () => goto("undo"),
    },
  ]);
}

/** The procedures of both chains; a test makes them of chains of its own. */
export function chainProcedures(chains: JumpChains): readonly Procedure[] {
  return [chainProcedure("pre", chains.pre), chainProcedure("post", chains.post)];
}

/** Procedures of this file. */
export const KJUMP_CHAIN_PROCEDURES: readonly Procedure[] = chainProcedures(JUMP_CHAINS);
