/**
 * Puts the toys together: a plan, stores, a run.
 *
 * @module
 */
import { BlockStore } from "../../machine/block_store.ts";
import type { Choice } from "../../machine/choices.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import type { Registry } from "../../machine/actor.ts";
import { type RunPlan, Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { Transport } from "../../machine/transport/transport.ts";
import { toyRegistry } from "./toys.ts";

const KIBIBYTE = 1024;
/** RAM of a toy machine. */
export const RAM_BYTES = 512 * KIBIBYTE;
/** Disk of a toy machine. */
export const DISK_BYTES = 512 * KIBIBYTE;

/** What may vary from the plainest toy run. */
export interface ToyOptions {
  readonly seed?: number;
  readonly choices?: readonly Choice[];
  readonly seededOrder?: boolean;
  readonly cycles?: number;
  readonly rounds?: number;
  readonly batchMax?: number;
  readonly registry?: Registry;
  readonly observe?: boolean;
}

/** The plan of a toy run. */
export function toyPlan(options: ToyOptions = {}): RunPlan {
  const seed = options.seed ?? 1;
  const rounds = options.rounds ?? 4;
  const kernel = (name: string, index: number, last: number) => ({
    name,
    behaviour: "toy_kernel",
    config: { seed: seed * 31 + index, rounds, base: index * 0x20000, last },
  });
  return {
    registry: options.registry ?? toyRegistry(),
    people: [
      { name: "person", behaviour: "toy_person", config: { cycles: options.cycles ?? 2 } },
    ],
    hardware: [
      { name: "firmware", behaviour: "toy_firmware", config: null },
      { name: "memory", behaviour: "toy_memory", config: null },
      { name: "disk", behaviour: "toy_disk", config: null },
      { name: "console", behaviour: "toy_console", config: null },
      kernel("a", 0, 1),
      kernel("b", 1, 0),
    ],
    makeRam: () => FlatStore.make(RAM_BYTES),
    linkLatency: 100,
    seed,
    choices: options.choices ?? [],
    seededOrder: options.seededOrder ?? false,
    observer: (fact, _, ram) =>
      options.observe === true && fact === "image_start"
        ? [{ name: "image_start", fields: { k: "x", start: `0x${ram.view(0x20000, 1)[0]}` } }]
        : [],
    batchMax: options.batchMax ?? 8,
  };
}

/** A toy machine's disk in memory. */
export function toyBlocks(): BlockStore {
  return new BlockStore(
    new MemoryMedium(FlatStore.make(DISK_BYTES)),
    FlatStore.make(16 * KIBIBYTE),
  );
}

/** A run with all that it left. */
export interface ToyRun {
  readonly hash: string;
  readonly generator: string;
  readonly text: string;
  readonly outcome: string | undefined;
  readonly choices: readonly Choice[];
  readonly disk: Uint8Array;
}

/** Runs a plan to its end on a transport. */
export function runToys(plan: RunPlan, transport: Transport, blocks: BlockStore): ToyRun {
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const scheduler = new Scheduler(plan, transport, recorder);
  while (scheduler.advance(1000));
  return {
    hash: recorder.hash(),
    generator: JSON.stringify(scheduler.random.state()),
    text: sink.text,
    outcome: scheduler.outcome,
    choices: scheduler.choicesMade(),
    disk: diskContent(blocks),
  };
}

/** All durable bytes of a disk. */
export function diskContent(blocks: BlockStore): Uint8Array {
  const content = new Uint8Array(blocks.medium.byteLength);
  blocks.medium.read(0, content);
  return content;
}

/** Where the toys' worker module is. */
export const TOY_WORKER: URL = new URL("./toy_worker.ts", import.meta.url);

/** Runs a plan inline. */
export function runInline(plan: RunPlan, blocks: BlockStore = toyBlocks()): ToyRun {
  return runToys(plan, new InlineTransport(plan.registry, blocks), blocks);
}
