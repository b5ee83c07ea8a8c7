/**
 * The buffer cache of a mounted file system: blocks of metadata in page frames of the kernel, as
 * the block access that ext2 operations work over, and the transfers between them and the disk.
 *
 * `Mount.blocks` has the block each frame holds, `Mount.dirty` the block numbers that must be
 * written back. Content of files does not pass through here.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { BLOCK_BYTES, type BlockAccess, NeedBlock } from "../../machine/formats/ext2/mod.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { Range } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { numberOf } from "./kernel_context.ts";
import { giveMount, type MountedVolume, TAKE_MOUNT, takenVolume } from "./mounts.ts";
import { ask, call, done, goto, next, type Procedure, procedure } from "./procedure.ts";
import { grantsOf, isError, listOf, NUMBERS, RANGES, readAs, resultOf } from "./values.ts";

/** Sectors of a block. */
export const BLOCK_SECTORS = 8;
/** Most blocks in one transfer. */
const TRANSFER_BLOCKS = LIMITS.grantBytes / BLOCK_BYTES;

/** See the module's header. Valid within one step. */
export class CacheBlocks implements BlockAccess {
  /** Blocks that were looked at or changed: their frames must stay. */
  readonly touched: Set<number> = new Set();
  readonly #volume: MountedVolume;
  readonly #access: Access;
  readonly #frames: Map<number, number> = new Map();

  constructor(volume: MountedVolume, access: Access) {
    this.#volume = volume;
    this.#access = access;
    volume.blocks.forEach((block, frame) => {
      if (block >= 0) this.#frames.set(block, frame);
    });
  }

  block(number: number): Uint8Array {
    const frame = this.#frames.get(number);
    if (frame === undefined) throw new NeedBlock(number);
    this.touched.add(number);
    return this.#bytes(frame);
  }

  changed(number: number): void {
    if (!this.#volume.dirty.includes(number)) this.#volume.dirty.push(number);
  }

  fresh(number: number): Uint8Array {
    const frame = this.#frames.get(number) ?? this.#take(number);
    this.touched.add(number);
    return this.#bytes(frame).fill(0);
  }

  forget(number: number, count: number): void {
    const isFreed = (block: number): boolean => block >= number && block < number + count;
    this.#volume.dirty = this.#volume.dirty.filter((block) => !isFreed(block));
    for (const [block, frame] of this.#frames) {
      if (!isFreed(block)) continue;
      this.#volume.blocks[frame] = -1;
      this.#frames.delete(block);
    }
  }

  #bytes(frame: number): Uint8Array {
    return this.#access.writable(frameAddress(this.#volume, frame), BLOCK_BYTES);
  }

  /** A frame for a block that needs no reading; the cache's size sees to it that there is one. */
  #take(number: number): number {
    const [frame] = freeFrames(this.#volume, this.touched);
    if (frame === undefined) throw new Error(`Buffer cache of ${this.#volume.path} is too small`);
    const old = this.#volume.blocks[frame] ?? -1;
    if (old >= 0) this.#frames.delete(old);
    this.#volume.blocks[frame] = number;
    this.#frames.set(number, frame);
    return frame;
  }
}

/** Physical address of a frame of the cache. */
export function frameAddress(volume: MountedVolume, frame: number): number {
  return (volume.cache.pfn + frame) * BLOCK_BYTES;
}

/** Frames that may be given another block: empty ones first, then clean ones that are not kept. */
function freeFrames(volume: MountedVolume, keep: ReadonlySet<number>): number[] {
  const dirty = new Set(volume.dirty);
  const empty: number[] = [];
  const clean: number[] = [];
  volume.blocks.forEach((block, frame) => {
    if (block < 0) empty.push(frame);
    else if (!dirty.has(block) && !keep.has(block)) clean.push(frame);
  });
  return [...empty, ...clean];
}

/** A block and the frame it goes to or comes from. */
interface Placed {
  readonly block: number;
  readonly frame: number;
}

/** Blocks that follow each other on the disk, as one transfer. */
function transfersOf(placed: readonly Placed[]): Placed[][] {
  const transfers: Placed[][] = [];
  for (const each of placed.toSorted((left, right) => left.block - right.block)) {
    const last = transfers.at(-1);
    const first = last?.[0];
    const follows = last !== undefined && first !== undefined &&
      first.block + last.length === each.block && last.length < TRANSFER_BLOCKS;
    if (follows) last.push(each);
    else transfers.push([each]);
  }
  return transfers;
}

/** The call that moves one transfer. */
function transferCall(volume: MountedVolume, transfer: readonly Placed[], write: boolean) {
  const ranges: Range[] = [];
  for (const { frame } of transfer) {
    const start = frameAddress(volume, frame);
    const last = ranges.at(-1);
    if (last !== undefined && last.start + last.length === start) {
      ranges[ranges.length - 1] = { start: last.start, length: last.length + BLOCK_BYTES };
    } else ranges.push({ start, length: BLOCK_BYTES });
  }
  return call("disk_transfer", {
    sector: volume.firstSector + (transfer[0]?.block ?? 0) * BLOCK_SECTORS,
    count: transfer.length * BLOCK_SECTORS,
    ranges,
    write,
  });
}

/** `disk_transfer {sector, count, ranges, write}`: one transfer; 0 or a negative errno. */
const DISK_TRANSFER = procedure("disk_transfer", [
  {
    name: "acquire",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: readAs(RANGES, vars["ranges"]),
        write: vars["write"] !== true,
      }),
    then(kernel, vars, answer) {
      kernel.keepGrants();
      vars["grants"] = grantsOf(answer);
      return next;
    },
  },
  {
    name: "move",
    run: (kernel, vars) =>
      ask("disk", vars["write"] === true ? "disk.write" : "disk.read", {
        by: kernel.name,
        sector: numberOf(vars["sector"]),
        count: numberOf(vars["count"]),
        grants: grantsOf({ grants: vars["grants"] ?? [] }),
      }),
    then: (_kernel, _vars, answer) => done(resultOf(answer)),
  },
]);

function pairsOf(value: Plain | undefined): Placed[] {
  const flat = readAs(NUMBERS, value);
  const placed: Placed[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    placed.push({ block: flat[index] ?? 0, frame: flat[index + 1] ?? 0 });
  }
  return placed;
}

function place(volume: MountedVolume, wanted: number[], keep: Set<number>) {
  const missing = wanted.filter((block) => !volume.blocks.includes(block));
  const frames = freeFrames(volume, keep);
  if (frames.length < missing.length) return undefined;
  return missing.toSorted((left, right) => left - right)
    .map((block, index): Placed => ({ block, frame: frames[index] ?? 0 }));
}

/**
 * `fs_fetch {mount, blocks, keep}`, by who has the mount: reads blocks into frames, writing back
 * and giving up others but those of `keep`; 0 or a negative errno.
 */
const FETCH = procedure("fs_fetch", [
  {
    name: "place",
    run(kernel, vars) {
      const volume = takenVolume(kernel, vars);
      const wanted = [...readAs(NUMBERS, vars["blocks"])];
      const keep = new Set([...readAs(NUMBERS, vars["keep"]), ...wanted]);
      const placed = place(volume, wanted, keep);
      if (placed === undefined) {
        if (volume.dirty.length === 0) return done(-ERRNO.ENOMEM);
        return call("fs_write_back", { mount: volume.path });
      }
      for (const { frame } of placed) volume.blocks[frame] = -1;
      vars["placed"] = placed.flatMap(({ block, frame }) => [block, frame]);
      return goto("read");
    },
    then: (_kernel, _vars, answer) => isError(answer) ? done(answer) : goto("place"),
  },
  {
    name: "read",
    run(kernel, vars) {
      const [transfer] = transfersOf(pairsOf(vars["placed"]));
      if (transfer === undefined) return done(0);
      return transferCall(takenVolume(kernel, vars), transfer, false);
    },
    then(kernel, vars, answer) {
      if (isError(answer)) return done(answer);
      const volume = takenVolume(kernel, vars);
      const [transfer = [], ...rest] = transfersOf(pairsOf(vars["placed"]));
      for (const { block, frame } of transfer) volume.blocks[frame] = block;
      vars["placed"] = rest.flat().flatMap(({ block, frame }) => [block, frame]);
      return goto("read");
    },
  },
]);

function dirtyBlocks(volume: MountedVolume): Placed[] {
  return volume.dirty.map((block) => ({ block, frame: volume.blocks.indexOf(block) }));
}

/** `fs_write_back {mount}`: hands all changed blocks to the disk; 0 or a negative errno. */
const WRITE_BACK = procedure("fs_write_back", [
  TAKE_MOUNT,
  {
    name: "write",
    run(kernel, vars) {
      const volume = takenVolume(kernel, vars);
      const [transfer] = transfersOf(dirtyBlocks(volume));
      if (transfer === undefined) {
        giveMount(kernel, vars);
        return done(0);
      }
      vars["moving"] = transfer.map(({ block }) => block);
      return transferCall(volume, transfer, true);
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        giveMount(kernel, vars);
        return done(answer);
      }
      const volume = takenVolume(kernel, vars);
      const written = new Set(listOf(vars["moving"]));
      volume.dirty = volume.dirty.filter((block) => !written.has(block));
      return goto("write");
    },
  },
]);

/** Procedures of this file. */
export const BUFFER_CACHE_PROCEDURES: readonly Procedure[] = [DISK_TRANSFER, FETCH, WRITE_BACK];
