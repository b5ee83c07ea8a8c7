/**
 * Files that no disk holds: a kernel makes their text when they are read, and does something when
 * they are written (protocol.md A.3). The previous kernel's memory, `/proc/vmcore`, is no text and
 * has a module of its own.
 *
 * @module
 */
import { vmcoreinfoBytes } from "./boot.ts";
import { crashImage, crashSize, iomemText, shrinkCrashRegion } from "./crash_slot.ts";
import { ERRNO } from "./errno.ts";
import { JUMP_BUFFER_FILE, writeJumpBackEntry, writeJumpBufferFile } from "./jump_buffer.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import { meminfoText } from "./memory_info.ts";
import { call, done, fail, type Next, type Procedure, procedure } from "./procedure.ts";
import { swapsText } from "./swap_areas.ts";
import { SWSUSP_FILES, SWSUSP_WRITES } from "./swsusp_files.ts";

const FILES: Readonly<Record<string, (kernel: Kernel) => string | undefined>> = {
  ...SWSUSP_FILES,
  "/dev/null": () => "",
  "/proc/cmdline": ({ state }) => `${state.commandLine}\n`,
  "/proc/cpuinfo": ({ state }) =>
    Array.from({ length: state.online }, (_, index) => `processor\t: ${index}\n`).join(""),
  "/proc/iomem": iomemText,
  "/proc/meminfo": meminfoText,
  "/proc/mounts": ({ state }) =>
    state.mounts.map(({ path, partition, readOnly }) =>
      `/dev/sda${partition} ${path} ext2 ${readOnly ? "ro" : "rw"} 0 0\n`
    ).join(""),
  "/proc/swaps": swapsText,
  "/proc/sys/kernel/hostname": ({ state }) => `${state.name}\n`,
  "/proc/sys/kernel/osrelease": ({ profile }) => `${profile.release}\n`,
  "/proc/uptime": (kernel) => `${(kernel.monotonic() / 1e9).toFixed(2)} 0.00\n`,
  "/proc/version": ({ profile }) => `Linux version ${profile.release}\n`,
  "/proc/sys/kernel/kexec_load_disabled": ({ profile, state }) =>
    profile.tools === "modern" ? `${state.kexecLoadDisabled === true ? 1 : 0}\n` : undefined,
  "/sys/kernel/kexec_loaded": ({ state }) => `${state.image === null ? 0 : 1}\n`,
  "/sys/kernel/kexec_crash_loaded": (kernel) => `${crashImage(kernel) === null ? 0 : 1}\n`,
  "/sys/kernel/kexec_crash_size": (kernel) => `${crashSize(kernel)}\n`,
  [JUMP_BUFFER_FILE]: ({ state }) =>
    state.jumpBuffer === undefined ? undefined : `${state.jumpBuffer.shown}\n`,
  "/sys/kernel/kexec_jump_back_entry": ({ state, profile }) =>
    profile.jumpBackFile ? `0x${(state.jumpBackEntry ?? 0).toString(16)}\n` : undefined,
  "/sys/kernel/vmcoreinfo": (kernel) => {
    const address = kernel.state.layout?.vmcoreinfo ?? 0;
    return `${address.toString(16)} ${vmcoreinfoBytes(kernel).length.toString(16)}\n`;
  },
};

/** The text of a pseudo-file, or `undefined` where there is none of that name. */
export function pseudoFile(kernel: Kernel, path: string): string | undefined {
  // Where nobody mounted sysfs its files are not there (`nosysfs`, ours).
  if (path.startsWith("/sys/") && / nosysfs /.test(` ${kernel.state.commandLine} `)) {
    return undefined;
  }
  return FILES[path]?.(kernel);
}

/** Whether there is a file of that name to read or to write. */
export function isPseudoFile(kernel: Kernel, path: string): boolean {
  return pseudoFile(kernel, path) !== undefined || WRITES[path] !== undefined;
}

/** Whether something is done when a pseudo-file is written. */
export function isWritable(path: string): boolean {
  return WRITES[path] !== undefined;
}

/** Names of pseudo-files and of their folders in a folder. */
export function pseudoNames(kernel: Kernel, folder: string): string[] {
  const inside = folder === "/" ? "/" : `${folder}/`;
  const paths = [...Object.keys(FILES), ...Object.keys(WRITES)];
  const names = paths.filter((path) => path.startsWith(inside) && isPseudoFile(kernel, path))
    .map((path) => path.slice(inside.length).split("/")[0] ?? "");
  return [...new Set(names)];
}

/**
 * What writing a file does: the step's wish, so that it may `call` a procedure, whose value is
 * then the write's. A value below 0 is an errno.
 */
export type PseudoWrite = (kernel: Kernel, text: string) => Next;

/** Switches loading off; there is no way back but a reboot (recorded fact 1). */
function disableLoading({ profile, state }: Kernel, text: string): Next {
  if (profile.tools !== "modern") return fail(ERRNO.ENOENT);
  if (text.trim() !== "1") {
    return text.trim() === "0" && state.kexecLoadDisabled !== true ? done(0) : fail(ERRNO.EINVAL);
  }
  state.kexecLoadDisabled = true;
  return done(0);
}

/** Writable files by path; the module that knows what is written gives its function. */
const WRITES: Readonly<Record<string, PseudoWrite>> = {
  ...SWSUSP_WRITES,
  "/dev/null": () => done(0),
  "/sys/power/tuxonice/do_hibernate": ({ profile }) =>
    profile.tuxOnIce ? call("tuxonice_hibernate") : fail(ERRNO.ENOENT),
  "/sys/kernel/kexec_crash_size": shrinkCrashRegion,
  "/proc/sys/kernel/kexec_load_disabled": disableLoading,
  [JUMP_BUFFER_FILE]: writeJumpBufferFile,
  "/sys/kernel/kexec_jump_back_entry": (kernel, text) =>
    kernel.profile.jumpBackFile ? writeJumpBackEntry(kernel, text) : fail(ERRNO.ENOENT),
};

/**
 * Writes a pseudo-file.
 *
 * @param text what is written, without the newline at its end.
 * @returns what is to be done, or `undefined` where no pseudo-file has that name.
 */
export function pseudoWrite(kernel: Kernel, path: string, text: string): Next | undefined {
  const write = WRITES[path];
  if (write !== undefined) return write(kernel, text);
  return pseudoFile(kernel, path) === undefined ? undefined : fail(ERRNO.EACCES);
}

/** `pseudo_write {path, text}`: 0, or a negative errno: -ENOENT where there is no such file. */
const WRITE = procedure("pseudo_write", [
  {
    name: "write",
    run: (kernel, vars) =>
      pseudoWrite(kernel, textOf(vars["path"]), textOf(vars["text"]).replace(/\n$/, "")) ??
        fail(ERRNO.ENOENT),
    then: (_kernel, _vars, answer) => done(typeof answer === "number" ? answer : 0),
  },
]);

/** Procedures of this file. */
export const PSEUDO_FILE_PROCEDURES: readonly Procedure[] = [WRITE];
