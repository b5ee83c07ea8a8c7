/**
 * The conformance suite as a function: a machine in which some parts are somebody else's is run
 * on the inline transport and judged by the rules. It is what one's own `deno test` calls.
 *
 * A part is brought in one of three ways: as a behaviour that takes the place of the laboratory's
 * of the same kind (a disk, a firmware), as procedures that take the place of those of the same
 * name (another `kernel_kexec`), or as a kernel of one's own, entered because its stamp stands in
 * RAM (`guests`). Whatever it is, it can only exchange messages, as everybody here.
 *
 * @module
 */
import { type AnyBehaviour, type Registry, registryOf } from "../../machine/actor.ts";
import { BlockStore } from "../../machine/block_store.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import type { Report } from "../../machine/conformance/report.ts";
import type { Rule } from "../../machine/conformance/rule.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { MemoryBlobs } from "../../machine/trace/blobs.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { Recorder, type TraceSink } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { writeDisk } from "../disk_image/build_disk.ts";
import { kernelBehaviour } from "../kernel/kernel.ts";
import { kernelProfile } from "../kernel/profiles.ts";
import type { Procedure } from "../kernel/procedure.ts";
import { PROCEDURES, procedureTable, REGISTRY } from "../registry.ts";
import { machineDisk, type MachineSettings, planMachine } from "./machine_plan.ts";
import { machineOf, REAL_SECONDS } from "./mainline_run.ts";
import type { MainlinePart } from "./mainline.ts";

const MIB = 0x10_0000;
/** Deliveries between two looks at how many there were. */
const SLICE = 1000;
/** A run of more deliveries is taken for one that never ends. */
const DELIVERIES_MAX = 400_000;

/** Parts that take the place of the laboratory's own. */
export interface OwnParts {
  /** Behaviours; one of a kind that exists replaces it, any other is added. */
  readonly behaviours?: readonly AnyBehaviour[];
  /** Procedures of kernels and programs; one of a name that exists replaces it. */
  readonly procedures?: readonly Procedure[];
}

/** What is judged, and by what. */
export interface ConformanceOptions extends OwnParts {
  /** The machine and who sits at it; the default cycle of mainline kexec jump unless given. */
  readonly machine?: MachineSettings;
  /** Letters of the systems whose rules apply (protocol.md F.0); mainline's unless given. */
  readonly systems?: string;
  /** The rules; all of the laboratory's unless given. */
  readonly rules?: readonly Rule[];
  /** Most deliveries of the run, which else ends as `endless`; 400 000 unless given. */
  readonly deliveriesMax?: number;
}

/** What came of it. */
export interface Conformance {
  /** How the run ended: `resumed`, or what went wrong. */
  readonly outcome: string;
  readonly report: Report;
  readonly events: readonly TraceEvent[];
}

/** A registry in which one's own parts stand in the laboratory's place. */
export function registryWith({ behaviours = [], procedures = [] }: OwnParts): Registry {
  const names = new Set(procedures.map(({ name }) => name));
  const others = PROCEDURES.filter(({ name }) => !names.has(name));
  const kernel = kernelBehaviour(procedureTable([...others, ...procedures]));
  return registryOf([...REGISTRY.values(), kernel, ...behaviours]);
}

/** The default machine: mainline kexec jump of 2.6.27 on 64 MiB, one part of it. */
export function defaultMachine(part: MainlinePart = "cycle"): MachineSettings {
  const profile = kernelProfile("2.6.27");
  return machineOf({
    mainline: {
      part,
      profile,
      window: profile.window,
      processes: 2,
      processPages: 64,
      payload: false,
      awayNs: 0,
      verify: true,
    },
    memoryBytes: 64 * MIB,
    cpus: 1,
    hardware: "small-vm",
    seed: 1,
    choices: [],
    seededOrder: false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: false,
  });
}

/** Keeps blobs for the rules and no lines. */
class BlobSink implements TraceSink {
  readonly blobs: MemoryBlobs = new MemoryBlobs();

  lines(): void {}

  blob(_digest: string, bytes: Uint8Array): void {
    this.blobs.put(bytes);
  }

  rewound(): void {}
}

/**
 * Runs a machine to its end and judges it. A part that breaks the rules of messages is an outcome
 * `failed: …` that names actor and message, not an exception.
 */
export function conformance(options: ConformanceOptions = {}): Conformance {
  const { machine = defaultMachine(), systems = "M", rules = ALL_RULES } = options;
  const build = machineDisk(machine);
  const medium = new MemoryMedium(FlatStore.make(build.byteLength));
  writeDisk(medium, build);
  const plan = { ...planMachine(machine), registry: registryWith(options) };
  const sink = new BlobSink();
  const recorder = new Recorder(sink);
  const checker = new Checker(rules, { systems, blobs: sink.blobs });
  checker.begin({
    v: 1,
    run: "0000000000000000",
    scenario: "conformance",
    seed: machine.seed,
    profile: `${machine.profile.name}/${machine.hardware}`,
    version: "0",
    actors: [],
    clock: "virtual",
    order: "total",
  });
  const events: TraceEvent[] = [];
  recorder.listen((event) => {
    events.push(event);
    checker.event(event);
  });
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(plan, transport, recorder);
  const outcome = runToEnd(scheduler, options.deliveriesMax ?? DELIVERIES_MAX);
  transport.close();
  checker.finishTrace({ count: events.length, sha256: recorder.hash(), outcome, generator: "" });
  return { outcome, report: checker.report(), events };
}

function runToEnd(scheduler: Scheduler, most: number): string {
  try {
    while (scheduler.advance(SLICE)) {
      if (scheduler.deliveries > most) return "endless";
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `failed: ${error.message}`;
  }
  return scheduler.outcome ?? "no outcome";
}
