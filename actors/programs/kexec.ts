/**
 * kexec(8) as a procedure over system calls: loads a kernel for a jump, a memory image for the
 * way back, or the helper that jumps back; executes what is loaded.
 *
 * @module
 */
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { ramPages, USER_SEGMENTS } from "../kernel/kexec_load.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { KEXEC_FLAG, SEGMENTS_MAX } from "../kernel/load_checks.ts";
import { call, done, type Next, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { readAs } from "../kernel/values.ts";
import { failWith } from "./command_line.ts";
import { KEXEC_FILE_PROCEDURES, mebibytes } from "./kexec_files.ts";
import { KEXEC_KERNEL_PROCEDURES } from "./kexec_kernel.ts";
import { KEXEC_MEMORY_PROCEDURES } from "./kexec_memory.ts";
import { parseKexec } from "./kexec_options.ts";

/** `kexec -e`. */
const execute = procedure("kexec_exec", [
  {
    name: "loaded",
    run: (kernel) => {
      const { image } = kernel.state;
      if (image === null) return failWith(kernel, 1, "Nothing has been loaded!");
      if (image.start === 0) {
        const why = "kexec: the loaded image was entered and left no way back; load it again";
        return failWith(kernel, 1, why);
      }
      return next;
    },
  },
  { name: "sync", run: () => call("fs_sync") },
  {
    name: "reboot",
    run: () => call("sys_reboot_kexec"),
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      if (result < 0) return failWith(kernel, 255, `kexec failed: ${errnoText(result)}`);
      // Today's tool takes any return for a failure and prints a stale errno (recorded fact 19).
      if (kernel.profile.execReportsFailure) {
        return failWith(kernel, 255, "kexec failed: Bad file descriptor");
      }
      return done();
    },
  },
]);

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

/** Calls kexec_load and says what the kernel answered: vars {segments, entry, flags}. */
const load = procedure("kexec_call_load", [
  {
    name: "call",
    run: (kernel, vars) => {
      if (readAs(USER_SEGMENTS, vars["segments"]).length > SEGMENTS_MAX) {
        kernel.print("Warning: kernel segment limit reached. This will likely fail");
      }
      return call("sys_kexec_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: vars["flags"] ?? 0,
      });
    },
    then: (kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return done();
      const why = `kexec_load failed: ${errnoText(answer)}${figures(kernel, vars, answer)}`;
      return failWith(kernel, 255, why);
    },
  },
]);

/** Which of the procedures a set of options asks for. */
function dispatch(kernel: Kernel, vars: Vars): Next {
  const argv = Array.isArray(vars["argv"]) ? vars["argv"].map(String) : [];
  const parsed = parseKexec(argv.slice(1));
  if (parsed.kind === "refused") {
    return failWith(kernel, parsed.status, ...parsed.message.split("\n"));
  }
  const { options } = parsed;
  switch (options.action) {
    case "exec":
      return call("kexec_exec");
    case "unload":
      return call("kexec_call_load", { segments: [], entry: 0, flags: 0 });
    case "helper":
      // The recorded tool looks at what is loaded before it looks at the entry.
      if (kernel.state.image !== null) {
        const why = "There is kexec kernel loaded, make sure you are in kexeced kernel.";
        return failWith(kernel, 255, why);
      }
      if (options.entry === null || options.entry === 0) {
        const why = "Please specify jump back address of original kernel with --entry";
        return failWith(kernel, 255, why);
      }
      return call("kexec_call_load", {
        segments: [{ mem: 0, memsz: 0, bufsz: 0, buffer: [] }],
        entry: options.entry,
        flags: KEXEC_FLAG.preserveContext,
      });
    case "load":
      return call(options.argsNone ? "kexec_load_memory" : "kexec_load_kernel", {
        argv,
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
  execute,
  load,
  ...KEXEC_FILE_PROCEDURES,
  ...KEXEC_KERNEL_PROCEDURES,
  ...KEXEC_MEMORY_PROCEDURES,
];
