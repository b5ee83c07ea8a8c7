/**
 * A kernel without a boot: runs procedures, one call after the other, over the real memory
 * controller, disk, clock and console.
 */
import { collectGarbage } from "../collect_garbage.ts";
import { type AnyBehaviour, type Envelope, registryOf, seal } from "../../machine/actor.ts";
import type { Access } from "../../machine/access.ts";
import type { Out } from "../../machine/actor.ts";
import { BlockStore } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { buildExt2, Ext2Image, type FileToBuild } from "../../machine/formats/ext2/mod.ts";
import { emitMbr, PARTITION_TYPE, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { MessageType } from "../../machine/messages/vocabulary.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { isEvent } from "../../machine/trace/event_shape.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { HARDWARE_BEHAVIOURS, hardwareActors } from "../../actors/hardware.ts";
import { BLOCK_DEVICE_PROCEDURES } from "../../actors/kernel/block_devices.ts";
import { BUFFER_CACHE_PROCEDURES } from "../../actors/kernel/buffer_cache.ts";
import { FILE_CONTENT_PROCEDURES } from "../../actors/kernel/file_content.ts";
import { FILE_COPY_PROCEDURES } from "../../actors/kernel/file_copy.ts";
import { FILE_TRANSFER_PROCEDURES } from "../../actors/kernel/file_transfer.ts";
import { FILESYSTEM_OPERATION_PROCEDURES } from "../../actors/kernel/filesystem_operations.ts";
import { FILESYSTEM_PROCEDURES } from "../../actors/kernel/filesystem.ts";
import { Interpreter } from "../../actors/kernel/interpreter.ts";
import { numberOf, textOf } from "../../actors/kernel/kernel_context.ts";
import { ask, call, done, goto, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import { SMALL_FILE_PROCEDURES } from "../../actors/kernel/small_files.ts";
import { blankState, type KernelState, type Vars } from "../../actors/kernel/state.ts";
import { TMPFS_PROCEDURES } from "../../actors/kernel/tmpfs.ts";
import { fieldOf, listOf } from "../../actors/kernel/values.ts";
import { VMCORE_PROCEDURES } from "../../actors/kernel/vmcore.ts";
import { WORKLOAD_PROCEDURES } from "../../actors/kernel/workload.ts";
import { PROGRAM_PROCEDURES } from "../../actors/programs/programs.ts";

const MIB = 1024 ** 2;
export const REAL_SECONDS = 1_200_000_000;

/** A call of a procedure. */
export type Call = readonly [procedure: string, vars?: Vars];

/** What a run is made of. */
export interface KernelPlan {
  readonly medium: MemoryMedium;
  readonly calls: readonly Call[];
  /** Calls made at the same time by another process. */
  readonly beside?: readonly Call[];
  readonly procedures?: readonly Procedure[];
  readonly ramBytes?: number;
  readonly free?: readonly PageRun[];
  readonly state?: Partial<KernelState>;
  readonly fillRam?: (ram: FlatStore) => void;
  readonly badSectors?: readonly { sector: number; count: number; on: "read" | "write" }[];
  readonly seededOrder?: boolean;
  readonly seed?: number;
}

const MAIN = procedure("test_main", [
  {
    name: "disk",
    run: (kernel) =>
      ask("disk", "device.probe", { by: kernel.name, registers: { commandBase: 1 } }),
  },
  {
    name: "call",
    run(_kernel, vars) {
      const next = listOf(vars["calls"])[numberOf(vars["index"] ?? 0)];
      if (next === undefined) return done(0);
      const given = listOf(next)[1];
      return call(textOf(listOf(next)[0]), given === undefined ? {} : { ...Object(given) });
    },
    then(kernel, vars, answer) {
      // The lines that were typed are the one place of the state that is free for a test.
      kernel.state.typed.push(JSON.stringify([vars["label"] ?? "", answer]));
      vars["index"] = numberOf(vars["index"] ?? 0) + 1;
      return goto("call");
    },
  },
]);

/** `test_poke {address, bytes}`: what a flipped bit does. */
const POKE = procedure("test_poke", [
  {
    name: "poke",
    run: (kernel, vars) =>
      ask("memory", "memory.write", {
        by: kernel.name,
        address: numberOf(vars["address"]),
        bytes: textOf(vars["bytes"]),
      }),
    then: () => done(0),
  },
]);

/** `test_sleep {ns}`. */
const SLEEP = procedure("test_sleep", [
  {
    name: "sleep",
    run: (_kernel, vars) => ask("rtc", "timer.arm", { delay_ns: numberOf(vars["ns"]) }),
    then: () => done(0),
  },
]);

const PROCEDURES: readonly Procedure[] = [
  MAIN,
  POKE,
  SLEEP,
  ...BLOCK_DEVICE_PROCEDURES,
  ...BUFFER_CACHE_PROCEDURES,
  ...FILESYSTEM_OPERATION_PROCEDURES,
  ...FILESYSTEM_PROCEDURES,
  ...FILE_COPY_PROCEDURES,
  ...FILE_TRANSFER_PROCEDURES,
  ...FILE_CONTENT_PROCEDURES,
  ...SMALL_FILE_PROCEDURES,
  ...TMPFS_PROCEDURES,
  ...VMCORE_PROCEDURES,
  ...WORKLOAD_PROCEDURES,
  ...PROGRAM_PROCEDURES,
];

const REPLIES = [
  "memory.granted",
  "memory.data",
  "memory.done",
  "disk.done",
  "device.done",
  "timer.fired",
] as const satisfies readonly MessageType[];

function startState(plan: KernelPlan, ramBytes: number): KernelState {
  const state: KernelState = {
    ...blankState("K", "2.6.27"),
    label: "running",
    free: plan.free ?? [{ pfn: 256, count: ramBytes / 4096 - 256 }],
    realAtClock: REAL_SECONDS * 1e6,
    ...plan.state,
  };
  for (const [label, calls] of [["", plan.calls], ["beside", plan.beside ?? []]] as const) {
    if (calls.length === 0) continue;
    const pid = state.nextPid++;
    const vars: Vars = { calls: calls.map(([name, given = {}]) => [name, given]), label };
    state.processes.push({
      pid,
      name: `test${pid}`,
      kind: "user",
      parent: pid,
      frames: [{ procedure: "test_main", step: 0, vars, done: [] }],
      wait: { kind: "ready" },
      frozen: false,
      sleeping: false,
      memory: [],
      status: 0,
    });
  }
  return state;
}

function kernelOf(plan: KernelPlan, ramBytes: number): AnyBehaviour {
  const table = new Map(
    [...PROCEDURES, ...plan.procedures ?? []].map((each) => [each.name, each]),
  );
  const handle = (state: KernelState, envelope: Envelope, out: Out, access: Access) => {
    new Interpreter(table, state, out).answer(envelope, access);
    return state;
  };
  return seal<KernelState>({
    kind: "test_kernel",
    role: "kernel",
    doc: "Runs procedures for a test.",
    states: { running: { handles: REPLIES } },
    start(_config, out) {
      out.timer("go", 0);
      return startState(plan, ramBytes);
    },
    label: () => "running",
    signal(state, signal, out, access) {
      if (signal.kind === "timer") new Interpreter(table, state, out).settle(access);
      return state;
    },
    on: Object.fromEntries(REPLIES.map((type) => [type, handle])),
  });
}

/** A finished run. */
export interface KernelRun {
  /** Values of the calls, in order. */
  readonly results: readonly Plain[];
  readonly beside: readonly Plain[];
  readonly state: KernelState;
  readonly events: readonly TraceEvent[];
  readonly ram: FlatStore;
  readonly medium: MemoryMedium;
  /** Summaries of facts of a name. */
  facts(name: string): Record<string, unknown>[];
  /** Lines on the console. */
  printed(): string[];
}

function parseEvents(text: string): TraceEvent[] {
  return text.trimEnd().split("\n").map((line) => {
    const value: unknown = JSON.parse(line);
    if (!isEvent(value)) throw new Error(`No event: ${line}`);
    return value;
  });
}

function isState(value: unknown): value is KernelState {
  return typeof value === "object" && value !== null && "processes" in value;
}

/** The machine a plan describes, ready to run. */
function machineOf(plan: KernelPlan, sink: MemorySink) {
  const ramBytes = plan.ramBytes ?? 32 * MIB;
  const registry = registryOf([...HARDWARE_BEHAVIOURS, kernelOf(plan, ramBytes)]);
  const setup = {
    hardwareProfile: "small-vm",
    memoryBytes: 64 * MIB,
    cpuCount: 1,
    realBaseUs: REAL_SECONDS * 1e6,
    badSectors: plan.badSectors ?? [],
  };
  const wanted = new Set(["memory", "disk", "console", "rtc"]);
  collectGarbage();
  const ram = FlatStore.make(ramBytes);
  plan.fillRam?.(ram);
  const blocks = new BlockStore(plan.medium, FlatStore.make(4 * MIB));
  const transport = new InlineTransport(registry, blocks);
  const recorder = new Recorder(sink);
  const runPlan = {
    registry,
    people: [
      ...hardwareActors(setup).filter(({ name }) => wanted.has(name)),
      { name: "K", behaviour: "test_kernel", config: null },
    ],
    hardware: [],
    makeRam: () => ram,
    linkLatency: 1000,
    seed: plan.seed ?? 1,
    choices: [],
    seededOrder: plan.seededOrder ?? false,
    observer: () => [],
    batchMax: 8,
  };
  return { ram, transport, recorder, scheduler: new Scheduler(runPlan, transport, recorder) };
}

function stateOf(transport: InlineTransport): KernelState {
  const value: unknown = transport.stateOf("K");
  if (!isState(value)) throw new Error("No state");
  return value;
}

/** Runs a kernel until all its calls have their values. */
export function runKernel(plan: KernelPlan): KernelRun {
  const sink = new MemorySink();
  const { ram, transport, recorder, scheduler } = machineOf(plan, sink);
  const count = plan.calls.length + (plan.beside?.length ?? 0);
  while (scheduler.advance(200) && stateOf(transport).typed.length < count) {
    if (scheduler.deliveries > 2_000_000) throw new Error("The kernel does not come to an end");
  }
  recorder.flush();
  const state = stateOf(transport);
  const values = state.typed.map((line): Plain => JSON.parse(String(line)));
  const of = (label: string) =>
    values.filter((value) => listOf(value)[0] === label).map((value) => listOf(value)[1] ?? null);
  const events = parseEvents(sink.text);
  return {
    results: of(""),
    beside: of("beside"),
    state,
    events,
    ram,
    medium: plan.medium,
    facts: (name) =>
      events.filter((event) => event.type === `fact.${name}`)
        .map(({ summary }) => ({ ...summary })),
    printed: () =>
      events.filter((event) => event.kind === "send" && event.type === "console.write")
        .map((event) => String(fieldOf({ ...event.summary }, "text"))),
  };
}

/** A disk with one file system in each partition; the first begins at 1 MiB. */
export function diskWith(
  partitions: readonly { readonly mib: number; readonly files: readonly FileToBuild[] }[],
): MemoryMedium {
  const total = partitions.reduce((sum, { mib }) => sum + mib, 1);
  const medium = new MemoryMedium(FlatStore.make(total * MIB));
  let first = MIB / SECTOR_BYTES;
  const table = partitions.map(({ mib, files }) => {
    const start = first * SECTOR_BYTES;
    const blocks = buildExt2({
      blockCount: mib * MIB / 4096,
      volumeName: "test",
      uuid: new Uint8Array(16).fill(7),
      time: REAL_SECONDS,
      files,
    });
    for (const { block, bytes } of blocks) medium.write(start + block * 4096, bytes);
    const entry = {
      bootable: false,
      type: PARTITION_TYPE.linux,
      firstSector: first,
      sectorCount: mib * (MIB / SECTOR_BYTES),
    };
    first += entry.sectorCount;
    return entry;
  });
  medium.write(0, emitMbr({ diskSignature: 1, partitions: table }));
  return medium;
}

/** The bytes of a partition as they are on the medium; partition 1 begins at 1 MiB. */
export function partitionBytes(medium: MemoryMedium, startMib: number, mib: number): Uint8Array {
  const bytes = new Uint8Array(mib * MIB);
  medium.read(startMib * MIB, bytes);
  return bytes;
}

/** A partition's file system as the tools see it. */
export function volumeOn(medium: MemoryMedium, startMib: number, mib: number): Ext2Image {
  return Ext2Image.of(partitionBytes(medium, startMib, mib));
}

/** Bytes that are nothing in particular. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let word = seed | 1;
  for (let index = 0; index < length; index++) {
    word = Math.imul(word, 0x0019_660d) + 0x3c6e_f35f | 0;
    bytes[index] = word >>> 24;
  }
  return bytes;
}
