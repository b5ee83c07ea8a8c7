/**
 * A small bench for one or a few actors of the hardware: a person who switches the machine on,
 * and a driver in a kernel's role whose story is a generator. `yield` in a story waits for the
 * next message; between two yields the story is in one step, with that step's grants.
 */
import { collectGarbage } from "../collect_garbage.ts";
import type { Access } from "../../machine/access.ts";
import {
  type AnyBehaviour,
  type Envelope,
  type Handlers,
  type Out,
  registryOf,
  seal,
} from "../../machine/actor.ts";
import { BlockStore } from "../../machine/block_store.ts";
import type { Choice } from "../../machine/choices.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { type Medium, MemoryMedium } from "../../machine/medium.ts";
import type { Role } from "../../machine/messages/declare.ts";
import { type Body, MESSAGES, type MessageType } from "../../machine/messages/vocabulary.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { isEvent } from "../../machine/trace/event_shape.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { HARDWARE_BEHAVIOURS, type HardwareActor } from "../../actors/hardware.ts";

const MIB = 1024 ** 2;
export const LINK_NS = 1000;

/** What a story is resumed with. */
export interface Arrival {
  readonly envelope: Envelope;
}

/** A story: yields nothing, is resumed with what arrived. */
export type Story = Generator<undefined, void, Arrival>;

/** A story's hands: those of the step it is in. */
export class Hands {
  #out: Out | undefined;
  #access: Access | undefined;
  use(out: Out, access?: Access): void {
    this.#out = out;
    this.#access = access;
  }
  get out(): Out {
    if (this.#out === undefined) throw new Error("Not in a step");
    return this.#out;
  }
  get access(): Access {
    if (this.#access === undefined) throw new Error("No access before the first message");
    return this.#access;
  }
  /** Sends a request and waits for the answer with its tag; other messages are passed over. */
  *ask<T extends MessageType>(
    target: string,
    type: T,
    body: Body<T>,
  ): Generator<undefined, Envelope, Arrival> {
    this.out.send(target, type, body);
    const tag: unknown = Reflect.get(body, "tag");
    for (;;) {
      const { envelope } = yield;
      if (Reflect.get(envelope.body, "tag") === tag) return envelope;
    }
  }
}

const isType = (name: string): name is MessageType => Object.hasOwn(MESSAGES, name);
const ALL_TYPES = Object.keys(MESSAGES).filter(isType);

/** An actor that does whatever `handle` does with every message. */
export function actorOf(
  kind: string,
  role: Role,
  handle: (envelope: Envelope, out: Out, access: Access) => void,
  begin?: (out: Out) => void,
): AnyBehaviour {
  const on = Object.fromEntries(ALL_TYPES.map((type) => [
    type,
    (state: null, envelope: Envelope, out: Out, access: Access) => {
      handle(envelope, out, access);
      return state;
    },
  ])) as Handlers<null>;
  return seal<null>({
    kind,
    role,
    doc: "For a test.",
    states: { on: { handles: ALL_TYPES } },
    start(_, out) {
      begin?.(out);
      return null;
    },
    label: () => "on",
    on,
  });
}

/** Drivers whose story is told, which ends a run. */
const told = new WeakSet<AnyBehaviour>();

/** A driver in a kernel's role that runs a story, and ends the run with it. */
export function driverOf(kind: string, tell: (hands: Hands) => Story): AnyBehaviour {
  const hands = new Hands();
  let story: Story | undefined;
  const advance = (step: IteratorResult<undefined, void>) => {
    if (step.done === true) told.add(driver);
  };
  const driver = actorOf(kind, "kernel", (envelope, out, access) => {
    hands.use(out, access);
    if (story !== undefined) advance(story.next({ envelope }));
  }, (out) => {
    hands.use(out);
    story = tell(hands);
    advance(story.next());
  });
  return driver;
}

function parseTraceLine(line: string): TraceEvent {
  const value: unknown = JSON.parse(line);
  if (!isEvent(value)) throw new Error(`No event: ${line}`);
  return value;
}

/** What a bench is made of. */
export interface BenchPlan {
  readonly hardware: readonly HardwareActor[];
  readonly behaviours?: readonly AnyBehaviour[];
  readonly medium?: Medium;
  readonly ramBytes?: number;
  readonly choices?: readonly Choice[];
  /** How often the person switches on; once unless given. */
  readonly cycles?: number;
  /** What the person picks from the menu. */
  readonly choose?: { readonly entry: string; readonly append: string };
  /** The same, by what is preselected and how often the menu was shown. */
  readonly onMenu?: (preselected: string, times: number) => Body<"loader.choose">;
  readonly cacheBytes?: number;
  /** What the person types, and when after the start of the run. */
  readonly typed?: readonly { readonly after: number; readonly line: string }[];
}

/** A finished run. */
export class BenchRun {
  readonly scheduler: Scheduler;
  readonly events: readonly TraceEvent[];
  readonly shown: readonly string[];
  readonly medium: Medium;
  constructor(scheduler: Scheduler, text: string, shown: readonly string[], medium: Medium) {
    this.scheduler = scheduler;
    this.events = text.trimEnd().split("\n").map(parseTraceLine);
    this.shown = shown;
    this.medium = medium;
  }
  /** Summaries of a fact, in order. */
  facts(name: string): readonly Record<string, unknown>[] {
    return this.events.filter((event) => event.type === `fact.${name}`)
      .map((event) => ({ ...event.summary }));
  }
  /** Virtual times of a fact. */
  factTimes(name: string): readonly number[] {
    return this.events.filter((event) => event.type === `fact.${name}`).map((event) => event.vt);
  }
  bytes(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.medium.read(offset, bytes);
    return bytes;
  }
}

/** A blank disk. */
export function blankMedium(byteLength: number = MIB): MemoryMedium {
  return new MemoryMedium(FlatStore.make(byteLength));
}

function personOf(plan: BenchPlan, shown: string[]): AnyBehaviour {
  let left = plan.cycles ?? 1;
  let menus = 0;
  return actorOf("person", "operator", (envelope, out) => {
    if (envelope.type === "console.shown") shown.push(String(Reflect.get(envelope.body, "text")));
    if (envelope.type === "loader.menu") {
      menus++;
      const picked = plan.onMenu?.(String(Reflect.get(envelope.body, "preselected")), menus);
      const choice = picked ?? plan.choose ?? { entry: "", append: "" };
      out.send(envelope.source, "loader.choose", choice);
    }
    if (envelope.type !== "machine.power" || Reflect.get(envelope.body, "op") !== "off") return;
    left--;
    // The power goes in the same step that told of it, so it is off by now.
    if (left > 0) out.power("on");
    else out.finish("off");
  }, (out) => {
    for (const { line, after } of plan.typed ?? []) {
      out.send("console", "console.type", { line }, after);
    }
    out.power("on");
  });
}

/** Runs a bench to its end. */
export function runBench(plan: BenchPlan): BenchRun {
  collectGarbage();
  const medium = plan.medium ?? blankMedium();
  const shown: string[] = [];
  const registry = registryOf([
    ...HARDWARE_BEHAVIOURS,
    ...(plan.behaviours ?? []),
    personOf(plan, shown),
  ]);
  const blocks = new BlockStore(medium, FlatStore.make(plan.cacheBytes ?? 4 * MIB));
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const scheduler = new Scheduler(
    {
      registry,
      people: [{ name: "operator", behaviour: "person", config: null }],
      hardware: plan.hardware,
      makeRam: () => FlatStore.make(plan.ramBytes ?? 2 * MIB),
      linkLatency: LINK_NS,
      seed: 1,
      choices: plan.choices ?? [],
      seededOrder: false,
      observer: () => [],
      batchMax: 8,
    },
    new InlineTransport(registry, blocks),
    recorder,
  );
  const isTold = () => plan.behaviours?.some((behaviour) => told.has(behaviour)) === true;
  while (!isTold() && scheduler.deliveries < 100_000 && scheduler.advance(1));
  recorder.flush();
  return new BenchRun(scheduler, sink.text, shown, medium);
}
