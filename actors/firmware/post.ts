/**
 * Power-on self-test, step by step: boot sector, NVRAM, tables, entry.
 *
 * 1. The first sector is read to 0x7c00, where it stays; its partition table names the NVRAM.
 * 2. Both NVRAM slots are read into scratch memory, compared with the machine as it is, and the
 *    next record is written past the drive's cache, so that nothing else there is disturbed.
 * 3. Memory map and ACPI tables go into RAM.
 * 4. The processor enters the boot sector; without a bootable one the machine stays where it is.
 *
 * Each step waits for the answer of the one before; the tag of a request names its step.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { type Mbr, parseMbr, PARTITION_TYPE, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import {
  emitNvramSlot,
  NVRAM_BYTES,
  NVRAM_SLOT_BYTES,
  type NvramRecord,
  nvramSlotOffset,
  parseNvram,
} from "../../machine/formats/nvram.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { PM1_STATUS } from "./acpi_registers.ts";
import { bootTables, e820Address } from "./boot_tables.ts";
import {
  BOOT_SECTOR_START,
  type FirmwareState,
  print,
  SCRATCH_START,
  wallClockSeconds,
} from "./firmware_state.ts";

const BY = "firmware";
const SLOT_SECTORS = NVRAM_SLOT_BYTES / SECTOR_BYTES;
const NVRAM_SECTORS = NVRAM_BYTES / SECTOR_BYTES;
/** SLP_TYP numbers do not differ between machines here: the state's own number is kept. */
const SLEEP_TYPE_S4 = 4;

function acquire(out: Out, tag: string, ranges: readonly Range[]): void {
  out.send("memory", "memory.acquire", { tag, by: BY, ranges, write: true });
}

/** Step 1, when the self-test's own time is over. */
export function beginPost(out: Out): void {
  acquire(out, "boot_sector", [{ start: BOOT_SECTOR_START, length: SECTOR_BYTES }]);
}

/** Memory came: the disk is asked. */
export function postGranted(
  state: FirmwareState,
  { body }: Envelope<"memory.granted">,
  out: Out,
): void {
  const { tag, grants } = body;
  const request = { tag, by: BY, grants, bios: true };
  if (tag === "boot_sector") {
    out.send("disk", "disk.read", { ...request, sector: 0, count: 1 });
  } else if (tag === "nvram") {
    const sector = state.nvramSector;
    out.send("disk", "disk.read", { ...request, sector, count: NVRAM_SECTORS });
  }
}

function readMbr(bytes: Uint8Array): Mbr | string {
  try {
    return parseMbr(bytes);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

function takeBootSector(state: FirmwareState, result: number, bytes: Uint8Array): void {
  const mbr = result < 0 ? "the first sector cannot be read" : readMbr(bytes);
  if (typeof mbr === "string") {
    state.bootError = mbr;
    return;
  }
  if (mbr.bootCode.every((byte) => byte === 0)) state.bootError = "the boot sector has no code";
  const { nonFileSystem } = PARTITION_TYPE;
  const partition = mbr.partitions.find(({ type, sectorCount }) =>
    type === nonFileSystem && sectorCount >= NVRAM_SECTORS
  );
  if (partition !== undefined) state.nvramSector = partition.firstSector;
}

/** The record to be written while the machine is in `sleepType` (0 while it is on). */
export function nextRecord(state: FirmwareState, out: Out, sleepType: number): NvramRecord {
  const { hardwareProfile, memoryBytes, cpuCount, hardwareSignature } = state.config;
  return {
    sequence: (state.nvram?.sequence ?? -1) + 1,
    rtcSeconds: wallClockSeconds(state, out),
    hardwareSignature,
    sleepType,
    hardwareProfile,
    memoryBytes,
    cpuCount,
    bootDefault: state.nvram?.bootDefault ?? "",
  };
}

function differences(before: NvramRecord, now: NvramRecord): string[] {
  const names = ["hardwareProfile", "memoryBytes", "cpuCount", "hardwareSignature"] as const;
  return names.flatMap((name) =>
    before[name] === now[name] ? [] : [`${name} was ${before[name]}, is ${now[name]}`]
  );
}

function takeNvram(state: FirmwareState, bytes: Uint8Array, out: Out): void {
  try {
    state.nvram = parseNvram(bytes) ?? null;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    print(out, `Settings are lost: ${error.message}`);
  }
  const before = state.nvram;
  const record = nextRecord(state, out, 0);
  if (before !== null) {
    const changed = differences(before, record);
    if (changed.length > 0) print(out, `Hardware changed: ${changed.join("; ")}`);
    // The wake logic lives on standby power: without it an S4 has become an S5.
    if (before.sleepType === SLEEP_TYPE_S4 && state.config.unplugged !== true) {
      state.registers.status |= PM1_STATUS.wake | PM1_STATUS.powerButton;
      out.fact("power", { op: "wake", state: "S4" });
    }
  }
  state.nvram = record;
}

/** Writes the state's NVRAM record through a grant over its slot's place in scratch memory. */
export function writeNvram(
  state: FirmwareState,
  record: NvramRecord,
  tag: string,
  access: Access,
  out: Out,
): void {
  const { slot } = state;
  if (slot === null) return;
  access.write(slot.start, emitNvramSlot(record));
  const sector = state.nvramSector + nvramSlotOffset(record.sequence) / SECTOR_BYTES;
  out.send("disk", "disk.write", {
    tag,
    by: BY,
    sector,
    count: SLOT_SECTORS,
    grants: [slot],
    bios: true,
    fua: true,
  });
}

function writeTables(state: FirmwareState, out: Out): void {
  const pieces = bootTables(state.config, {
    boots: state.nvram?.sequence ?? 0,
    realSeconds: wallClockSeconds(state, out),
  });
  state.waiting = pieces.length;
  for (const { address, bytes } of pieces) {
    out.send("memory", "memory.write", { tag: "table", by: BY, address, bytes: toHex(bytes) });
  }
}

/** The disk answered. */
export function postDiskDone(
  state: FirmwareState,
  { body }: Envelope<"disk.done">,
  out: Out,
  access: Access,
): void {
  const { tag, result, grants } = body;
  if (tag === "boot_sector") {
    takeBootSector(state, result, access.read(BOOT_SECTOR_START, SECTOR_BYTES));
    out.send("memory", "memory.release", { grants });
    if (state.nvramSector < 0) return writeTables(state, out);
    const slot = (start: number) => ({ start, length: NVRAM_SLOT_BYTES });
    return acquire(out, "nvram", [slot(SCRATCH_START), slot(SCRATCH_START + NVRAM_SLOT_BYTES)]);
  }
  if (tag === "nvram" && result === 0) {
    const [even, odd] = grants;
    const slot = (start: number) => access.read(start, NVRAM_SLOT_BYTES);
    const bytes = new Uint8Array(NVRAM_BYTES);
    bytes.set(slot(SCRATCH_START));
    bytes.set(slot(SCRATCH_START + NVRAM_SLOT_BYTES), NVRAM_SLOT_BYTES);
    takeNvram(state, bytes, out);
    const isEven = (state.nvram?.sequence ?? 0) % 2 === 0;
    const unused = isEven ? odd : even;
    state.slot = (isEven ? even : odd) ?? null;
    if (unused !== undefined) out.send("memory", "memory.release", { grants: [unused] });
    if (state.nvram !== null) writeNvram(state, state.nvram, "nvram_record", access, out);
    return;
  }
  if (result < 0) print(out, `Settings cannot be ${tag === "nvram" ? "read" : "written"}`);
  state.slot = null;
  out.send("memory", "memory.release", { grants });
  writeTables(state, out);
}

/** A table stands in RAM; after the last one the boot sector is entered. */
export function postTableWritten(state: FirmwareState, out: Out): void {
  state.waiting--;
  if (state.waiting > 0) return;
  state.stage = "running";
  if (state.bootError !== "") {
    print(out, `No bootable device: ${state.bootError}`);
    out.fact("panic", { k: BY, reason: "no bootable device" });
    return;
  }
  out.send("cpu", "cpu.enter", {
    entry: BOOT_SECTOR_START,
    sp: BOOT_SECTOR_START,
    word: 0,
    argument: e820Address(state.config),
    preserve: false,
  });
}
