/**
 * Runs of any system on the inline transport, as a test tells them: a machine, a menu, a script.
 */
import type { Registry } from "../../machine/actor.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import {
  machineDisk,
  type MachineSettings,
  planMachine,
} from "../../actors/scenario/machine_plan.ts";
import { REAL_SECONDS } from "../../actors/scenario/mainline_run.ts";
import { type Run, runPlan } from "./run_kit.ts";

const MIB = 1024 ** 2;
const PATIENCE_NS = 3_600_000_000_000;

/** What a machine is to be; what is left out is a small virtual machine of the profile. */
export interface MachineOptions
  extends Partial<Omit<MachineSettings, "profile" | "operator" | "memoryBytes">> {
  readonly profile: string;
  readonly memoryMiB?: number;
  readonly script: readonly OperatorStep[];
  /** What the person does after a power cut or a reset. */
  readonly recovery?: readonly OperatorStep[];
  readonly recoversFromReset?: boolean;
  /** Bytes of an earlier run's disk, which are copied; without them the machine is new. */
  readonly disk?: Uint8Array;
  /** Scenario in the header: its beginning says which system's rules apply. */
  readonly scenario?: string;
  readonly tolerant?: boolean;
  readonly deliveriesMax?: number;
  /** Behaviours other than the house's own. */
  readonly registry?: Registry;
}

/** The settings that options stand for. */
export function machineSettings(options: MachineOptions): MachineSettings {
  const { profile: name, memoryMiB, script, recovery, recoversFromReset, ...rest } = options;
  const profile = kernelProfile(name);
  const { disk: _disk, scenario: _scenario, tolerant: _tolerant, registry: _, ...settings } = rest;
  return {
    cpus: 1,
    hardware: "small-vm",
    seed: 1,
    choices: [],
    seededOrder: false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: false,
    menu: [{ name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" }],
    ...settings,
    profile,
    memoryBytes: (memoryMiB ?? (profile.arch === "x86_64" ? 512 : 64)) * MIB,
    operator: {
      script,
      patienceNs: PATIENCE_NS,
      ...(recovery === undefined ? {} : { recovery }),
      ...(recoversFromReset === undefined ? {} : { recoversFromReset }),
    },
  };
}

/** Runs a machine's script to its outcome. */
export function runMachine(options: MachineOptions): Run {
  const settings = machineSettings(options);
  const medium = options.disk === undefined ? newMedium(settings) : copyOf(options.disk);
  const { tolerant, deliveriesMax } = options;
  const plan = planMachine(settings);
  return runPlan({ ...plan, registry: options.registry ?? plan.registry }, {
    medium,
    header: {
      v: 1,
      run: "0123456789abcdef",
      scenario: options.scenario ?? "machine",
      seed: settings.seed,
      profile: `${settings.profile.name}/${settings.hardware}`,
      version: "0.0.0",
      actors: [],
      clock: "virtual",
      order: "total",
    },
    finish: {
      ...(tolerant === undefined ? {} : { tolerant }),
      ...(deliveriesMax === undefined ? {} : { deliveriesMax }),
    },
  });
}

function newMedium(settings: MachineSettings): MemoryMedium {
  const { byteLength, writes } = machineDisk(settings);
  const medium = new MemoryMedium(FlatStore.make(byteLength));
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  return medium;
}

function copyOf(disk: Uint8Array): MemoryMedium {
  const medium = new MemoryMedium(FlatStore.make(disk.length));
  medium.write(0, disk);
  return medium;
}
