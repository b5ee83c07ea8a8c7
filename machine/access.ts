/**
 * What a step may touch of the stores: the ranges of the grants its input carries, or all of the
 * store it owns save what is granted away. Every access outside is a {@linkcode ProtocolError}
 * (DESIGN.md 4).
 *
 * @module
 */
import { ProtocolError } from "./errors.ts";
import type { BlockStore } from "./block_store.ts";
import type { FlatStore } from "./flat_store.ts";
import type { Grant } from "./messages/declare.ts";

/** The stores a transport gives to steps. */
export interface Stores {
  readonly ram: FlatStore;
  /** The disk's blocks: only where the disk runs. */
  readonly blocks?: BlockStore;
}

/** How far a step's access goes; asked when the step touches something, not before. */
export interface Reach {
  readonly actor: string;
  readonly owns?: "ram" | "blocks" | undefined;
  /** Grants carried by the input. */
  readonly grants: readonly Grant[];
  /** Grants open to others, which an owner of RAM must not cross. */
  readonly lent: readonly Grant[];
}

/** Access to RAM and blocks within one step. */
export class Access {
  readonly #stores: Stores;
  readonly #reach: Reach;

  constructor(stores: Stores, reach: Reach) {
    this.#stores = stores;
    this.#reach = reach;
  }

  /** Bytes of RAM for reading; only within this step. */
  read(start: number, length: number): Uint8Array {
    this.#check(start, length, false);
    return this.#stores.ram.view(start, length);
  }

  /** Bytes of RAM for writing in place; only within this step. */
  writable(start: number, length: number): Uint8Array {
    this.#check(start, length, true);
    return this.#stores.ram.writable(start, length);
  }

  /** Writes bytes to RAM. */
  write(start: number, content: Uint8Array): void {
    this.#check(start, content.length, true);
    this.#stores.ram.write(start, content);
  }

  /** Copies within RAM. */
  copy(target: number, source: number, length: number): void {
    this.#check(source, length, false);
    this.#check(target, length, true);
    this.#stores.ram.copy(target, source, length);
  }

  /** Bytes of RAM there are. */
  get ramBytes(): number {
    return this.#stores.ram.byteLength;
  }

  /** The blocks, for the disk alone. */
  get blocks(): BlockStore {
    if (this.#reach.owns !== "blocks" || this.#stores.blocks === undefined) {
      throw new ProtocolError("Blocks touched by an actor that does not own them", {
        actor: this.#reach.actor,
        type: "blocks",
      });
    }
    return this.#stores.blocks;
  }

  #check(start: number, length: number, write: boolean): void {
    const { actor, owns, grants, lent } = this.#reach;
    const type = write ? "ram.write" : "ram.read";
    const at = `0x${start.toString(16)}+0x${length.toString(16)}`;
    if (start < 0 || length < 0 || start + length > this.#stores.ram.byteLength) {
      throw new ProtocolError(`Access to ${at} beyond the end of RAM`, { actor, type });
    }
    if (owns === "ram") {
      const crossed = lent.find((grant) =>
        (grant.write || write) && grant.start < start + length &&
        start < grant.start + grant.length
      );
      if (crossed === undefined) return;
      throw new ProtocolError(`Access to ${at} crosses grant ${crossed.id} that is out`, {
        actor,
        type,
      });
    }
    const covered = grants.some((grant) =>
      (grant.write || !write) && grant.start <= start &&
      start + length <= grant.start + grant.length
    );
    if (!covered) {
      throw new ProtocolError(`Access to ${at} outside every grant of this message`, {
        actor,
        type,
      });
    }
  }
}
