/**
 * The second half of the freezer, which only swsusp uses (protocol.md B.5.2 step 7.3): kernel
 * threads stop behind user tasks, and go on together with them.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Process } from "./state.ts";

/** How long threads are given, and how often it is looked again (protocol.md H). */
const TIMEOUT_NS = 20_000_000_000;
const LOOK_NS = 10_000_000;

/** The task that runs the transition, and those that wait for it. */
function ownLine(kernel: Kernel): Set<number> {
  const pids = new Set<number>();
  let current: Process | undefined = kernel.process;
  while (current !== undefined && !pids.has(current.pid)) {
    pids.add(current.pid);
    current = kernel.task(current.parent);
  }
  return pids;
}

function threads(kernel: Kernel): Process[] {
  const own = ownLine(kernel);
  return kernel.state.processes.filter((process) =>
    process.kind === "kernel" && !own.has(process.pid) && process.wait.kind !== "exited"
  );
}

function thaw(kernel: Kernel): void {
  for (const thread of threads(kernel)) {
    if (!thread.frozen) continue;
    thread.frozen = false;
    if (!thread.sleeping) continue;
    // Its timer may have been lost with the machine: the sleep ends now.
    thread.sleeping = false;
    thread.wait = { kind: "ready" };
    thread.held = {};
  }
  kernel.fact("thaw", { what: "kthreads" });
}

/** `freeze_kernel_threads {}`: 0, or -EBUSY after 20 s, with the threads thawed again. */
const freezeThreads = procedure("freeze_kernel_threads", [
  {
    name: "freeze",
    run: (kernel, vars) => {
      const left = threads(kernel).filter((thread) => !thread.frozen);
      for (const thread of left) {
        if (thread.wait.kind !== "reply" || thread.sleeping) thread.frozen = true;
      }
      if (left.every((thread) => thread.frozen)) {
        kernel.fact("freeze", { what: "kthreads", result: 0 });
        return done();
      }
      const since = vars["since"] === undefined ? kernel.out.now : numberOf(vars["since"]);
      vars["since"] = since;
      if (kernel.out.now - since < TIMEOUT_NS) return next;
      kernel.fact("freeze", { what: "kthreads", result: -ERRNO.EBUSY });
      thaw(kernel);
      return fail(ERRNO.EBUSY);
    },
  },
  {
    name: "wait",
    run: () => ask("rtc", "timer.arm", { delay_ns: LOOK_NS }),
    then: () => goto("freeze"),
  },
]);

/** `thaw_kernel_threads {}`. */
const thawThreads = procedure("thaw_kernel_threads", [{
  name: "thaw",
  run: (kernel) => {
    thaw(kernel);
    return done();
  },
}]);

/** Procedures of this file. */
export const FREEZE_THREADS_PROCEDURES: readonly Procedure[] = [freezeThreads, thawThreads];
