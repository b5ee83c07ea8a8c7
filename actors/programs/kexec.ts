/**
 * kexec(8) as a procedure over system calls: loads a kernel for a jump, a memory image for the
 * way back, or the helper that jumps back; executes what is loaded.
 *
 * @module
 */
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { ramPages, USER_SEGMENTS } from "../kernel/kexec_load.ts";
import { KEXEC_MORE } from "../kernel/kexec_multi_load.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import { staleEntry } from "../kernel/kimgcore_peer.ts";
import { KEXEC_FLAG, SEGMENTS_MAX } from "../kernel/load_checks.ts";
import { call, done, goto, type Next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { readAs } from "../kernel/values.ts";
import { executeVars, KEXEC_EXECUTE_PROCEDURES, loadedStatus } from "./kexec_execute.ts";
import { KEXEC_EXPAND_PROCEDURES } from "./kexec_expand.ts";
import { KEXEC_FILE_PROCEDURES, mebibytes } from "./kexec_files.ts";
import { GENERATION_NAMES } from "./kexec_generations.ts";
import { IFDOWN_PROCEDURES } from "./kexec_ifdown.ts";
import { KEXEC_KERNEL_PROCEDURES } from "./kexec_kernel.ts";
import { KEXEC_MEMORY_PROCEDURES } from "./kexec_memory.ts";
import { dies } from "./kexec_messages.ts";
import { parseKexec, usageText } from "./kexec_options.ts";
import { KEXEC_REBOOT_PROCEDURES } from "./kexec_reboot.ts";
import { KEXEC_START_PROCEDURES } from "./kexec_start.ts";

/** What a refused load has to do with sizes, where it has. */
function figures(kernel: Kernel, vars: Vars, errno: number): string {
  const segments = readAs(USER_SEGMENTS, vars["segments"]);
  const wanted = segments.reduce((sum, { memsz }) => sum + memsz / PAGE_BYTES, 0);
  if (errno === -ERRNO.ENOMEM) {
    const free = mebibytes(countPages(kernel.state.free));
    return ` (${mebibytes(wanted)} of source pages wanted, ${free} free)`;
  }
  const half = Math.floor(ramPages(kernel) / 2);
  if (errno === -ERRNO.EINVAL && kernel.profile.halfRam && wanted > half) {
    return ` (${mebibytes(wanted)} in segments, half of RAM is ${mebibytes(half)})`;
  }
  return "";
}

/** The segments of the next call, and whether more follow: all at once, or 16 at a time. */
function nextCall(kernel: Kernel, vars: Vars): { segments: Plain[]; more: boolean } {
  const all = Array.isArray(vars["segments"]) ? vars["segments"] : [];
  const from = numberOf(vars["passed"] ?? 0);
  const count = kernel.profile.multiLoad ? SEGMENTS_MAX : all.length;
  return { segments: all.slice(from, from + count), more: from + count < all.length };
}

/** Calls kexec_load and says what the kernel answered: vars {segments, entry, flags}. */
const load = procedure("kexec_call_load", [
  {
    name: "call",
    run: (kernel, vars) => {
      const { segments, more } = nextCall(kernel, vars);
      if (segments.length > SEGMENTS_MAX) {
        kernel.complain("Warning: kernel segment limit reached. This will likely fail");
      }
      return call("sys_kexec_load", {
        segments,
        entry: vars["entry"] ?? 0,
        flags: numberOf(vars["flags"] ?? 0) | (more ? KEXEC_MORE : 0),
      });
    },
    then: (kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) {
        const { segments, more } = nextCall(kernel, vars);
        vars["passed"] = numberOf(vars["passed"] ?? 0) + segments.length;
        return more ? goto("call") : done();
      }
      const why = `kexec_load failed: ${errnoText(answer)}${figures(kernel, vars, answer)}`;
      return dies(kernel, 255, why);
    },
  },
]);

/** `--load-jump-back-helper`: one empty segment whose entry is the way back. */
function loadHelper(kernel: Kernel, entry: number | null): Next {
  // The recorded tool looks at what is loaded before it looks at the entry.
  if (kernel.state.image !== null) {
    const why = "There is kexec kernel loaded, make sure you are in kexeced kernel.";
    return dies(kernel, 255, why);
  }
  if (entry === null || entry === 0) {
    const why = "Please specify jump back address of original kernel with --entry";
    return dies(kernel, 255, why);
  }
  const stale = staleEntry(kernel, entry);
  if (stale !== undefined) return dies(kernel, 255, `kexec: ${stale}`);
  return call("kexec_call_load", {
    segments: [{ mem: 0, memsz: 0, bufsz: 0, buffer: [] }],
    entry,
    // v7 keeps all state around a jump; later kernels have one flag for it (A.6).
    flags: kernel.profile.stateFlags || KEXEC_FLAG.preserveContext,
  });
}

/** Which of the procedures a set of options asks for. */
function dispatch(kernel: Kernel, vars: Vars): Next {
  const argv = Array.isArray(vars["argv"]) ? vars["argv"].map(String) : [];
  const parsed = parseKexec(argv.slice(1), kernel.profile.tools);
  if (parsed.kind === "refused") return dies(kernel, parsed.status, ...parsed.message.split("\n"));
  const { options } = parsed;
  switch (options.action) {
    case "help":
      for (const line of usageText(kernel.profile.tools)) kernel.say(line);
      return done();
    case "version":
      kernel.say(`kexec-tools of ${GENERATION_NAMES[kernel.profile.tools]}`);
      return done();
    case "status":
      return loadedStatus(kernel);
    case "exec":
      return call("kexec_exec", executeVars(options));
    case "jump-to":
      return call("kexec_jump_to", executeVars(options));
    case "jump-back":
      return call("kexec_jump_back", executeVars(options));
    case "unload":
      return call("kexec_call_load", {
        segments: [],
        entry: 0,
        flags: options.crash ? KEXEC_FLAG.onCrash : 0,
      });
    case "helper":
      return loadHelper(kernel, options.entry);
    case "load":
      return call(options.argsNone ? "kexec_load_memory" : "kexec_load_kernel", {
        argv,
        tools: kernel.profile.tools,
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      });
  }
}

/** `program:kexec` {argv, verify?: sums of 64 KiB}. */
const kexec = procedure("program:kexec", [
  {
    name: "run",
    run: dispatch,
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of the tool. */
export const KEXEC_PROCEDURES: readonly Procedure[] = [
  kexec,
  load,
  ...IFDOWN_PROCEDURES,
  ...KEXEC_EXECUTE_PROCEDURES,
  ...KEXEC_EXPAND_PROCEDURES,
  ...KEXEC_FILE_PROCEDURES,
  ...KEXEC_KERNEL_PROCEDURES,
  ...KEXEC_MEMORY_PROCEDURES,
  ...KEXEC_REBOOT_PROCEDURES,
  ...KEXEC_START_PROCEDURES,
];
