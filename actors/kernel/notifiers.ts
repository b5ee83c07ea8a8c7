/**
 * The power-management notifier chain (protocol.md B.5.2 step 3): callbacks that are told before
 * a transition and after it. A robust call tells those that were told already the opposite event
 * when a later one refuses.
 *
 * `pm_notifier_error_inject=EVENT:ERRNO` on the command line registers, last in the chain, the
 * callback that real kernels have for testing: it refuses that event with that errno.
 *
 * @module
 */
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { done, goto, type Next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";

/** Events by name, with their numbers. */
export const PM_EVENT = {
  PM_HIBERNATION_PREPARE: 1,
  PM_POST_HIBERNATION: 2,
  PM_SUSPEND_PREPARE: 3,
  PM_POST_SUSPEND: 4,
  PM_RESTORE_PREPARE: 5,
  PM_POST_RESTORE: 6,
} as const;

/** An event of the chain. */
export type PmEvent = keyof typeof PM_EVENT;

/** Who is on the chain of every kernel, by priority. */
const CALLBACKS = ["bsp_pm", "thermal", "cpu_hotplug", "memory_bitmap"] as const;
const INJECTOR = "pm-notifier-error-inject";

/** The refusal that the command line asks for. */
function injected(kernel: Kernel): { readonly event: string; readonly errno: number } | undefined {
  const found = /(?:^| )pm_notifier_error_inject=(PM_[A-Z_]+):-?(\d+)(?: |$)/.exec(
    kernel.state.commandLine,
  );
  return found === null ? undefined : { event: found[1] ?? "", errno: Number(found[2]) };
}

function chainOf(kernel: Kernel): string[] {
  return injected(kernel) === undefined ? [...CALLBACKS] : [...CALLBACKS, INJECTOR];
}

/** Tells one callback; its errno, negative, or 0. */
function tell(kernel: Kernel, callback: string, event: string): number {
  const refusal = callback === INJECTOR ? injected(kernel) : undefined;
  const result = refusal?.event === event ? -refusal.errno : 0;
  kernel.fact("notifier", {
    chain: "pm",
    event,
    callback,
    returned: result < 0 ? "error" : "done",
    result,
  });
  return result;
}

function tellFrom(kernel: Kernel, vars: Vars): Next {
  const event = textOf(vars["event"]);
  for (const callback of chainOf(kernel)) {
    const result = tell(kernel, callback, event);
    if (result === 0) continue;
    vars["result"] = result;
    vars["refuser"] = callback;
    return vars["undo"] === undefined ? done(result) : goto("those told already");
  }
  return done();
}

/**
 * `pm_notify {event, undo?}`: 0, or the errno of the first callback that refuses. With `undo`,
 * those before it are told that event (a robust call).
 */
const notify = procedure("pm_notify", [
  { name: "tell", run: tellFrom },
  {
    name: "those told already",
    run: (kernel, vars) => {
      const chain = chainOf(kernel);
      const told = chain.slice(0, chain.indexOf(textOf(vars["refuser"])));
      for (const callback of told) tell(kernel, callback, textOf(vars["undo"]));
      return done(numberOf(vars["result"]));
    },
  },
]);

/** Procedures of this file. */
export const NOTIFIER_PROCEDURES: readonly Procedure[] = [notify];
