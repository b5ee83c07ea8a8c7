/**
 * The firmware's non-volatile memory: one record in two alternating slots of 4 KiB at the start
 * of partition 4 (DESIGN.md 3), so that a disk file alone is a whole machine.
 *
 * Promises: a record with sequence number n lies in slot n mod 2, whose CRC-32 covers all of it.
 * Writing the next record never touches the newest one; a write that is cut at any sector leaves
 * either the old record or the new one. Not here: when the firmware writes, and what it flushes.
 *
 * Layout, little endian: 0 magic `KJNVRAM1`, 8 CRC-32 of bytes 12 … 4095, 12 sleep type,
 * 16 sequence (64 bits), 24 RTC seconds (64 bits), 32 RAM bytes (64 bits), 40 hardware signature,
 * 44 CPU count, 48 length of the hardware profile's name, 50 length of the boot default, 52 both
 * texts in UTF-8, then zeros.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";

/** Bytes of one slot. */
export const NVRAM_SLOT_BYTES = 4096;

/** Bytes of both slots, which `parseNvram` takes. */
export const NVRAM_BYTES: number = 2 * NVRAM_SLOT_BYTES;

/** What the firmware keeps while the machine has no power. */
export interface NvramRecord {
  /** Grows by one with each write; its lowest bit chooses the slot. */
  readonly sequence: number;
  /** Wall clock, in seconds since 1970. */
  readonly rtcSeconds: number;
  /** The FACS hardware signature, 32 bits. */
  readonly hardwareSignature: number;
  /** The sleeping state that was entered last (4 for S4, 5 for S5); other numbers are kept. */
  readonly sleepType: number;
  readonly hardwareProfile: string;
  readonly memoryBytes: number;
  readonly cpuCount: number;
  /** Label of the entry the boot loader takes by itself. */
  readonly bootDefault: string;
}

const MAGIC = new TextEncoder().encode("KJNVRAM1");
const CRC_AT = 8;
const COVERED_AT = 12;
const TEXT_AT = 52;

function fail(offset: number, message: string): never {
  throw new FormatError("nvram", offset, message);
}

/** Byte offset of the slot that a record with this sequence number lies in. */
export function nvramSlotOffset(sequence: number): number {
  return (sequence % 2) * NVRAM_SLOT_BYTES;
}

function setNumber(view: DataView, at: number, value: number, bits: 32 | 64): void {
  const max = bits === 32 ? 0xffff_ffff : Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    fail(at, `${value} cannot be written in ${bits} bits`);
  }
  if (bits === 32) view.setUint32(at, value, true);
  else view.setBigUint64(at, BigInt(value), true);
}

function getSafe(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(at, `${value} is over 2^53`);
  return Number(value);
}

/**
 * The 4096 bytes of a record's slot; where it goes says {@linkcode nvramSlotOffset}.
 *
 * @throws {FormatError} if a number has no room in its field or the texts are over 4044 bytes.
 */
export function emitNvramSlot(record: NvramRecord): Uint8Array {
  const bytes = new Uint8Array(NVRAM_SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  const profile = new TextEncoder().encode(record.hardwareProfile);
  const bootDefault = new TextEncoder().encode(record.bootDefault);
  const textBytes = profile.length + bootDefault.length;
  if (TEXT_AT + textBytes > NVRAM_SLOT_BYTES) fail(TEXT_AT, `${textBytes} bytes of text`);
  bytes.set(MAGIC);
  setNumber(view, 12, record.sleepType, 32);
  setNumber(view, 16, record.sequence, 64);
  setNumber(view, 24, record.rtcSeconds, 64);
  setNumber(view, 32, record.memoryBytes, 64);
  setNumber(view, 40, record.hardwareSignature, 32);
  setNumber(view, 44, record.cpuCount, 32);
  view.setUint16(48, profile.length, true);
  view.setUint16(50, bootDefault.length, true);
  bytes.set(profile, TEXT_AT);
  bytes.set(bootDefault, TEXT_AT + profile.length);
  view.setUint32(CRC_AT, crc32(bytes.subarray(COVERED_AT)), true);
  return bytes;
}

function parseSlot(bytes: Uint8Array, base: number): NvramRecord {
  const slot = bytes.slice(base, base + NVRAM_SLOT_BYTES);
  const view = new DataView(slot.buffer);
  if (MAGIC.some((byte, index) => slot[index] !== byte)) fail(base, "no record in this slot");
  if (view.getUint32(CRC_AT, true) !== crc32(slot.subarray(COVERED_AT))) {
    fail(base + CRC_AT, "the CRC-32 is wrong, the write of this slot was torn");
  }
  const profileEnd = TEXT_AT + view.getUint16(48, true);
  const textEnd = profileEnd + view.getUint16(50, true);
  if (textEnd > NVRAM_SLOT_BYTES) fail(base + 48, "the texts end after the slot");
  const sequence = getSafe(view, 16);
  if (nvramSlotOffset(sequence) !== base) fail(base + 16, `sequence ${sequence} in this slot`);
  return {
    sequence,
    rtcSeconds: getSafe(view, 24),
    hardwareSignature: view.getUint32(40, true),
    sleepType: view.getUint32(12, true),
    hardwareProfile: new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      slot.subarray(TEXT_AT, profileEnd),
    ),
    memoryBytes: getSafe(view, 32),
    cpuCount: view.getUint32(44, true),
    bootDefault: new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      slot.subarray(profileEnd, textEnd),
    ),
  };
}

/**
 * The newest valid record of both slots (8192 bytes), or undefined if both are blank.
 *
 * @throws {FormatError} if the bytes are fewer, or something is there and neither slot is valid.
 */
export function parseNvram(bytes: Uint8Array): NvramRecord | undefined {
  if (bytes.length < NVRAM_BYTES) fail(bytes.length, `${bytes.length} bytes, 8192 are needed`);
  if (bytes.subarray(0, NVRAM_BYTES).every((byte) => byte === 0)) return undefined;
  const records: NvramRecord[] = [];
  let reason: unknown;
  for (const base of [0, NVRAM_SLOT_BYTES]) {
    try {
      records.push(parseSlot(bytes, base));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      reason = error;
    }
  }
  if (records.length === 0) throw reason;
  return records.reduce((newest, record) => record.sequence > newest.sequence ? record : newest);
}
