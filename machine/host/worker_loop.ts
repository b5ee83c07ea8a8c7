/**
 * The worker's side of the worker transport: takes requests out of shared memory, runs steps,
 * writes the replies. It sleeps between requests and ends when the stop word is set.
 *
 * Nothing is thrown out of it: what goes wrong is told in the reply.
 *
 * @module
 */
import type { Stores } from "../access.ts";
import type { Registry } from "../actor.ts";
import type { BlockStore } from "../block_store.ts";
import type { StepResult } from "../effects.ts";
import { TransportError } from "../errors.ts";
import { FlatStore, type FlatStoreParts } from "../flat_store.ts";
import type { Plain } from "../messages/shape.ts";
import { type ActorStart, type Cell, startCell, type StepOrder } from "../step.ts";
import { type BlockSource, closeBlocks, openBlocks } from "./block_source.ts";
import { Channel, type ChannelParts, PHASE, WORD } from "./channel.ts";

/** What the scheduler's thread asks. */
export type Request =
  | { readonly op: "start"; readonly actor: ActorStart }
  | { readonly op: "step"; readonly orders: readonly StepOrder[] }
  | { readonly op: "state"; readonly name: string }
  | { readonly op: "end"; readonly name: string }
  /** Go back to the event loop: a message with other RAM will come. */
  | { readonly op: "listen" };

/** What the worker answers. */
export type Reply =
  | { readonly kind: "results"; readonly results: readonly StepResult[] }
  | { readonly kind: "state"; readonly state: Plain }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly actor: string; readonly message: string };

/** What is handed to a worker as a message: only shared memory travels this way. */
export interface Handover {
  readonly channel: ChannelParts;
  readonly ram: FlatStoreParts;
  /** The disk's blocks, for the worker in which the disk runs. */
  readonly blocks?: BlockSource;
}

/** Serves one handover after the other; a worker's entry module calls it once. */
export function serveWorker(registry: Registry): void {
  const worker = new WorkerLoop(registry);
  globalThis.addEventListener("message", (event) => {
    // Only our own transport has the other end of this worker, and it posts nothing else.
    if (event instanceof MessageEvent) worker.serve(event.data as Handover);
  });
}

class WorkerLoop {
  readonly #registry: Registry;
  readonly #cells: Map<string, Cell> = new Map();
  #channel: Channel | undefined;
  #blocks: BlockStore | undefined;
  #stores: Stores = { ram: FlatStore.make(0) };

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Answers requests until it is to listen again or to end. */
  serve(handover: Handover): void {
    const channel = this.#channel ??= new Channel(handover.channel);
    let trouble = this.#take(handover);
    channel.set(WORD.phase, PHASE.serving);
    for (;;) {
      const seen = channel.get(WORD.taken);
      while (channel.get(WORD.request) === seen && channel.get(WORD.stop) === 0) {
        channel.sleepWhile(WORD.request, seen, Number.POSITIVE_INFINITY);
      }
      if (channel.get(WORD.stop) !== 0) return this.#end(channel);
      channel.set(WORD.taken, seen + 1);
      const request = channel.request.read() as Request;
      const reply = trouble ?? this.#answer(channel, request);
      trouble = undefined;
      this.#reply(channel, reply);
      if (request.op === "listen") return;
    }
  }

  #take(handover: Handover): Reply | undefined {
    try {
      if (handover.blocks !== undefined && this.#blocks === undefined) {
        this.#blocks = openBlocks(handover.blocks);
      }
      const blocks = this.#blocks === undefined ? {} : { blocks: this.#blocks };
      this.#stores = { ram: new FlatStore(handover.ram), ...blocks };
      return undefined;
    } catch (error) {
      return { kind: "failed", actor: "", message: String(error) };
    }
  }

  #reply(channel: Channel, reply: Reply): void {
    try {
      channel.reply.write(reply);
    } catch (error) {
      channel.reply.write({ kind: "failed", actor: "", message: String(error) } satisfies Reply);
    }
    channel.set(WORD.reply, channel.get(WORD.reply) + 1);
  }

  #answer(channel: Channel, request: Request): Reply {
    try {
      return this.#handle(channel, request);
    } catch (error) {
      const actor = error instanceof TransportError ? error.actor : "";
      const message = error instanceof Error ? error.message : String(error);
      return { kind: "failed", actor, message };
    }
  }

  #handle(channel: Channel, request: Request): Reply {
    switch (request.op) {
      case "start": {
        const { cell, result } = startCell(this.#registry, request.actor);
        this.#cells.set(request.actor.name, cell);
        return { kind: "results", results: [result] };
      }
      case "step": {
        const results = request.orders.map((order, index) => {
          Atomics.store(channel.control, WORD.order, index);
          return this.#cell(order.actor).run(order, this.#stores);
        });
        return { kind: "results", results };
      }
      case "state":
        return { kind: "state", state: this.#cell(request.name).state };
      case "end":
        this.#cells.delete(request.name);
        return { kind: "done" };
      case "listen":
        return { kind: "done" };
    }
  }

  #cell(name: string): Cell {
    const cell = this.#cells.get(name);
    if (cell === undefined) throw new TransportError(name, "is not running in its worker");
    return cell;
  }

  #end(channel: Channel): void {
    this.#cells.clear();
    if (this.#blocks !== undefined) closeBlocks(this.#blocks);
    channel.set(WORD.phase, PHASE.ended);
    globalThis.close();
  }
}
