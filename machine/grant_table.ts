/**
 * Which grants are out and who holds them: the simulated IOMMU. Writers are exclusive; only a
 * holder may pass a grant on or give it back (DESIGN.md 4).
 *
 * @module
 */
import { ProtocolError } from "./errors.ts";
import { withinLimit } from "./limits.ts";
import type { Grant } from "./messages/declare.ts";

/** A grant that is out. */
export interface OpenGrant {
  readonly grant: Grant;
  readonly holder: string;
}

function overlap(left: Grant, right: Grant): boolean {
  return left.start < right.start + right.length && right.start < left.start + left.length;
}

/** See the module's header. */
export class GrantTable {
  #open: Map<number, OpenGrant>;
  #next: number;
  #lent: readonly Grant[] | undefined;

  constructor(open: readonly OpenGrant[] = [], next = 1) {
    this.#open = new Map(open.map((entry) => [entry.grant.id, entry]));
    this.#next = next;
  }

  /** The number the next grant gets. */
  get next(): number {
    return this.#next;
  }

  /** Grants out, in order of their numbers. */
  lent(): readonly Grant[] {
    this.#lent ??= [...this.#open.values()].map((entry) => entry.grant);
    return this.#lent;
  }

  list(): readonly OpenGrant[] {
    return [...this.#open.values()];
  }

  /** Notes that a message carries grants from `sender` to `target`; an owner opens new ones. */
  carry(
    grants: readonly Grant[],
    sender: string,
    target: string,
    owner: boolean,
    type: string,
  ): void {
    for (const grant of grants) {
      const known = this.#open.get(grant.id);
      if (known === undefined) {
        if (!owner) this.#refuse(grant, "is not open", sender, type);
        this.#admit(grant, sender, type);
      } else if (known.holder !== sender) {
        this.#refuse(grant, `is held by '${known.holder}'`, sender, type);
      }
      this.#open.set(grant.id, { grant: known?.grant ?? grant, holder: target });
    }
    this.#lent = undefined;
  }

  /** Closes grants that came back to their owner. */
  close(grants: readonly Grant[]): void {
    for (const grant of grants) this.#open.delete(grant.id);
    this.#lent = undefined;
  }

  /** Closes what an actor that ended held, save what is still under way to it. */
  closeOf(holder: string, underWay: ReadonlySet<number>): void {
    for (const [id, entry] of this.#open) {
      if (entry.holder === holder && !underWay.has(id)) this.#open.delete(id);
    }
    this.#lent = undefined;
  }

  /** Forgets all: the power went. */
  clear(): void {
    this.#open.clear();
    this.#lent = undefined;
  }

  #admit(grant: Grant, actor: string, type: string): void {
    withinLimit("grantBytes", grant.length);
    withinLimit("openGrants", this.#open.size + 1);
    for (const other of this.#open.values()) {
      if ((grant.write || other.grant.write) && overlap(grant, other.grant)) {
        this.#refuse(grant, `overlaps grant ${other.grant.id} of '${other.holder}'`, actor, type);
      }
    }
    this.#next = Math.max(this.#next, grant.id + 1);
  }

  #refuse(grant: Grant, why: string, actor: string, type: string): never {
    const at = `0x${grant.start.toString(16)}+0x${grant.length.toString(16)}`;
    throw new ProtocolError(`Grant ${grant.id} (${at}) ${why}`, { actor, type });
  }
}
