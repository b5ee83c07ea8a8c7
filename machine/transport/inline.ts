/**
 * All actors in one thread, one after the other: the plainest transport, and the one that
 * exploration uses.
 *
 * @module
 */
import type { Stores } from "../access.ts";
import type { Registry } from "../actor.ts";
import type { BlockStore } from "../block_store.ts";
import type { StepResult } from "../effects.ts";
import { TransportError } from "../errors.ts";
import { FlatStore } from "../flat_store.ts";
import type { Plain } from "../messages/shape.ts";
import { type ActorStart, bareOrder, type Cell, startCell, type StepOrder } from "../step.ts";
import type { Transport } from "./transport.ts";

/** What an inline transport may do besides. */
export interface InlineOptions {
  /**
   * Passes every order and result through JSON, as between threads: an actor that shares data
   * with another, or sends what JSON does not keep, then differs from the plain transport. For
   * tests.
   */
  readonly isolate?: boolean;
}

/** See the module's header. */
export class InlineTransport implements Transport {
  readonly name = "inline";
  readonly parallel = false;
  readonly #registry: Registry;
  readonly #isolate: boolean;
  readonly #cells: Map<string, Cell> = new Map();
  readonly #slots: (Cell | undefined)[] = [];
  readonly #results: StepResult[] = [];
  #stores: Stores;

  constructor(registry: Registry, blocks: BlockStore, options: InlineOptions = {}) {
    this.#registry = registry;
    this.#isolate = options.isolate ?? false;
    this.#stores = { ram: FlatStore.make(0), blocks };
  }

  useRam(ram: FlatStore): void {
    this.#stores = { ...this.#stores, ram };
  }

  start(actor: ActorStart): StepResult {
    if (this.#cells.has(actor.name)) this.stop(actor.name);
    const { cell, result } = startCell(this.#registry, this.#apart(actor));
    this.#cells.set(actor.name, cell);
    this.#slots[actor.slot] = cell;
    return this.#apart(result);
  }

  step(batch: readonly StepOrder[]): readonly StepResult[] {
    const results = this.#results;
    if (results.length !== batch.length) results.length = batch.length;
    for (let index = 0; index < batch.length; index++) {
      const order = batch[index];
      if (order !== undefined) results[index] = this.#run(order);
    }
    return results;
  }

  stateOf(name: string): Plain {
    return this.#cell(name).state;
  }

  stop(name: string): void {
    const slot = this.#slots.indexOf(this.#cell(name));
    if (slot >= 0) this.#slots[slot] = undefined;
    this.#cells.delete(name);
  }

  close(): void {
    this.#cells.clear();
    this.#slots.length = 0;
  }

  #run(order: StepOrder): StepResult {
    const cell = this.#slots[order.slot];
    if (cell === undefined) throw new TransportError(order.actor, "is not running");
    if (!this.#isolate) return cell.run(order, this.#stores);
    return this.#apart(cell.run(this.#apart(bareOrder(order)), this.#stores));
  }

  #apart<T>(value: T): T {
    return this.#isolate ? JSON.parse(JSON.stringify(value)) : value;
  }

  #cell(name: string): Cell {
    const cell = this.#cells.get(name);
    if (cell === undefined) throw new TransportError(name, "is not running");
    return cell;
  }
}
