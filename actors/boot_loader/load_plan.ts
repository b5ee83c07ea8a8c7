/**
 * Where the boot loader puts kernel and ramdisk, and from which sectors they come.
 *
 * A relocatable kernel goes to the address it prefers, or where that is not RAM to the lowest
 * aligned one that is; any other goes to its `code32_start`. The ramdisk goes to the highest
 * pages below 896 MiB and below the kernel's own limit. RAM is what the firmware's map says, cut
 * by `mem=` and `memmap=` of the command line, as the kernel itself will see it.
 *
 * What cannot be is a value with a sentence for the console.
 *
 * @module
 */
import { FieldReader } from "../../machine/formats/byte_fields.ts";
import { ENTRY_64_OFFSET } from "../../machine/formats/bzimage.ts";
import {
  type E820Entry,
  endOf,
  type MemoryRange,
  ramRanges,
} from "../../machine/formats/e820_table.ts";
import { applyMemmap } from "../../machine/formats/e820_memmap.ts";
import type { FileExtent } from "../../machine/formats/ext2/mod.ts";
import {
  HEADER_FIELD,
  KERNEL_64,
  LOADED_HIGH,
  parseSetupHeader,
  SETUP_HEADER_BYTES_MAX,
  SETUP_HEADER_OFFSET,
  type SetupHeader,
} from "../../machine/formats/setup_header.ts";
import { LIMITS } from "../../machine/limits.ts";

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
const BLOCK_SECTORS = 8;
const MIB = 1024 ** 2;
const RAMDISK_END_MAX = 896 * MIB;

/** A file on the boot partition. */
export interface LoadFile {
  readonly path: string;
  readonly bytes: number;
  readonly extents: readonly FileExtent[];
}

/** What is to be loaded. */
export interface LoadInput {
  /** First bytes of the kernel file, the set-up header in them. */
  readonly prefix: Uint8Array;
  readonly kernel: LoadFile;
  readonly initrd: LoadFile | undefined;
  readonly e820: readonly E820Entry[];
  readonly commandLine: string;
  /** First sector of the boot partition. */
  readonly firstSector: number;
}

/** Sectors that go to an address: at most 1 MiB. */
export interface SectorMove {
  readonly sector: number;
  readonly count: number;
  readonly address: number;
}

/** A plan that can be carried out. */
export interface LoadPlan {
  readonly moves: readonly SectorMove[];
  readonly entry: number;
  /** Header for the zero page, with `code32_start` as loaded. */
  readonly setupHeader: Uint8Array;
  readonly initrdAddress: number;
  readonly initrdBytes: number;
}

/** Why a load is impossible, as a person reads it. */
export class LoadRefusal extends Error {
  override readonly name = "LoadRefusal";
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function roundDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

/** The moves of a file's bytes from `from` (whole sectors) to `to`, its end unless given. */
export function movesOf(
  file: LoadFile,
  from: number,
  address: number,
  firstSector: number,
  to: number = file.bytes,
): SectorMove[] {
  const moves: SectorMove[] = [];
  const end = roundUp(to, SECTOR_BYTES);
  let next = from;
  for (const { fileBlock, block, count } of file.extents) {
    const extentStart = fileBlock * PAGE_BYTES;
    const extentEnd = Math.min(end, extentStart + count * PAGE_BYTES);
    if (extentEnd <= next) continue;
    if (extentStart > next) break;
    while (next < extentEnd) {
      const length = Math.min(extentEnd - next, LIMITS.grantBytes);
      const sector = firstSector + block * BLOCK_SECTORS + (next - extentStart) / SECTOR_BYTES;
      moves.push({ sector, count: length / SECTOR_BYTES, address: address + next - from });
      next += length;
    }
  }
  if (next < end) throw new LoadRefusal(`${file.path} has a hole at byte ${next}`);
  return moves;
}

function isInside(range: MemoryRange, usable: readonly MemoryRange[]): boolean {
  return usable.some((other) => other.start <= range.start && endOf(range) <= endOf(other));
}

/** Where the kernel goes, with all that it needs before it reads the memory map. */
function kernelRange(
  header: SetupHeader,
  loadBytes: number,
  usable: readonly MemoryRange[],
): MemoryRange {
  const length = roundUp(Math.max(header.initSize, loadBytes), PAGE_BYTES);
  const wanted = header.relocatable ? Math.max(header.preferredAddress, MIB) : header.code32Start;
  const first = { start: wanted, length };
  if (isInside(first, usable)) return first;
  const hex = wanted.toString(16);
  if (!header.relocatable) {
    throw new LoadRefusal(`there is no RAM for ${length} bytes of kernel at 0x${hex}`);
  }
  const align = Math.max(header.kernelAlignment, PAGE_BYTES);
  for (const range of usable) {
    const place = { start: roundUp(Math.max(range.start, MIB), align), length };
    if (isInside(place, [range])) return place;
  }
  throw new LoadRefusal(`there is no RAM for ${length} bytes of kernel`);
}

/** `usable` without one range. */
function without(usable: readonly MemoryRange[], hole: MemoryRange): MemoryRange[] {
  return usable.flatMap((range) => {
    const parts = [
      { start: range.start, end: Math.min(endOf(range), hole.start) },
      { start: Math.max(range.start, endOf(hole)), end: endOf(range) },
    ];
    return parts.flatMap(({ start, end }) => start < end ? [{ start, length: end - start }] : []);
  });
}

function initrdStart(
  file: LoadFile,
  header: SetupHeader,
  free: readonly MemoryRange[],
): number {
  const limit = Math.min(RAMDISK_END_MAX, header.initrdAddressMax + 1);
  const length = roundUp(file.bytes, PAGE_BYTES);
  const starts = free.flatMap((range) => {
    const start = roundDown(Math.min(endOf(range), limit) - length, PAGE_BYTES);
    return start >= Math.max(range.start, MIB) ? [start] : [];
  });
  if (starts.length === 0) {
    throw new LoadRefusal(`there is no RAM for ${file.path} (${file.bytes} bytes)`);
  }
  return Math.max(...starts);
}

/** The header's bytes for the zero page, `code32_start` set to where the kernel is. */
function headerFor(prefix: Uint8Array, kernelAddress: number): Uint8Array {
  const stated = HEADER_FIELD.magic + (prefix[HEADER_FIELD.jump + 1] ?? 0) - SETUP_HEADER_OFFSET;
  const length = Math.min(stated, SETUP_HEADER_BYTES_MAX);
  const bytes = prefix.slice(SETUP_HEADER_OFFSET, SETUP_HEADER_OFFSET + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEADER_FIELD.code32Start - SETUP_HEADER_OFFSET, kernelAddress, true);
  return bytes;
}

/**
 * The plan for a kernel and its ramdisk.
 *
 * @throws {LoadRefusal} if something has no room, or is longer than its header allows.
 * @throws {FormatError} if the prefix has no set-up header.
 */
export function planLoad(input: LoadInput): LoadPlan {
  const { prefix, kernel, initrd, commandLine, firstSector } = input;
  const header = parseSetupHeader(new FieldReader("bzImage", prefix));
  if ((header.loadFlags & LOADED_HIGH) === 0) {
    throw new LoadRefusal(`${kernel.path} is a zImage, not a bzImage`);
  }
  const setupBytes = (header.setupSectors + 1) * SECTOR_BYTES;
  const loadBytes = kernel.bytes - setupBytes;
  if (loadBytes <= 0) throw new LoadRefusal(`${kernel.path} ends in its set-up sectors`);
  if (commandLine.length > Math.min(header.commandLineSize, PAGE_BYTES - 1)) {
    const most = header.commandLineSize;
    throw new LoadRefusal(`a command line of ${commandLine.length} characters, at most ${most}`);
  }
  const usable = ramRanges(applyMemmap(commandLine, input.e820));
  const place = kernelRange(header, loadBytes, usable);
  const initrdAddress = initrd === undefined
    ? 0
    : initrdStart(initrd, header, without(usable, place));
  const is64 = (header.extendedLoadFlags & KERNEL_64) !== 0;
  return {
    moves: [
      ...movesOf(kernel, setupBytes, place.start, firstSector),
      ...(initrd === undefined ? [] : movesOf(initrd, 0, initrdAddress, firstSector)),
    ],
    entry: place.start + (is64 ? ENTRY_64_OFFSET : 0),
    setupHeader: headerFor(prefix, place.start),
    initrdAddress,
    initrdBytes: initrd?.bytes ?? 0,
  };
}
