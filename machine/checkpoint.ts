/**
 * A whole machine at a barrier of its scheduler: what the scheduler and the recorder stand at,
 * the actors' plain states, and marks in the stores. RAM and a disk in memory are copied on
 * write, so taking a checkpoint costs nothing but the plain states; of a disk that lies
 * elsewhere (a host's file) the bytes that are not zero are copied.
 *
 * A checkpoint can be gone back to in place, or gone on from on any other transport, with copies
 * of the stores. Either way the run goes on to the same trace.
 *
 * @module
 */
import { BlockStore } from "./block_store.ts";
import { FlatStore, PAGE_BYTES } from "./flat_store.ts";
import { type Medium, MemoryMedium } from "./medium.ts";
import { type RunPlan, Scheduler, type Standing } from "./scheduler.ts";
import type { Recorder, RecorderState } from "./trace/recorder.ts";
import type { Transport } from "./transport/transport.ts";

/** A snapshot in a store that goes on being used. */
interface Mark {
  readonly store: FlatStore;
  readonly snapshot: number;
}

/** A machine at a barrier. */
export interface Checkpoint extends Standing {
  /** Number of the event that comes next. */
  readonly seq: number;
  readonly recorder: RecorderState;
  readonly marks: {
    readonly ram: Mark;
    readonly medium: Mark;
    readonly cache: Mark;
  };
}

/** Bytes read at a time from a medium that is copied. */
const CHUNK_BYTES = 1024 * 1024;

function mark(store: FlatStore): Mark {
  return { store, snapshot: store.snapshot() };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Calls `visit` with each chunk of a medium; the bytes are overwritten afterwards. */
function eachChunk(medium: Medium, visit: (offset: number, bytes: Uint8Array) => void): void {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let offset = 0; offset < medium.byteLength; offset += CHUNK_BYTES) {
    const bytes = chunk.subarray(0, Math.min(CHUNK_BYTES, medium.byteLength - offset));
    medium.read(offset, bytes);
    visit(offset, bytes);
  }
}

function copyMedium(medium: Medium): FlatStore {
  const copy = FlatStore.make(medium.byteLength);
  eachChunk(medium, (offset, bytes) => {
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      const page = bytes.subarray(at, at + PAGE_BYTES);
      if (!isZero(page)) copy.write(offset + at, page);
    }
  });
  return copy;
}

/** Writes to a medium what differs from a copy of it. */
function putBack(copy: FlatStore, medium: Medium): void {
  eachChunk(medium, (offset, bytes) => {
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      const page = bytes.subarray(at, at + PAGE_BYTES);
      const wanted = copy.view(offset + at, page.length);
      if (page.some((byte, index) => byte !== wanted[index])) medium.write(offset + at, wanted);
    }
  });
  medium.sync();
}

/** Takes a checkpoint of a machine whose disk is `blocks`. */
export function takeCheckpoint(scheduler: Scheduler, blocks: BlockStore): Checkpoint {
  const { ram, recorder } = scheduler;
  const { medium, cache } = blocks;
  const disk = medium instanceof MemoryMedium ? medium.store : copyMedium(medium);
  return {
    seq: recorder.next,
    state: scheduler.state(),
    ram,
    actors: scheduler.actorStates(),
    recorder: recorder.state(),
    marks: { ram: mark(ram), medium: mark(disk), cache: mark(cache) },
  };
}

/**
 * Goes back to a checkpoint of the same run, on the same transport and stores. Checkpoints that
 * were taken after it cannot be used any more.
 *
 * @throws {RangeError} if the checkpoint cannot be used any more.
 */
export function rewindTo(checkpoint: Checkpoint, scheduler: Scheduler, blocks: BlockStore): void {
  const { ram, medium, cache } = checkpoint.marks;
  ram.store.restore(ram.snapshot);
  medium.store.restore(medium.snapshot);
  cache.store.restore(cache.snapshot);
  if (!(blocks.medium instanceof MemoryMedium)) putBack(medium.store, blocks.medium);
  scheduler.recorder.rewind(checkpoint.recorder);
  scheduler.rewind(checkpoint);
}

/** Copies of a checkpoint's stores: a machine of its own to go on with. */
export interface StoreCopies {
  readonly ram: FlatStore;
  readonly medium: FlatStore;
  readonly cache: FlatStore;
}

/** Copies a checkpoint's stores. */
export function copyStores(checkpoint: Checkpoint): StoreCopies {
  const { ram, medium, cache } = checkpoint.marks;
  return {
    ram: ram.store.copyOf(ram.snapshot),
    medium: medium.store.copyOf(medium.snapshot),
    cache: cache.store.copyOf(cache.snapshot),
  };
}

/** The blocks of copied stores. */
export function blocksOf(copies: StoreCopies): BlockStore {
  return new BlockStore(new MemoryMedium(copies.medium), copies.cache);
}

/**
 * Goes on from a checkpoint with copied stores, on a transport that was made for them.
 *
 * @param recorder one that goes on from `checkpoint.recorder`.
 */
export function continueFrom(
  checkpoint: Checkpoint,
  copies: StoreCopies,
  plan: RunPlan,
  transport: Transport,
  recorder: Recorder,
): Scheduler {
  const { state, actors } = checkpoint;
  return new Scheduler(plan, transport, recorder, { state, actors, ram: copies.ram });
}

/** Forgets all checkpoints of a run but these, with what the stores keep for the others alone. */
export function keepOnly(kept: readonly Checkpoint[], all: readonly Checkpoint[]): void {
  const wanted = new Map<FlatStore, number[]>();
  for (const checkpoint of all) {
    const keeps = kept.includes(checkpoint);
    for (const { store, snapshot } of Object.values(checkpoint.marks)) {
      const snapshots = wanted.get(store) ?? [];
      if (keeps) snapshots.push(snapshot);
      wanted.set(store, snapshots);
    }
  }
  for (const [store, snapshots] of wanted) store.keepOnly(snapshots);
}
