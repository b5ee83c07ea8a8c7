/**
 * The firmware's memory map: entries, the packed table, overlap resolution, checksum, text
 * (protocol.md D.1).
 *
 * An entry covers [start, start + length). Type numbers that are not known are kept. Functions
 * never change their argument. Text forms of the map are in `e820_memmap.ts` (command line) and
 * `e820_iomem.ts` (/proc/iomem).
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";

const FORMAT = "e820 table";

/** Types of a memory range (protocol.md D.1). */
export const E820_TYPE = {
  ram: 1,
  reserved: 2,
  acpi: 3,
  nvs: 4,
  unusable: 5,
  pmem: 7,
  pram: 12,
  reservedKernel: 128,
  softReserved: 0xefff_ffff,
} as const;

/** One range of the map; `start` and `length` in bytes, `type` as in {@linkcode E820_TYPE}. */
export interface E820Entry {
  readonly start: number;
  readonly length: number;
  readonly type: number;
}

/** A range of physical addresses [start, start + length), in bytes. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
}

/** Bytes of one packed entry: u64 start, u64 length, u32 type. */
export const E820_ENTRY_BYTES = 20;

/** Entries that the zero page has room for; the bound of every table here. */
export const E820_ENTRIES_MAX = 128;

/** Address after the last byte of a range. */
export function endOf(range: MemoryRange): number {
  return range.start + range.length;
}

function checkEntry(entry: E820Entry, offset: number): void {
  if (!Number.isSafeInteger(endOf(entry))) {
    throw new FormatError(FORMAT, offset, "range ends above 2^53 - 1");
  }
}

/**
 * Entries of a packed table without count.
 *
 * @throws {FormatError} if the length is no multiple of 20, a range passes 2^53 - 1, or there
 * are more than {@linkcode E820_ENTRIES_MAX} entries.
 */
export function parseE820(bytes: Uint8Array): E820Entry[] {
  const reader = new FieldReader(FORMAT, bytes);
  const count = Math.ceil(bytes.length / E820_ENTRY_BYTES);
  if (count > E820_ENTRIES_MAX) {
    reader.fail(0, `${count} entries, at most ${E820_ENTRIES_MAX} are possible`);
  }
  return Array.from({ length: count }, (_, index) => {
    const offset = index * E820_ENTRY_BYTES;
    const entry = {
      start: reader.u64(offset),
      length: reader.u64(offset + 8),
      type: reader.u32(offset + 16),
    };
    checkEntry(entry, offset);
    return entry;
  });
}

/**
 * The packed table without count; the inverse of {@linkcode parseE820}.
 *
 * @throws {FormatError} for more entries than {@linkcode E820_ENTRIES_MAX} or a number that does
 * not fit.
 */
export function emitE820(entries: readonly E820Entry[]): Uint8Array {
  if (entries.length > E820_ENTRIES_MAX) {
    throw new FormatError(FORMAT, 0, `${entries.length} entries, at most ${E820_ENTRIES_MAX}`);
  }
  const writer = new FieldWriter(FORMAT, entries.length * E820_ENTRY_BYTES);
  for (const [index, entry] of entries.entries()) {
    const offset = index * E820_ENTRY_BYTES;
    checkEntry(entry, offset);
    writer.u64(offset, entry.start);
    writer.u64(offset + 8, entry.length);
    writer.u32(offset + 16, entry.type);
  }
  return writer.bytes;
}

/**
 * The table as Linux keeps it: u32 count, then the entries. Bytes after them are not looked at.
 *
 * @throws {FormatError} as {@linkcode parseE820}, and when the input ends before the last entry.
 */
export function parseE820Counted(bytes: Uint8Array): E820Entry[] {
  const reader = new FieldReader(FORMAT, bytes);
  const count = reader.u32(0);
  if (count > E820_ENTRIES_MAX) {
    reader.fail(0, `${count} entries, at most ${E820_ENTRIES_MAX} are possible`);
  }
  return parseE820(reader.slice(4, count * E820_ENTRY_BYTES));
}

/** The inverse of {@linkcode parseE820Counted}. */
export function emitE820Counted(entries: readonly E820Entry[]): Uint8Array {
  const table = emitE820(entries);
  const writer = new FieldWriter(FORMAT, 4 + table.length);
  writer.u32(0, entries.length);
  writer.put(4, table);
  return writer.bytes;
}

/**
 * CRC-32 of the table with its count, as the header of a hibernation image of Linux 6.1 has it
 * (protocol.md B.5.9): made over the firmware's table after {@linkcode sanitizeE820}.
 */
export function e820Crc32(entries: readonly E820Entry[]): number {
  return crc32(emitE820Counted(entries));
}

/** Two kinds of persistent or soft-reserved memory stay separate entries when they touch. */
function staysApart(type: number): boolean {
  return type === E820_TYPE.pram || type === E820_TYPE.softReserved;
}

/**
 * Sorted entries without overlap and without empty ones. Where ranges overlap, the highest type
 * number holds; neighbours of one type are merged (not PRAM and soft-reserved ones).
 */
export function sanitizeE820(entries: readonly E820Entry[]): E820Entry[] {
  const ranges = entries.filter((entry) => entry.length > 0);
  const edges = [...new Set(ranges.flatMap((entry) => [entry.start, endOf(entry)]))];
  edges.sort((left, right) => left - right);
  const result: E820Entry[] = [];
  for (const [index, start] of edges.entries()) {
    const end = edges[index + 1];
    if (end === undefined) break;
    const type = ranges.reduce(
      (highest, entry) =>
        entry.start <= start && end <= endOf(entry) ? Math.max(highest, entry.type) : highest,
      -1,
    );
    if (type < 0) continue;
    const last = result.at(-1);
    if (last !== undefined && last.type === type && endOf(last) === start && !staysApart(type)) {
      result[result.length - 1] = { start: last.start, length: end - last.start, type };
    } else {
      result.push({ start, length: end - start, type });
    }
  }
  return result;
}

/** The RAM of a map (types 1 and 128): sorted, merged, nothing that another type overlaps. */
export function ramRanges(entries: readonly E820Entry[]): MemoryRange[] {
  const result: MemoryRange[] = [];
  for (const entry of sanitizeE820(entries)) {
    if (entry.type !== E820_TYPE.ram && entry.type !== E820_TYPE.reservedKernel) continue;
    const last = result.at(-1);
    if (last !== undefined && endOf(last) === entry.start) {
      result[result.length - 1] = { start: last.start, length: last.length + entry.length };
    } else {
      result.push({ start: entry.start, length: entry.length });
    }
  }
  return result;
}

const TYPE_TEXT: ReadonlyMap<number, string> = new Map<number, string>([
  [E820_TYPE.ram, "usable"],
  [E820_TYPE.reservedKernel, "usable"],
  [E820_TYPE.reserved, "reserved"],
  [E820_TYPE.softReserved, "soft reserved"],
  [E820_TYPE.acpi, "ACPI data"],
  [E820_TYPE.nvs, "ACPI NVS"],
  [E820_TYPE.unusable, "unusable"],
  [E820_TYPE.pmem, "persistent (type 7)"],
  [E820_TYPE.pram, "persistent (type 12)"],
]);

/** The type as the kernel's log has it: "usable", "ACPI data", "type 99". */
export function e820TypeText(type: number): string {
  return TYPE_TEXT.get(type) ?? `type ${type}`;
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(16, "0")}`;
}

/**
 * Log lines of a map, last byte inclusive: `[mem 0x…-0x…] usable`.
 *
 * @param who Prefix such as "BIOS-e820" or "user"; none gives the bare lines.
 */
export function formatE820(entries: readonly E820Entry[], who = ""): string[] {
  const prefix = who === "" ? "" : `${who}: `;
  return entries.map((entry) =>
    `${prefix}[mem ${hex16(entry.start)}-${hex16(Math.max(entry.start, endOf(entry) - 1))}] ` +
    e820TypeText(entry.type)
  );
}
