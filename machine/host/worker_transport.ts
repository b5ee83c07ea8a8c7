/**
 * Actors in Deno workers: one worker each, or several grouped. The orders of a batch are posted
 * to all their workers first and collected afterwards, so they run in parallel; what comes of
 * them is the same as inline.
 *
 * Workers have no rights; the disk's has exactly its file. They are made ahead where asked for
 * ({@linkcode WorkerTransport.prewarm}), blank: a spare knows nothing until an actor is started in
 * it, and ends with that actor.
 *
 * @module
 */
import type { Registry } from "../actor.ts";
import type { StepResult } from "../effects.ts";
import { TransportError } from "../errors.ts";
import { FlatStore } from "../flat_store.ts";
import { LIMITS } from "../limits.ts";
import type { Plain } from "../messages/shape.ts";
import { type ActorStart, bareOrder, type StepOrder } from "../step.ts";
import type { Transport } from "../transport/transport.ts";
import type { BlockSource } from "./block_source.ts";
import { type WorkerBounds, WorkerHandle } from "./worker_handle.ts";

/** What a worker transport is made of. */
export interface WorkerTransportOptions extends Partial<WorkerBounds> {
  /**
   * Module that calls `serveWorker`, or one for each kind of behaviour: a module that imports
   * less starts sooner.
   */
  readonly entry: URL | ((behaviour: string) => URL);
  readonly registry: Registry;
  /** The disk's blocks. */
  readonly blocks: BlockSource;
  /** The group in whose worker an actor runs; its own name by default. */
  readonly grouping?: (name: string) => string;
  /** Whether a spare that is taken is replaced at once, so that it loads while the run goes on. */
  readonly refill?: boolean;
  /** Name of the actor that owns the blocks; its group's worker gets them. */
  readonly disk?: string;
}

const DEFAULTS: WorkerBounds = {
  watchdogMilliseconds: 60_000,
  startMilliseconds: 60_000,
  endMilliseconds: 30_000,
  creditOrders: LIMITS.liveActors,
};

/** A worker and who lives in it. */
interface Group {
  readonly name: string;
  readonly handle: WorkerHandle;
  readonly actors: Map<string, string>;
  /** Orders of the batch that is being posted, and where their results go. */
  orders: StepOrder[];
  indices: number[];
}

/** See the module's header. */
export class WorkerTransport implements Transport {
  readonly name = "worker";
  readonly parallel = true;
  readonly #options: WorkerTransportOptions;
  readonly #bounds: WorkerBounds;
  readonly #groups: Map<string, Group> = new Map();
  readonly #groupOf: Map<string, Group> = new Map();
  /** Blank workers by {@linkcode WorkerTransport.#poolOf}. */
  readonly #spares: Map<string, WorkerHandle[]> = new Map();
  #ram: FlatStore = FlatStore.make(0);

  constructor(options: WorkerTransportOptions) {
    this.#options = options;
    this.#bounds = {
      watchdogMilliseconds: options.watchdogMilliseconds ?? DEFAULTS.watchdogMilliseconds,
      startMilliseconds: options.startMilliseconds ?? DEFAULTS.startMilliseconds,
      endMilliseconds: options.endMilliseconds ?? DEFAULTS.endMilliseconds,
      creditOrders: options.creditOrders ?? DEFAULTS.creditOrders,
    };
  }

  /** Workers that hold actors at this moment. */
  get workers(): number {
    return this.#groups.size;
  }

  /**
   * Starts blank workers ahead, so that there are `count` of them, and one for a disk in a file.
   *
   * @param behaviour for which kind of actor, where there are several entries.
   */
  prewarm(count: number, behaviour = ""): void {
    this.#fill(this.#poolOf(behaviour, false), count, behaviour, false);
    const { blocks, registry } = this.#options;
    if (blocks.kind !== "file") return;
    const disk = [...registry.values()].find((other) => other.owns === "blocks")?.kind ?? "";
    this.#fill(this.#poolOf(disk, true), 1, disk, true);
  }

  useRam(ram: FlatStore): void {
    this.#ram = ram;
    for (const group of this.#groups.values()) group.handle.handOver({ ram: ram.parts });
  }

  start(actor: ActorStart): StepResult {
    const running = this.#groupOf.get(actor.name);
    if (running !== undefined && running.actors.get(actor.name) !== actor.behaviour) {
      throw new TransportError(actor.name, "is running already as something else");
    }
    const group = running ?? this.#groupFor(actor);
    group.actors.set(actor.name, actor.behaviour);
    this.#groupOf.set(actor.name, group);
    const reply = group.handle.ask({ op: "start", actor }, actor.name);
    const result = reply.kind === "results" ? reply.results[0] : undefined;
    if (result === undefined) throw new TransportError(actor.name, "its start gave no result");
    return result;
  }

  step(batch: readonly StepOrder[]): readonly StepResult[] {
    const groups = new Set<Group>();
    batch.forEach((order, index) => {
      const group = this.#group(order.actor);
      if (!groups.has(group)) {
        groups.add(group);
        group.orders = [];
        group.indices = [];
      }
      group.orders.push(bareOrder(order));
      group.indices.push(index);
    });
    for (const group of groups) {
      group.handle.post({ op: "step", orders: group.orders }, group.orders[0]?.actor ?? group.name);
    }
    const results: StepResult[] = [];
    for (const group of groups) {
      const reply = group.handle.collect(group.orders[0]?.actor ?? group.name);
      group.indices.forEach((index, position) => {
        const result = reply.kind === "results" ? reply.results[position] : undefined;
        if (result !== undefined) results[index] = result;
      });
    }
    return results;
  }

  stateOf(name: string): Plain {
    const reply = this.#group(name).handle.ask({ op: "state", name }, name);
    if (reply.kind !== "state") throw new TransportError(name, "gave no state");
    return reply.state;
  }

  /** Ends an actor, and its worker with the last of a group. */
  stop(name: string): void {
    const group = this.#group(name);
    this.#groupOf.delete(name);
    group.actors.delete(name);
    if (group.actors.size > 0) {
      group.handle.ask({ op: "end", name }, name);
      return;
    }
    this.#groups.delete(group.name);
    group.handle.stop();
    group.handle.ended(name);
  }

  /**
   * Ends all workers.
   *
   * @throws {TransportError} if one would not end; the others have ended all the same.
   */
  close(): void {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    this.#groupOf.clear();
    for (const spares of this.#spares.values()) for (const spare of spares) spare.ended("");
    this.#spares.clear();
    for (const group of groups) group.handle.stop();
    const deadline = performance.now() + this.#bounds.endMilliseconds;
    let trouble: unknown;
    for (const group of groups) {
      try {
        group.handle.ended([...group.actors.keys()].join("', '"), deadline);
      } catch (error) {
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
  }

  #group(actor: string): Group {
    const group = this.#groupOf.get(actor);
    if (group === undefined) throw new TransportError(actor, "is not running");
    return group;
  }

  #groupFor(actor: ActorStart): Group {
    const { blocks, registry } = this.#options;
    const name = this.#groupName(actor.name);
    const forDisk = name === this.#groupName(this.#options.disk ?? "disk");
    if (registry.get(actor.behaviour)?.owns === "blocks" && !forDisk) {
      throw new TransportError(actor.name, `owns blocks, but group '${name}' is not the disk's`);
    }
    let group = this.#groups.get(name);
    if (group !== undefined) return group;
    const handle = this.#take(actor.behaviour, forDisk);
    handle.handOver({ ram: this.#ram.parts, ...(forDisk ? { blocks } : {}) });
    group = { name, handle, actors: new Map(), orders: [], indices: [] };
    this.#groups.set(name, group);
    return group;
  }

  #groupName(actor: string): string {
    return this.#options.grouping?.(actor) ?? actor;
  }

  /** A spare worker, or a new one. */
  #take(behaviour: string, forDisk: boolean): WorkerHandle {
    const pool = this.#poolOf(behaviour, forDisk);
    const spare = pool.shift();
    if (spare === undefined) return this.#make(behaviour, forDisk);
    if (this.#options.refill === true) this.#fill(pool, pool.length + 1, behaviour, forDisk);
    return spare;
  }

  #fill(pool: WorkerHandle[], count: number, behaviour: string, forDisk: boolean): void {
    while (pool.length < count) pool.push(this.#make(behaviour, forDisk));
  }

  /** Spares with the same entry and rights. */
  #poolOf(behaviour: string, forDisk: boolean): WorkerHandle[] {
    const key = `${this.#entryOf(behaviour)} ${this.#pathFor(forDisk) ?? ""}`;
    let pool = this.#spares.get(key);
    if (pool === undefined) this.#spares.set(key, pool = []);
    return pool;
  }

  #entryOf(behaviour: string): URL {
    const { entry } = this.#options;
    return typeof entry === "function" ? entry(behaviour) : entry;
  }

  /** The file to which a worker has rights. */
  #pathFor(forDisk: boolean): string | undefined {
    const { blocks } = this.#options;
    return forDisk && blocks.kind === "file" ? blocks.path : undefined;
  }

  #make(behaviour: string, forDisk: boolean): WorkerHandle {
    const path = this.#pathFor(forDisk);
    const rights = path === undefined ? {} : { path };
    return new WorkerHandle(this.#entryOf(behaviour), rights, this.#bounds);
  }
}
