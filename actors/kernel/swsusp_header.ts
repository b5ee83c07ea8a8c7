/**
 * The architecture's part of an image's header (protocol.md B.5.8, B.5.9): what the image kernel
 * writes so that any boot kernel can enter it, and what a boot kernel compares before it reads a
 * page.
 *
 * @module
 */
import { crc32, fromHex, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import type { E820Entry } from "../../machine/formats/e820_table.ts";
import { textAddress } from "../../machine/formats/restore_tables.ts";
import {
  controlWord,
  emitRestoreRecord,
  emitSeedRecord,
  parseRestoreRecord,
  parseSeedRecord,
  RECORD_BYTES,
  RESTORE_MAGIC,
} from "../../machine/formats/swsusp_record.ts";
import { layoutOf } from "./boot.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { done, fail, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { physicalPages } from "./swsusp_memory.ts";
import { restoreCodePages, swsuspOf } from "./swsusp_state.ts";

/** Room there is for the record: the header's place for the kernel's names and versions. */
const RECORD_ROOM = 390;
/** Longest text of the map in a fact. */
const RANGES_TEXT_MAX = 400;
/** Bytes of an entry in the kernel's memory map: packed. */
const E820_ENTRY_BYTES = 20;

/** CRC-32 of a memory map as the kernel keeps it: a count, then packed entries. */
export function mapChecksum(map: readonly E820Entry[]): number {
  const bytes = new Uint8Array(4 + map.length * E820_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, map.length, true);
  map.forEach(({ start, length, type }, index) => {
    const at = 4 + index * E820_ENTRY_BYTES;
    view.setBigUint64(at, BigInt(start), true);
    view.setBigUint64(at + 8, BigInt(length), true);
    view.setUint32(at + 16, type, true);
  });
  return crc32(bytes);
}

function recordOf(kernel: Kernel, kind: keyof typeof RECORD_BYTES): Uint8Array {
  const { restoreRegisters: jump } = restoreCodePages(kernel);
  const jumpAddress = textAddress(jump);
  if (kind === "seed") return emitSeedRecord({ jumpAddress, control: controlWord(jumpAddress) });
  return emitRestoreRecord({
    jumpAddress,
    jumpAddressPhysical: BigInt(jump),
    cr3: BigInt(layoutOf(kernel).pageTable),
    magic: RESTORE_MAGIC,
    mapChecksum: BigInt(mapChecksum(kernel.state.firmwareMap)),
  });
}

/** Says the memory map that the firmware gave, and its checksum. */
function sayMap(kernel: Kernel): void {
  const ranges = kernel.state.firmwareMap.map(({ start, length, type }) =>
    `${start.toString(16)}-${(start + length).toString(16)}:${type}`
  ).join(",");
  const shown = ranges.length > RANGES_TEXT_MAX ? `${ranges.slice(0, RANGES_TEXT_MAX)}…` : ranges;
  kernel.fact("firmware_map", { ranges: shown, crc: hex(mapChecksum(kernel.state.firmwareMap)) });
}

/** `arch_hibernation_header_save {room?}`: the record as hexadecimal text; -EOVERFLOW. */
const save = procedure("arch_hibernation_header_save", [{
  name: "record",
  run: (kernel, vars) => {
    const kind = kernel.profile.restoreRecord;
    if (kind === "none") return fail(ERRNO.ENOSYS);
    sayMap(kernel);
    const room = numberOf(vars["room"] ?? RECORD_ROOM);
    const needed = RECORD_BYTES[kind];
    const result = room < needed ? -ERRNO.EOVERFLOW : 0;
    kernel.fact("header_save", { room, needed, result });
    return result < 0 ? fail(-result) : done(toHex(recordOf(kernel, kind)));
  },
}]);

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** One comparison, said as a fact; whether the two are equal. */
function compare(
  kernel: Kernel,
  what: "magic" | "control" | "e820" | "memory",
  stored: number | bigint,
  found: number | bigint,
  errno: number,
): boolean {
  const result = stored === found ? 0 : -errno;
  kernel.fact("header_check", { what, stored: hex(stored), found: hex(found), result });
  return result === 0;
}

/** What of a good record the restore code needs. */
interface Entry {
  readonly jump: bigint;
  readonly jumpPhysical: number;
  readonly root: number;
}

/** arch_hibernation_header_restore: `undefined` for a wrong control word, magic or memory map. */
function checkRecord(kernel: Kernel, bytes: Uint8Array): Entry | undefined {
  if (kernel.profile.restoreRecord === "seed") {
    const { jumpAddress, control } = parseSeedRecord(bytes);
    const good = compare(kernel, "control", control, controlWord(jumpAddress), ERRNO.EINVAL);
    return good ? { jump: jumpAddress, jumpPhysical: 0, root: 0 } : undefined;
  }
  const record = parseRestoreRecord(bytes);
  if (!compare(kernel, "magic", record.magic, RESTORE_MAGIC, ERRNO.EINVAL)) {
    kernel.print("PM: hibernation: Unrecognized hibernate image header format!");
    return undefined;
  }
  const here = BigInt(mapChecksum(kernel.state.firmwareMap));
  if (!compare(kernel, "e820", record.mapChecksum, here, ERRNO.ENODEV)) {
    kernel.print("PM: hibernation: Hibernate inconsistent memory map detected!");
    return undefined;
  }
  return {
    jump: record.jumpAddress,
    jumpPhysical: Number(record.jumpAddressPhysical),
    root: Number(record.cr3),
  };
}

/** Why an image does not fit here, or `undefined`. */
function mismatch(kernel: Kernel, vars: Vars): string | undefined {
  const entry = checkRecord(kernel, fromHex(textOf(vars["record"])));
  if (entry === undefined) return "architecture specific data";
  const stored = numberOf(vars["memoryPages"]);
  if (!compare(kernel, "memory", stored, physicalPages(kernel), ERRNO.EPERM)) return "memory size";
  swsuspOf(kernel).loaded = {
    list: 0,
    jump: hex(entry.jump),
    jumpPhysical: entry.jumpPhysical,
    root: entry.root,
    owned: [],
    unsafe: [],
    safe: [],
    inPlace: [],
    id: textOf(vars["id"]),
  };
  return undefined;
}

/**
 * `swsusp_check_header {id, record, memoryPages}`: architecture, then physical pages; -EPERM for
 * any mismatch.
 */
const check = procedure("swsusp_check_header", [{
  name: "compare",
  run: (kernel, vars) => {
    sayMap(kernel);
    let reason: string | undefined;
    try {
      reason = mismatch(kernel, vars);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      reason = error.message;
    }
    if (reason === undefined) return done();
    kernel.print(`PM: hibernation: Image mismatch: ${reason}`);
    return fail(ERRNO.EPERM);
  },
}]);

/** Procedures of this file. */
export const SWSUSP_HEADER_PROCEDURES: readonly Procedure[] = [save, check];
