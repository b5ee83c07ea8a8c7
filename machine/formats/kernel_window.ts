/**
 * Where kexec-tools puts the parts of a bzImage inside [memMin, memMax] (protocol.md B.4.3, D.4).
 *
 * Each part is placed in turn into the RAM of the window that is still free: at the top of the
 * highest hole that has room, or at the bottom of the lowest one.
 *
 * | step | part | x86_64 (kexec-tools 2.0.25) | i386 (2008) |
 * |---|---|---|---|
 * | 1 | ELF core header, at least 16 KiB | top | top |
 * | 2 | purgatory, from 0x3000 | top | top, below 2 GiB |
 * | 3 | boot parameters and command line, 64 bytes to spare | top | top |
 * | 4 | kernel, from 1 MiB, aligned as it asks | top, `init_size` bytes | bottom, file's bytes |
 * | 5 | ramdisk | top, from 16 MiB | top, from 1 MiB |
 * | 6 | setup_data (a random seed) | bottom, from 1 MiB | none |
 *
 * Then, with `fillHoles`, every hole of the window becomes a "backup" segment without content, so
 * that the whole window is swapped. The x86_64 column gives the recorded layouts to the byte. In
 * the i386 column one thing is ours: the tool of 2008 looks for the ramdisk's place from 16 MiB
 * on, which the posting's own window (1M to 16M) does not reach.
 *
 * Refusals are values with the tool's text, since they are facts of the simulated machine.
 *
 * @module
 */
import type { BzImageInfo, KernelArch } from "./bzimage.ts";
import { endOf, type MemoryRange } from "./e820_table.ts";

const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;
const CORE_HEADER_BYTES_MIN = 16 * 1024;
const BOOT_PARAMS_BYTES_MIN = 4096;
/** Room for ` kexec_jump_back_entry=0x…`, which purgatory appends. */
const COMMAND_LINE_SPARE_BYTES = 64;
const PURGATORY_MIN = 0x3000;
const RNG_SEED_BYTES = 0x30;
const LOW_MEMORY_LAST = 0x9_ffff;

/** The tool's parts of a load. */
export type SegmentName =
  | "kernel"
  | "bootParams"
  | "initrd"
  | "elfcorehdr"
  | "purgatory"
  | "setupData"
  | "backup";

/** A segment of kexec_load: `mem` and `memsz` whole pages, `bufsz` bytes of content. */
export interface KernelSegment {
  readonly name: SegmentName;
  readonly mem: number;
  readonly memsz: number;
  readonly bufsz: number;
}

/** What of a bzImage decides its place. */
export type WindowKernel = Pick<
  BzImageInfo,
  | "setupBytes"
  | "loadBytes"
  | "initSize"
  | "kernelAlignment"
  | "relocatable"
  | "initrdAddressMax"
  | "commandLineSize"
>;

/** What is to be placed. Sizes are bytes; 0 leaves ramdisk and core header out. */
export interface WindowInput {
  readonly arch: KernelArch;
  readonly kernel: WindowKernel;
  readonly initrdBytes: number;
  /** The complete command line with its terminating zero. */
  readonly cmdlineBytes: number;
  readonly coreHeaderBytes: number;
  /** Content of purgatory. */
  readonly purgatoryBytes: number;
  /** Content and bss of purgatory; the content's unless given. */
  readonly purgatoryMemoryBytes?: number;
  /** 48 on x86_64, 0 on i386 unless given. */
  readonly setupDataBytes?: number;
  /** First byte of the window. */
  readonly memMin: number;
  /** Last byte of the window, inclusive as in `--mem-max`. */
  readonly memMax: number;
  readonly ramRanges: readonly MemoryRange[];
  /** Whether holes become backup segments; true for a preserve-context load. */
  readonly fillHoles?: boolean;
}

/** Segments in ascending order of address, or why the tool gives up. */
export type WindowResult =
  | { readonly kind: "placed"; readonly segments: readonly KernelSegment[] }
  | { readonly kind: "refused"; readonly part: SegmentName; readonly message: string };

interface Part {
  readonly name: SegmentName;
  readonly bufsz: number;
  readonly memoryBytes: number;
  readonly align: number;
  readonly min: number;
  /** Last address, inclusive. */
  readonly max: number;
  readonly end: "top" | "bottom";
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function roundDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** What of the ranges no segment covers; both in ascending order. */
function holes(
  ranges: readonly MemoryRange[],
  segments: readonly KernelSegment[],
): MemoryRange[] {
  const free: MemoryRange[] = [];
  for (const range of ranges) {
    let start = range.start;
    for (const segment of segments) {
      const segmentEnd = segment.mem + segment.memsz;
      if (segmentEnd <= start || segment.mem >= endOf(range)) continue;
      if (segment.mem > start) free.push({ start, length: segment.mem - start });
      start = segmentEnd;
    }
    if (start < endOf(range)) free.push({ start, length: endOf(range) - start });
  }
  return free;
}

/** The ranges cut to [memMin, memMax]. */
function clipped(input: WindowInput): MemoryRange[] {
  return input.ramRanges.flatMap((range) => {
    const start = Math.max(range.start, input.memMin);
    const end = Math.min(endOf(range), input.memMax + 1);
    return end > start ? [{ start, length: end - start }] : [];
  });
}

function locate(free: readonly MemoryRange[], part: Part): number | undefined {
  const length = roundUp(part.memoryBytes, PAGE_BYTES);
  const align = Math.max(part.align, PAGE_BYTES);
  let place: number | undefined;
  for (const range of free) {
    const start = roundUp(Math.max(range.start, part.min), align);
    const end = Math.min(endOf(range), part.max + 1);
    if (end - start < length) continue;
    if (part.end === "bottom") return start;
    place = roundDown(end - length, align);
  }
  return place;
}

function kernelPart({ arch, kernel }: WindowInput): Part {
  const is64 = arch === "x86_64";
  const fixed = !is64 && !kernel.relocatable;
  const max = is64 ? Number.MAX_SAFE_INTEGER - 1 : Math.min(0x37ff_ffff, kernel.initrdAddressMax);
  return {
    name: "kernel",
    bufsz: kernel.loadBytes,
    memoryBytes: is64 ? Math.max(kernel.initSize, kernel.loadBytes) : kernel.loadBytes,
    align: fixed ? PAGE_BYTES : kernel.kernelAlignment,
    min: MIB,
    max: fixed ? MIB + roundUp(kernel.loadBytes, PAGE_BYTES) - 1 : max,
    end: is64 ? "top" : "bottom",
  };
}

function partsOf(input: WindowInput): Part[] {
  const { arch, kernel } = input;
  const is64 = arch === "x86_64";
  const anywhere = { align: PAGE_BYTES, min: 0, max: Number.MAX_SAFE_INTEGER - 1 };
  const bootParamsBytes = Math.max(kernel.setupBytes, BOOT_PARAMS_BYTES_MIN) +
    input.cmdlineBytes + COMMAND_LINE_SPARE_BYTES;
  const part = (name: SegmentName, bufsz: number, rest: Partial<Part> = {}): Part => ({
    ...anywhere,
    name,
    bufsz,
    memoryBytes: bufsz,
    end: "top",
    ...rest,
  });
  const parts = [
    part("elfcorehdr", input.coreHeaderBytes, {
      memoryBytes: input.coreHeaderBytes && Math.max(input.coreHeaderBytes, CORE_HEADER_BYTES_MIN),
    }),
    part("purgatory", input.purgatoryBytes, {
      memoryBytes: input.purgatoryMemoryBytes ?? input.purgatoryBytes,
      min: PURGATORY_MIN,
      ...(is64 ? {} : { max: kernel.relocatable ? 0x7fff_ffff : 640 * 1024 }),
    }),
    part("bootParams", bootParamsBytes, { min: PURGATORY_MIN }),
    kernelPart(input),
    part("initrd", input.initrdBytes, {
      min: is64 ? 16 * MIB : MIB,
      ...(is64 ? {} : { max: kernel.initrdAddressMax }),
    }),
    part("setupData", input.setupDataBytes ?? (is64 ? RNG_SEED_BYTES : 0), {
      min: MIB,
      end: "bottom",
    }),
  ];
  return parts.filter((each) => each.memoryBytes > 0);
}

/** Reasons to give up before anything is placed. */
function refusal(input: WindowInput): WindowResult | undefined {
  const { kernel, cmdlineBytes, memMax } = input;
  if (cmdlineBytes > kernel.commandLineSize) {
    const message = "Kernel command line too long for kernel!";
    return { kind: "refused", part: "bootParams", message };
  }
  const first = input.ramRanges.find((range) => endOf(range) - 1 > LOW_MEMORY_LAST);
  if (first === undefined || first.start >= memMax || input.memMin > memMax) {
    const message = `Too small mem_max: ${hex(memMax)}.`;
    return { kind: "refused", part: "elfcorehdr", message };
  }
  return undefined;
}

function inOrder(segments: readonly KernelSegment[]): KernelSegment[] {
  return [...segments].sort((left, right) => left.mem - right.mem);
}

/** The holes of the window in whole pages, as segments without content. */
function backups(window: readonly MemoryRange[], segments: readonly KernelSegment[]) {
  return holes(window, segments).flatMap((hole): KernelSegment[] => {
    const mem = roundUp(hole.start, PAGE_BYTES);
    const memsz = roundDown(endOf(hole), PAGE_BYTES) - mem;
    return memsz > 0 ? [{ name: "backup", mem, memsz, bufsz: 0 }] : [];
  });
}

/**
 * Places a kernel and what belongs to it.
 *
 * The place of the core header does not depend on `cmdlineBytes`, so `elfcorehdr=` can be put on
 * the command line between two calls.
 */
export function placeKernel(input: WindowInput): WindowResult {
  const early = refusal(input);
  if (early !== undefined) return early;
  const window = clipped(input);
  let segments: KernelSegment[] = [];
  for (const part of partsOf(input)) {
    const memsz = roundUp(part.memoryBytes, PAGE_BYTES);
    const mem = locate(holes(window, segments), part);
    if (mem === undefined) {
      const message = `Could not find a free area of memory of ${hex(memsz)} bytes`;
      return { kind: "refused", part: part.name, message };
    }
    segments = inOrder([...segments, { name: part.name, mem, memsz, bufsz: part.bufsz }]);
  }
  const fill = input.fillHoles ?? true;
  return {
    kind: "placed",
    segments: fill ? inOrder([...segments, ...backups(window, segments)]) : segments,
  };
}

/** What the least window costs. */
export interface LeastWindow {
  /** Last byte of the window, for `--mem-max`; the byte after it is a multiple of 1 MiB. */
  readonly memMax: number;
  /** Bytes of the window. */
  readonly windowBytes: number;
  /** RAM of a machine that can load it, a multiple of 16 MiB, for `--memory`. */
  readonly memoryBytes: number;
}

/**
 * The least window from `memMin` on in which the load works, in whole MiB, and the least RAM.
 *
 * The kernel counts with its `init_size` on both arches, since it overwrites what lies behind
 * while it unpacks itself. RAM is twice the window, because every page of it needs a source page
 * and Linux 6.1 loads no more than half of its pages (protocol.md C.2), and `reservedBytes` that
 * those pages do not include.
 *
 * @param reservedBytes What firmware and the kernel keep from its page count; 32 MiB unless given.
 * @returns undefined if no window of any size works (a kernel that is not relocatable, or a
 * command line that is too long).
 */
export function leastWindow(
  input: Omit<WindowInput, "memMax" | "ramRanges">,
  reservedBytes: number = 32 * MIB,
): LeastWindow | undefined {
  const { kernel, memMin } = input;
  const unpacked = Math.max(kernel.initSize, kernel.loadBytes);
  const all = unpacked + input.initrdBytes + input.cmdlineBytes + input.coreHeaderBytes +
    (input.purgatoryMemoryBytes ?? input.purgatoryBytes) + kernel.setupBytes +
    2 * kernel.kernelAlignment + 18 * MIB;
  const highest = roundUp(Math.max(memMin, 16 * MIB) + all, MIB);
  const ramRanges = [{ start: MIB, length: highest }];
  const whole = { ...kernel, loadBytes: unpacked };
  for (let end = roundUp(memMin + 1, MIB); end <= highest; end += MIB) {
    const memMax = end - 1;
    if (placeKernel({ ...input, kernel: whole, memMax, ramRanges }).kind !== "placed") continue;
    const windowBytes = end - memMin;
    const need = Math.max(end + MIB, 2 * windowBytes + reservedBytes);
    return { memMax, windowBytes, memoryBytes: roundUp(need, 16 * MIB) };
  }
  return undefined;
}
