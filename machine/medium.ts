/**
 * What a disk keeps its bytes on. A medium has no cache: what is written is there, and `sync`
 * pushes it through the host's own cache where there is one.
 *
 * @module
 */
import type { FlatStore } from "./flat_store.ts";

/** Durable bytes by offset. */
export interface Medium {
  readonly byteLength: number;
  /** Fills `target` from `offset`. */
  read(offset: number, target: Uint8Array): void;
  write(offset: number, content: Uint8Array): void;
  sync(): void;
}

/** A medium in memory: for tests, exploration and checkpoints. */
export class MemoryMedium implements Medium {
  readonly store: FlatStore;
  constructor(store: FlatStore) {
    this.store = store;
  }
  get byteLength(): number {
    return this.store.byteLength;
  }
  read(offset: number, target: Uint8Array): void {
    target.set(this.store.view(offset, target.length));
  }
  write(offset: number, content: Uint8Array): void {
    this.store.write(offset, content);
  }
  sync(): void {}
}
