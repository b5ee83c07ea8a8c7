/**
 * The firmware's configuration and state. The state is plain data and dies with the power; what
 * lasts is the NVRAM record on partition 4.
 *
 * @module
 */
import type { Out } from "../../machine/actor.ts";
import { E820_TYPE } from "../../machine/formats/e820_table.ts";
import type { NvramRecord } from "../../machine/formats/nvram.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import {
  flag,
  type Infer,
  natural,
  optional,
  type OptionalShape,
  record,
  type RecordShape,
  type Shape,
  text,
} from "../../machine/messages/shape.ts";
import { type Refusal, REFUSALS } from "../device_common.ts";
import { wallClockUs } from "../rtc.ts";
import { type AcpiRegisters, freshRegisters } from "./acpi_registers.ts";

/** Shape of {@linkcode FirmwareConfig}. */
export const FIRMWARE_CONFIG: RecordShape<{
  readonly hardwareProfile: Shape<string>;
  readonly memoryBytes: Shape<number>;
  readonly cpuCount: Shape<number>;
  readonly hardwareSignature: Shape<number>;
  readonly realBaseUs: Shape<number>;
  readonly postNs: Shape<number>;
  readonly refusals: Shape<readonly Refusal[]>;
  readonly ignoredSleeps: Shape<number>;
  readonly unplugged: OptionalShape<boolean>;
  readonly replaced: OptionalShape<{ readonly afterNs: number; readonly signature: number }>;
}> = record({
  hardwareProfile: text,
  memoryBytes: natural,
  cpuCount: natural,
  /** What the FACS will say. */
  hardwareSignature: natural,
  /** Wall clock at virtual time 0, in µs since 1970. */
  realBaseUs: natural,
  postNs: natural,
  /** Refusals of control methods: device "firmware", phase "_PTS" and so on. */
  refusals: REFUSALS,
  /** How many writes of SLP_EN the chipset ignores before it obeys (protocol.md G.3). */
  ignoredSleeps: natural,
  /** The plug was pulled while it slept: a machine found in S4 wakes as one from S5. */
  unplugged: optional(flag),
  /** Another part from a virtual time on: what the FACS says at the power-ons behind it. */
  replaced: optional(record({ afterNs: natural, signature: natural })),
});

/** What the firmware is started with. */
export type FirmwareConfig = Infer<typeof FIRMWARE_CONFIG>;

/** Why the machine is going down. */
export interface Leaving {
  readonly op: "off" | "reset";
  /** ACPI state entered: S4, S5; S0 for a reset. */
  readonly state: string;
  /** Kernel that asked; "" where none did. */
  readonly k: string;
}

/** Scratch RAM of the firmware's own, behind the video hole where SMM memory really is. */
export const SCRATCH_START = 0xa_0000;

/** Where a boot sector is loaded and entered. */
export const BOOT_SECTOR_START = 0x7c00;

/** The firmware's state. */
export interface FirmwareState {
  readonly config: FirmwareConfig;
  stage: "post" | "running" | "leaving";
  readonly registers: AcpiRegisters;
  readonly asked: Record<string, number>;
  ignoredSleeps: number;
  /** Why the disk cannot be booted from; "" where it can. */
  bootError: string;
  /** First sector of the NVRAM partition; -1 where there is none. */
  nvramSector: number;
  nvram: NvramRecord | null;
  /** Table writes that are not answered yet. */
  waiting: number;
  leaving: Leaving | null;
  /** Grant of the slot that is being written. */
  slot: Grant | null;
}

/** The state at power-on. */
export function freshState(given: FirmwareConfig, nowNs = 0): FirmwareState {
  const { replaced } = given;
  const config = replaced === undefined || nowNs < replaced.afterNs
    ? given
    : { ...given, hardwareSignature: replaced.signature };
  return {
    config,
    stage: "post",
    registers: freshRegisters(),
    asked: {},
    ignoredSleeps: config.ignoredSleeps,
    bootError: "",
    nvramSector: -1,
    nvram: null,
    waiting: 0,
    leaving: null,
    slot: null,
  };
}

/** Wall clock in whole seconds since 1970. */
export function wallClockSeconds(state: FirmwareState, out: Out): number {
  return Math.floor(wallClockUs(state.config.realBaseUs, out.now) / 1_000_000);
}

/** Start of the EBDA: the reserved range at the end of low memory. */
export function ebdaStart(config: FirmwareConfig): number {
  const map = hardwareProfile(config.hardwareProfile).e820(config.memoryBytes);
  const entry = map.find(({ type, start }) => type === E820_TYPE.reserved && start < 0xa_0000);
  return entry?.start ?? 0x9_fc00;
}

/** Says something on the console. */
export function print(out: Out, line: string): void {
  out.send("console", "console.write", { by: "firmware", text: line, prompt: false });
}
