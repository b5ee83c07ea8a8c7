/**
 * Mounted file systems in a kernel's state: which mount a path belongs to, and who works on it.
 *
 * One process at a time works on a mount's buffer cache, because write grants are exclusive
 * (DESIGN.md 4); others look again after a short sleep.
 *
 * @module
 */
import { ERRNO, errnoOf } from "./errno.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import { ask, fail, goto, next, type Step } from "./procedure.ts";
import type { MemoryFile, Mount, Vars } from "./state.ts";

/** Time in ns after which a process looks again whether a mount is free. */
const BUSY_WAIT_NS = 100_000;
/** Names of errors that ext2 knows and the table of errnos does not. */
const FURTHER_ERRNO: Readonly<Record<string, number>> = { EFBIG: 27, EMLINK: 31 };

/** A mount with what the file system procedures note about it. */
export interface MountedVolume extends Mount {
  /** Whether it had been unmounted properly before this mount. */
  clean: boolean;
  /** Process that works on its cache, 0 for none. */
  holder: number;
}

function isVolume(mount: Mount): mount is MountedVolume {
  return "clean" in mount && "holder" in mount;
}

/** The mount at exactly this path. */
export function volumeAt(kernel: Kernel, path: string): MountedVolume | undefined {
  return kernel.state.mounts.filter(isVolume).find((mount) => mount.path === path);
}

/** Name of the device a partition is, as facts and messages have it: `sda3`. */
export function deviceName(mount: { readonly partition: number }): string {
  return `sda${mount.partition}`;
}

/** A path on a mounted file system: the mount, and the path from its root. */
export interface PlacedPath {
  readonly volume: MountedVolume;
  readonly inner: string;
}

function isBelow(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** A path from the root: a relative one counts from the process's working directory. */
export function absolutePath(kernel: Kernel, path: string): string {
  if (path.startsWith("/")) return path;
  const { cwd = "/" } = kernel.process;
  const parts = path.split("/").filter((part) => part !== "." && part !== "");
  const all = [...(cwd === "/" ? [] : [cwd.slice(1)]), ...parts];
  return `/${all.join("/")}`;
}

/** The mounted file system a path lies on, the longest mount path first. */
export function placeOf(kernel: Kernel, given: string): PlacedPath | undefined {
  const path = absolutePath(kernel, given);
  const [volume] = kernel.state.mounts.filter(isVolume)
    .filter((mount) => isBelow(path, mount.path))
    .sort((left, right) => right.path.length - left.path.length);
  if (volume === undefined) return undefined;
  const inner = volume.path === "/" ? path : path.slice(volume.path.length);
  return { volume, inner: inner === "" ? "/" : inner };
}

/** A file in the kernel's own memory by its path. */
export function memoryFileAt(kernel: Kernel, path: string): MemoryFile | undefined {
  const wanted = absolutePath(kernel, path);
  return kernel.state.files.find((file) => file.path === wanted);
}

/** The negative errno of an error's name. */
export function negativeErrno(name: string): number {
  return -(FURTHER_ERRNO[name] ?? errnoOf(name));
}

/** Wall clock in seconds since 1970, as 32 bits. */
export function seconds(kernel: Kernel): number {
  return Math.floor(kernel.realMicroseconds() / 1e6) >>> 0;
}

/** A step that takes the mount named by `vars.mount` for this process; undone it gives it back. */
export const TAKE_MOUNT: Step = {
  name: "take mount",
  run(kernel, vars) {
    const volume = volumeAt(kernel, textOf(vars["mount"]));
    if (volume === undefined) return fail(ERRNO.EINVAL);
    if (volume.holder === kernel.process.pid) return next;
    if (volume.holder !== 0) return ask("rtc", "timer.arm", { delay_ns: BUSY_WAIT_NS });
    volume.holder = kernel.process.pid;
    vars["taken"] = true;
    return next;
  },
  then: () => goto("take mount"),
  undo(kernel, vars) {
    giveMount(kernel, vars);
    return next;
  },
};

/** Gives back the mount that {@linkcode TAKE_MOUNT} took in this frame. */
export function giveMount(kernel: Kernel, vars: Vars): void {
  const volume = volumeAt(kernel, textOf(vars["mount"]));
  if (volume !== undefined && vars["taken"] === true) volume.holder = 0;
  vars["taken"] = false;
}

/** The mount that this frame works on. */
export function takenVolume(kernel: Kernel, vars: Vars): MountedVolume {
  const path = textOf(vars["mount"]);
  const volume = volumeAt(kernel, path);
  if (volume === undefined) throw new TypeError(`Nothing is mounted at '${path}'`);
  return volume;
}
