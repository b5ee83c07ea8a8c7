/**
 * What the engine costs: the scheduler against a bare loop over the same heap, the trace, and a
 * machine's checkpoint by copy on write against a full copy. Both sides of a ratio are measured
 * in turns in one run, and the median of the ratios is given, so that another program on the same
 * processor does not decide the result.
 *
 * @module
 */
import type { Envelope, Out } from "../machine/actor.ts";
import { BlockStore } from "../machine/block_store.ts";
import { copyStores, keepOnly, takeCheckpoint } from "../machine/checkpoint.ts";
import { FlatStore } from "../machine/flat_store.ts";
import { MemoryMedium } from "../machine/medium.ts";
import { type Delivery, DeliveryQueue } from "../machine/queue.ts";
import { Scheduler } from "../machine/scheduler.ts";
import { Recorder } from "../machine/trace/recorder.ts";
import { InlineTransport } from "../machine/transport/inline.ts";
import { ANSWERING, ASKING, type Count, pingPong } from "./engine_toys.ts";

/** One row of the table of benchmarks. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: number;
  /** How `value` stands to `baseline`. */
  readonly ratio: number;
  readonly target: number;
  /** Whether less is better: a ratio of at most the target. */
  readonly atMost?: boolean;
  readonly met: boolean;
}

const REPETITIONS = 7;
const MEBIBYTE = 1024 * 1024;
const SINK = { lines() {}, blob() {} };

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Seconds that an operation takes. */
function seconds(operation: () => void): number {
  const begin = performance.now();
  operation();
  return (performance.now() - begin) / 1000;
}

function memoryDisk(byteLength: number): BlockStore {
  return new BlockStore(new MemoryMedium(FlatStore.make(byteLength)), FlatStore.make(65536));
}

function engine(pairs: number, silent: boolean): Scheduler {
  const plan = pingPong(pairs);
  const transport = new InlineTransport(plan.registry, memoryDisk(65536));
  return new Scheduler(plan, transport, new Recorder(SINK, undefined, { silent }));
}

type Handler = (state: Count, envelope: Envelope, out: Out) => Count;

interface BareActor {
  state: Count;
  readonly on: { readonly [type: string]: Handler };
}

/**
 * The same handlers and the same heap with nothing in between: no check, no trace, no grants, no
 * batches, no isolation of effects. Returns a function that makes so many deliveries.
 */
function bareLoop(pairs: number): (deliveries: number) => void {
  const queue = new DeliveryQueue();
  const actors = new Map<string, BareActor>();
  let tie = 0;
  let now = 0;
  let self = "";
  const send = (target: string, type: string, body: unknown, after = 0): void => {
    const envelope = { id: tie, source: self, target, type, body } as Envelope;
    queue.push({ vt: now + 100 + after, tie: tie++, actor: target, envelope });
  };
  const nothing = (): never => {
    throw new Error("The bare loop only sends");
  };
  const out: Out = {
    get now() {
      return now;
    },
    get self() {
      return self;
    },
    send,
    timer: nothing,
    fact: nothing,
    grant: nothing,
    spawn: nothing,
    dispose: nothing,
    power: nothing,
    finish: nothing,
  };
  const enter = (name: string, on: unknown): void => {
    actors.set(name, { state: { handled: 0 }, on: on as BareActor["on"] });
  };
  enter("memory", ANSWERING);
  for (let index = 0; index < pairs; index++) {
    self = `asker${index}`;
    enter(self, ASKING);
    send("memory", "memory.read", { tag: "0", by: self, address: 4096, length: 8 });
  }
  const deliver = ({ vt, actor, envelope }: Delivery): void => {
    const life = actors.get(actor);
    if (life === undefined || envelope === undefined) return;
    now = vt;
    self = actor;
    const handler = life.on[envelope.type];
    if (handler !== undefined) life.state = handler(life.state, envelope, out);
  };
  return (deliveries) => {
    for (let count = 0; count < deliveries; count++) {
      const delivery = queue.pop();
      if (delivery !== undefined) deliver(delivery);
    }
  };
}

function bareEngine(pairs: number): Row {
  const count = 400_000;
  const target = 0.5;
  const scheduler = engine(pairs, true);
  const bare = bareLoop(pairs);
  const rates: { value: number; baseline: number }[] = [];
  for (let round = 0; round < REPETITIONS; round++) {
    const baseline = count / seconds(() => bare(count)) / 1e6;
    const value = count / seconds(() => scheduler.advance(count)) / 1e6;
    rates.push({ value, baseline });
  }
  const ratio = median(rates.map((rate) => rate.value / rate.baseline));
  return {
    name: `bare engine against a bare heap loop, ${pairs} in flight`,
    value: median(rates.map((rate) => rate.value)),
    unit: "M deliveries/s",
    baseline: median(rates.map((rate) => rate.baseline)),
    ratio,
    target,
    met: ratio >= target,
  };
}

function tracedEngine(): Row {
  const events = 400_000;
  const scheduler = engine(8, false);
  const rates: number[] = [];
  for (let round = 0; round < REPETITIONS; round++) {
    const from = scheduler.recorder.next;
    const time = seconds(() => {
      scheduler.advance(events / 2);
      scheduler.recorder.hash();
    });
    rates.push((scheduler.recorder.next - from) / time / 1e6);
  }
  const value = median(rates);
  return {
    name: "engine with full trace and SHA-256",
    value,
    unit: "M events/s",
    baseline: 1,
    ratio: value,
    target: 1,
    met: value >= 1,
  };
}

/** A run over a machine of 64 MiB RAM and disk each, whose RAM has been written once. */
function checkpoint(): Row {
  const plan = { ...pingPong(8), makeRam: () => FlatStore.make(64 * MEBIBYTE) };
  const blocks = memoryDisk(64 * MEBIBYTE);
  const transport = new InlineTransport(plan.registry, blocks);
  const recorder = new Recorder(SINK, undefined, { silent: true });
  const scheduler = new Scheduler(plan, transport, recorder);
  const content = new Uint8Array(MEBIBYTE).fill(7);
  for (let at = 0; at < 64; at++) scheduler.ram.write(at * MEBIBYTE, content);
  const target = 100;
  const times: { value: number; baseline: number }[] = [];
  for (let round = 0; round < REPETITIONS; round++) {
    scheduler.advance(100);
    let taken = takeCheckpoint(scheduler, blocks);
    const value = seconds(() => {
      taken = takeCheckpoint(scheduler, blocks);
      // The price of copy on write comes with the writes: 64 pages of them.
      for (let page = 0; page < 64; page++) {
        scheduler.ram.write(page * 65536, content.subarray(0, 8));
      }
    });
    const baseline = seconds(() => void copyStores(taken));
    keepOnly([], [taken]);
    times.push({ value: value * 1e6, baseline: baseline * 1e6 });
  }
  const ratio = median(times.map((time) => time.baseline / time.value));
  return {
    name: "machine checkpoint with 64 pages written after it, against a full copy (128 MiB)",
    value: median(times.map((time) => time.value)),
    unit: "us",
    baseline: median(times.map((time) => time.baseline)),
    ratio,
    target,
    met: ratio >= target,
  };
}

/** Measures all rows. */
export function measure(): Promise<Row[]> {
  return Promise.resolve([
    bareEngine(1),
    bareEngine(8),
    bareEngine(60),
    tracedEngine(),
    checkpoint(),
  ]);
}

if (import.meta.main) {
  for (const row of await measure()) {
    const { name, value, unit, baseline, ratio, target, met } = row;
    const figures = `${value.toFixed(2)} ${unit}, baseline ${baseline.toFixed(2)}`;
    const verdict = met ? "met" : "NOT met";
    Deno.stdout.writeSync(
      new TextEncoder().encode(
        `${name}: ${figures}, ratio ${ratio.toFixed(2)} (target ${target}: ${verdict})\n`,
      ),
    );
  }
}
