/**
 * The real processor and memory controller, with kernels, programs and firmware that do what a
 * test tells them: a story for each time somebody of that name is started.
 */
import { cpu } from "../../actors/cpu/cpu.ts";
import { syntheticKernel } from "../../actors/disk_image/synthetic_kernel.ts";
import { HARDWARE_BEHAVIOURS, hardwareActors } from "../../actors/hardware.ts";
import { type AnyBehaviour, registryOf } from "../../machine/actor.ts";
import { BlockStore } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { emitBootParams } from "../../machine/formats/boot_params.ts";
import { setupHeaderBytes } from "../../machine/formats/bzimage.ts";
import type { Role } from "../../machine/messages/declare.ts";
import type { Body, MessageType } from "../../machine/messages/vocabulary.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { actorOf, type Arrival, blankMedium, Hands, type Story } from "./bench.ts";

const MIB = 1024 ** 2;
export const RAM_BYTES = 2 * MIB;
export const JUMP_NS = 1_000_000;

/** What somebody does after being started. */
export type Tell = (hands: Hands) => Story;

/** Who does what: for each name one story per start. */
export type Cast = Readonly<Record<string, readonly Tell[]>>;

/** A finished run. */
export interface CpuRun {
  readonly ram: FlatStore;
  readonly events: readonly TraceEvent[];
  /** Why the reset line was pulled, each time. */
  readonly resets: readonly string[];
  /** Summaries of a fact. */
  facts(name: string): Record<string, unknown>[];
  /** Bodies of messages of a type that were sent, as the trace has them. */
  sent(type: MessageType): Record<string, unknown>[];
}

function players(kind: string, role: Role, stories: Map<string, Tell[]>): AnyBehaviour {
  const playing = new Map<string, { hands: Hands; story: Story }>();
  const advance = (name: string, arrival: Arrival) => playing.get(name)?.story.next(arrival);
  return actorOf(kind, role, (envelope, out, access) => {
    playing.get(envelope.target)?.hands.use(out, access);
    advance(envelope.target, { envelope });
  }, (out) => {
    const tell = stories.get(out.self)?.shift();
    playing.delete(out.self);
    if (tell === undefined) return;
    const hands = new Hands();
    hands.use(out);
    const story = tell(hands);
    playing.set(out.self, { hands, story });
    story.next();
  });
}

/** Runs the story of A, which is there first, and what follows from it, until nothing happens. */
export function runCpu(cast: Cast, fill: (ram: FlatStore) => void = () => {}): CpuRun {
  const stories = new Map(Object.entries(cast).map(([name, tells]) => [name, [...tells]]));
  const resets: string[] = [];
  const firmware = actorOf("test_firmware", "firmware", (envelope) => {
    if (envelope.type !== "firmware.reset") return;
    resets.push(String(Reflect.get(envelope.body, "reason")));
  });
  const registry = registryOf([
    ...HARDWARE_BEHAVIOURS.filter(({ kind }) => kind !== "kernel"),
    cpu,
    firmware,
    players("kernel", "kernel", stories),
    players("purgatory", "program", stories),
    players("test_device", "device", stories),
  ]);
  const setup = { hardwareProfile: "small-vm", memoryBytes: 64 * MIB, cpuCount: 2, realBaseUs: 0 };
  const memory = hardwareActors(setup).filter(({ name }) => name === "memory");
  const ram = FlatStore.make(RAM_BYTES);
  fill(ram);
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const transport = new InlineTransport(
    registry,
    new BlockStore(blankMedium(), FlatStore.make(MIB)),
  );
  const people = [
    ...memory,
    { name: "firmware", behaviour: "test_firmware", config: null },
    { name: "cpu", behaviour: "cpu", config: { count: 2, jumpNs: JUMP_NS } },
    { name: "device", behaviour: "test_device", config: null },
    { name: "A", behaviour: "kernel", config: null },
  ];
  const scheduler = new Scheduler(
    {
      registry,
      people,
      hardware: [],
      makeRam: () => ram,
      linkLatency: 1000,
      seed: 1,
      choices: [],
      seededOrder: false,
      observer: () => [],
      batchMax: 8,
    },
    transport,
    recorder,
  );
  while (scheduler.advance(1000) && scheduler.deliveries < 100_000);
  const fields = (events: readonly TraceEvent[]) => events.map(({ summary }) => ({ ...summary }));
  return {
    ram,
    events,
    resets,
    facts: (name) => fields(events.filter(({ type }) => type === `fact.${name}`)),
    sent: (type) => fields(events.filter((event) => event.kind === "send" && event.type === type)),
  };
}

let tags = 0;

/** What was left out of a body is its tag. */
function isTagged<T extends MessageType>(body: object): body is Body<T> {
  return "tag" in body;
}

/** Asks the processor or the memory controller and waits for the answer. */
export function* ask<T extends MessageType>(
  hands: Hands,
  target: string,
  type: T,
  body: Omit<Body<T>, "tag">,
): Generator<undefined, Record<string, unknown>, Arrival> {
  const full = { tag: `t${tags++}`, ...body };
  if (!isTagged<T>(full)) throw new TypeError("No tag");
  const { body: answer } = yield* hands.ask(target, type, full);
  return { ...answer };
}

/** Enters an address and never comes back. */
export function entering(entry: number, argument = 0): Tell {
  return function* ({ out }) {
    out.send("cpu", "cpu.enter", { entry, sp: 0x7000, word: 0, argument, preserve: false });
    for (;;) yield;
  };
}

const HEADER = setupHeaderBytes(syntheticKernel({ arch: "i386", version: 1, profile: "2.6.27" }));

/** Boot parameters at an address and a command line behind them, or elsewhere. */
export function parameters(
  ram: FlatStore,
  address: number,
  commandLine: string,
  commandLineAddress: number = address + 4096,
): void {
  ram.write(
    address,
    emitBootParams({
      setupHeader: HEADER,
      loaderType: 1,
      commandLineAddress,
      ramdiskAddress: 0,
      ramdiskBytes: 0,
      setupDataAddress: 0,
      acpiRsdpAddress: 0,
      e820: [],
    }),
  );
  if (commandLineAddress + 2048 > RAM_BYTES) return;
  ram.write(commandLineAddress, new TextEncoder().encode(`${commandLine}\0`));
}
