/**
 * Mounting, unmounting, writing back, and looking at files by path.
 *
 * @module
 */
import { type Partition, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { type PartitionPlace, PLACE } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { deviceName, memoryFileAt, type MountedVolume, placeOf, volumeAt } from "./mounts.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { fieldOf, isError, plainRuns, readAs, resultOf, RUNS } from "./values.ts";

/** Frames a buffer cache has at least, and bytes of the partition for one frame more. */
const CACHE_FRAMES_MIN = 64;
const CACHE_FRAME_PER_BYTES = 3 * 1_048_576;

/** Frames of the buffer cache for a partition: an operation on its largest file fits. */
export function cacheFrames(partition: Pick<Partition, "sectorCount">): number {
  const bytes = partition.sectorCount * SECTOR_BYTES;
  return CACHE_FRAMES_MIN + Math.ceil(bytes / CACHE_FRAME_PER_BYTES);
}

/** Takes frames for the cache and puts the mount into the kernel's table. */
function addMount(kernel: Kernel, vars: Vars, partition: PartitionPlace): number {
  const pages = cacheFrames(partition);
  const request = { pages, flags: FRAME.cache, owner: 0, contiguous: true };
  const cache = kernel.allocate(request)?.[0];
  if (cache === undefined) return -ERRNO.ENOMEM;
  const volume: MountedVolume = {
    path: textOf(vars["path"]),
    partition: numberOf(vars["partition"]),
    firstSector: partition.firstSector,
    readOnly: vars["readOnly"] === true,
    cache: { pfn: cache.pfn, count: pages },
    blocks: new Array<number>(pages).fill(-1),
    dirty: [],
    clean: false,
    holder: 0,
  };
  kernel.state.mounts.push(volume);
  return 0;
}

function removeMount(kernel: Kernel, path: string): void {
  const volume = volumeAt(kernel, path);
  if (volume === undefined) return;
  kernel.release([volume.cache]);
  kernel.state.mounts = kernel.state.mounts.filter((mount) => mount !== volume);
}

/** `fs_mount {path, partition, readOnly}`: 0 or a negative errno. */
const MOUNT = procedure("fs_mount", [
  {
    name: "scratch",
    run(kernel, vars) {
      if (volumeAt(kernel, textOf(vars["path"])) !== undefined) return fail(ERRNO.EBUSY);
      const runs = kernel.allocate({ pages: 1, flags: FRAME.cache, owner: 0 });
      if (runs === undefined) return fail(ERRNO.ENOMEM);
      vars["scratch"] = plainRuns(runs);
      return next;
    },
    undo(kernel, vars) {
      kernel.release(readAs(RUNS, vars["scratch"]));
      return next;
    },
  },
  {
    name: "partition table",
    run: (_kernel, vars) =>
      call("partition_lookup", {
        partition: vars["partition"] ?? 0,
        scratch: vars["scratch"] ?? [],
      }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      const added = addMount(kernel, vars, readAs(PLACE, answer));
      return added < 0 ? fail(-added) : next;
    },
    undo(kernel, vars) {
      removeMount(kernel, textOf(vars["path"]));
      return next;
    },
  },
  {
    name: "superblock",
    run: (_kernel, vars) =>
      call("fs_operation", { mount: vars["path"] ?? "", operation: "mount", arguments: {} }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      const volume = volumeAt(kernel, textOf(vars["path"]));
      if (volume === undefined) return fail(ERRNO.EINVAL);
      volume.clean = fieldOf(answer, "clean") === true;
      kernel.fact("mount", {
        fs: deviceName(volume),
        read_only: volume.readOnly,
        clean: volume.clean,
        mounts: numberOf(fieldOf(answer, "mounts")),
      });
      kernel.release(readAs(RUNS, vars["scratch"]));
      return done(0);
    },
  },
]);

/** `fs_unmount {path}`: 0, or a negative errno and the file system stays mounted. */
const UNMOUNT = procedure("fs_unmount", [
  {
    name: "mark clean",
    run(kernel, vars) {
      const volume = volumeAt(kernel, textOf(vars["path"]));
      if (volume === undefined) return fail(ERRNO.EINVAL);
      if (volume.holder !== 0) return fail(ERRNO.EBUSY);
      if (volume.readOnly) return next;
      return call("fs_operation", { mount: volume.path, operation: "unmount", arguments: {} });
    },
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "write back",
    run: (_kernel, vars) => call("fs_write_back", { mount: vars["path"] ?? "" }),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then: (_kernel, _vars, answer) => orFail(resultOf(answer)),
  },
  {
    name: "give up",
    run(kernel, vars) {
      const volume = volumeAt(kernel, textOf(vars["path"]));
      if (volume === undefined) return fail(ERRNO.EINVAL);
      removeMount(kernel, volume.path);
      kernel.fact("unmount", { fs: deviceName(volume) });
      return done(0);
    },
  },
]);

/** `fs_sync {}`: hands all changed blocks of all mounts to the disk and flushes it once. */
const SYNC = procedure("fs_sync", [
  {
    name: "write back",
    run(kernel, vars) {
      const index = numberOf(vars["index"] ?? 0);
      const mount = kernel.state.mounts[index];
      if (mount === undefined) return goto("flush");
      vars["index"] = index + 1;
      return call("fs_write_back", { mount: mount.path });
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : goto("write back"),
  },
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then(kernel, _vars, answer) {
      const result = resultOf(answer);
      if (result < 0) return fail(-result);
      kernel.fact("sync", {});
      return done(0);
    },
  },
]);

/**
 * `fs_stat {path}`: `{size, kind, extents}`, with `inode` and `mode` of a file on a mounted file
 * system, with `runs` of one in the kernel's memory; or -ENOENT and other negative errnos.
 */
const STAT = procedure("fs_stat", [
  {
    name: "look up",
    run(kernel, vars) {
      const path = textOf(vars["path"]);
      const file = memoryFileAt(kernel, path);
      if (file !== undefined) {
        return done({ size: file.size, kind: "file", extents: [], runs: plainRuns(file.runs) });
      }
      const place = placeOf(kernel, path);
      if (place === undefined) return done(-ERRNO.ENOENT);
      return call("fs_operation", {
        mount: place.volume.path,
        operation: "stat",
        arguments: { path: place.inner },
      });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** `fs_change {operation, path, …}`: an operation on the file system that the full path is on. */
const CHANGE = procedure("fs_change", [
  {
    name: "change",
    run(kernel, vars) {
      const { operation = "", path = "", to, ...others } = vars;
      const place = placeOf(kernel, textOf(path));
      if (place === undefined) return done(-ERRNO.ENOENT);
      const target = to === undefined ? undefined : placeOf(kernel, textOf(to));
      if (to !== undefined && target?.volume !== place.volume) return done(-ERRNO.EINVAL);
      const names = target === undefined
        ? { path: place.inner }
        : { from: place.inner, to: target.inner };
      return call("fs_operation", {
        mount: place.volume.path,
        operation,
        arguments: { ...others, ...names },
      });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this file. */
export const FILESYSTEM_PROCEDURES: readonly Procedure[] = [MOUNT, UNMOUNT, SYNC, STAT, CHANGE];
