/**
 * One ext2 operation over the buffer cache in RAM: tried, and where blocks are missing tried again
 * when they have been read, as `formats/ext2/block_access.ts` says.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  type BlockAccess,
  createFile,
  Ext2Error,
  extentsOf,
  type FileWithExtents,
  type Inode,
  isDirectory,
  isRegular,
  lookup,
  makeDirectory,
  mountExt2,
  NeedBlock,
  readDirectory,
  removeDirectory,
  rename,
  setSize,
  touch,
  unlink,
  unmountExt2,
} from "../../machine/formats/ext2/mod.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { CacheBlocks } from "./buffer_cache.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import {
  deviceName,
  giveMount,
  type MountedVolume,
  negativeErrno,
  seconds,
  TAKE_MOUNT,
  takenVolume,
} from "./mounts.ts";
import { ask, call, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { fieldOf, isError, NUMBERS, plainExtents, readAs, runRanges } from "./values.ts";

/** Changed blocks that may wait before a further change: the rest of the cache is room for it. */
const DIRTY_BLOCKS_MAX = 32;

/** What an operation is given. */
interface Arguments {
  readonly access: BlockAccess;
  readonly volume: MountedVolume;
  readonly values: Plain;
  readonly time: number;
}

interface Operation {
  /** Whether it changes the file system: then its fact is `fs_write`. */
  readonly changes: boolean;
  run(given: Arguments): Plain;
}

function path(given: Arguments, name = "path"): string {
  return textOf(fieldOf(given.values, name));
}

function number(given: Arguments, name: string, otherwise: number): number {
  const value = fieldOf(given.values, name);
  return value === undefined ? otherwise : numberOf(value);
}

function existing(given: Arguments): Inode {
  const inode = lookup(given.access, path(given));
  if (inode === undefined) throw new Ext2Error("ENOENT", `'${path(given)}' does not exist`);
  return inode;
}

function plainInode(inode: Inode) {
  const kind = isDirectory(inode) ? "directory" : isRegular(inode) ? "file" : "other";
  return { inode: inode.number, size: inode.size, mode: inode.mode, kind };
}

function plainFile({ inode, extents }: FileWithExtents): Plain {
  return { ...plainInode(inode), extents: plainExtents(extents) };
}

/** Extents of the inode, no further than `fileBlock` and `count` say where they are given. */
function extents(given: Arguments, inode: Inode) {
  const count = fieldOf(given.values, "count");
  const range = count === undefined
    ? undefined
    : { fileBlock: number(given, "fileBlock", 0), count: numberOf(count) };
  return plainExtents(extentsOf(given.access, inode, range));
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  mount: {
    changes: true,
    run({ access, volume, time }) {
      const info = mountExt2(access, { time, readOnly: volume.readOnly });
      return { clean: info.clean, mounts: info.mountCount, blocks: info.blockCount };
    },
  },
  unmount: {
    changes: true,
    run({ access, volume, time }) {
      unmountExt2(access, { time, wasClean: volume.clean });
      return 0;
    },
  },
  lookup: { changes: false, run: (given) => plainInode(existing(given)) },
  stat: {
    changes: false,
    run(given) {
      const inode = existing(given);
      const content = isRegular(inode) || isDirectory(inode) ? extents(given, inode) : [];
      return { ...plainInode(inode), extents: content };
    },
  },
  extentsOf: { changes: false, run: (given) => extents(given, existing(given)) },
  readDirectory: {
    changes: false,
    run: (given) =>
      readDirectory(given.access, path(given)).map(({ name, inode }) => ({ name, inode })),
  },
  createFile: {
    changes: true,
    run: (given) =>
      plainFile(createFile(given.access, path(given), {
        mode: number(given, "mode", 0o644),
        time: given.time,
        size: number(given, "size", 0),
      })),
  },
  setSize: {
    changes: true,
    run: (given) =>
      plainFile(
        setSize(given.access, existing(given), number(given, "size", 0), { time: given.time }),
      ),
  },
  rename: {
    changes: true,
    run(given) {
      rename(given.access, path(given, "from"), path(given, "to"), { time: given.time });
      return 0;
    },
  },
  unlink: {
    changes: true,
    run(given) {
      unlink(given.access, path(given), { time: given.time });
      return 0;
    },
  },
  removeDirectory: {
    changes: true,
    run(given) {
      removeDirectory(given.access, path(given), { time: given.time });
      return 0;
    },
  },
  makeDirectory: {
    changes: true,
    run: (given) =>
      plainInode(makeDirectory(given.access, path(given), {
        mode: number(given, "mode", 0o755),
        time: given.time,
      })),
  },
  touch: {
    changes: true,
    run: (given) => plainInode(touch(given.access, existing(given), { time: given.time })),
  },
};

/** Names of the operations that `fs_operation` knows. */
export const FILESYSTEM_OPERATIONS: readonly string[] = Object.keys(OPERATIONS);

function operationOf(vars: Vars): Operation {
  const name = textOf(vars["operation"]);
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new TypeError(`No file system operation '${name}'`);
  return operation;
}

/** Runs it once; the value, or `undefined` when `vars.wanted` must be read first. */
function attempt(kernel: Kernel, vars: Vars, access: Access): Plain | undefined {
  const volume = takenVolume(kernel, vars);
  const blocks = new CacheBlocks(volume, access);
  const values = vars["arguments"] ?? {};
  try {
    return operationOf(vars).run({ access: blocks, volume, values, time: seconds(kernel) });
  } catch (error) {
    if (error instanceof NeedBlock) {
      vars["wanted"] = [...error.blocks];
      const kept = new Set([...readAs(NUMBERS, vars["keep"] ?? []), ...blocks.touched]);
      vars["keep"] = [...kept, ...error.blocks];
      return undefined;
    }
    if (error instanceof Ext2Error) return negativeErrno(error.code);
    if (!(error instanceof FormatError)) throw error;
    kernel.note(`EXT2-fs error (device ${deviceName(volume)}): ${error.message}`);
    return vars["operation"] === "mount" ? -ERRNO.EINVAL : -ERRNO.EIO;
  }
}

/** Says what was changed, by its path from the kernel's root. */
function sayChanged(kernel: Kernel, vars: Vars): void {
  const volume = takenVolume(kernel, vars);
  const root = volume.path === "/" ? "" : volume.path;
  for (const name of ["path", "from", "to"]) {
    const inner = fieldOf(vars["arguments"], name);
    if (typeof inner !== "string") continue;
    kernel.fact("fs_write", { fs: deviceName(volume), path: `${root}${inner}` });
  }
}

/** See {@linkcode FILESYSTEM_OPERATION_PROCEDURES}. */
const OPERATION = procedure("fs_operation", [
  TAKE_MOUNT,
  {
    name: "room",
    run(kernel, vars) {
      const volume = takenVolume(kernel, vars);
      const { changes } = operationOf(vars);
      if (changes && volume.readOnly && vars["operation"] !== "mount") return fail(ERRNO.EROFS);
      if (!changes || volume.dirty.length <= DIRTY_BLOCKS_MAX) return next;
      return call("fs_write_back", { mount: volume.path });
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "try",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges([takenVolume(kernel, vars).cache]),
        write: true,
      }),
    then(kernel, vars, _answer, access) {
      const value = attempt(kernel, vars, access);
      if (value === undefined) return next;
      if (isError(value)) return fail(-value);
      vars["value"] = value;
      return goto("end");
    },
  },
  {
    name: "fetch",
    run: (_kernel, vars) =>
      call("fs_fetch", {
        mount: vars["mount"] ?? "",
        blocks: vars["wanted"] ?? [],
        keep: vars["keep"] ?? [],
      }),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : goto("try"),
  },
  {
    name: "end",
    run(kernel, vars) {
      if (operationOf(vars).changes) sayChanged(kernel, vars);
      giveMount(kernel, vars);
      return done(vars["value"] ?? 0);
    },
  },
]);

/**
 * `fs_operation {mount, operation, arguments}`: runs one operation on the mount at the path
 * `mount`; paths in `arguments` count from its root. Gives the operation's value or a negative
 * errno.
 */
export const FILESYSTEM_OPERATION_PROCEDURES: readonly Procedure[] = [OPERATION];
