/**
 * The region that `crashkernel=` reserves and the image slot that belongs to it (protocol.md A.4,
 * B.1, C.1, D.4): memory the kernel never uses, in which another one can run beside it.
 *
 * A crash image has an empty entry list: its content is copied straight to the region when it is
 * loaded. Its control page is the first hole of the region that has room (C.4 I4). Loading frees
 * the old image before anything is checked that could fail, so that a failed load leaves none.
 *
 * @module
 */
import { controlPageBytes } from "../../machine/formats/control_page.ts";
import {
  emitIomem,
  endOf,
  iomemFromE820,
  type IomemResource,
  parseSize,
  ramRanges,
} from "../../machine/formats/e820.ts";
import { IND_DONE } from "../../machine/formats/kimage.ts";
import {
  countPages,
  intersect,
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
  subtract,
  union,
} from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { done, fail, type Next } from "./procedure.ts";
import type { CrashSlot, ImageSegment, KexecImage } from "./state.ts";

/** Where a region without `@BASE` may begin: 16 MiB or a multiple of that. */
const ALIGN_BYTES = 16 * 0x10_0000;

/** A region that is wanted: bytes; `base` is undefined where the kernel may choose. */
interface Wanted {
  readonly size: number;
  readonly base: number | undefined;
}

/**
 * The region a `crashkernel=` asks for: `SIZE[@BASE]`, or `[START]-[END]:SIZE,…[@BASE]`, of which
 * the first range with the machine's RAM in it counts. Undefined where it asks for none.
 */
export function parseCrashkernel(text: string, ramBytes: number): Wanted | undefined {
  const [sizes = "", place, more] = text.split("@");
  if (more !== undefined) return undefined;
  const base = place === undefined ? undefined : parseSize(place);
  if (place !== undefined && base === undefined) return undefined;
  if (!sizes.includes(":")) {
    const size = parseSize(sizes);
    return size === undefined || size === 0 ? undefined : { size, base };
  }
  for (const item of sizes.split(",")) {
    const match = /^([^-:]*)-([^-:]*):(.+)$/.exec(item);
    const [, from = "", to = "", amount = ""] = match ?? [];
    const start = parseSize(from === "" ? "0" : from);
    const end = to === "" ? Infinity : parseSize(to);
    const size = parseSize(amount);
    if (start === undefined || end === undefined || size === undefined) return undefined;
    if (start <= ramBytes && ramBytes < end) return size === 0 ? undefined : { size, base };
  }
  return undefined;
}

function runOf(start: number, end: number): PageRun {
  return { pfn: start / PAGE_BYTES, count: (end - start) / PAGE_BYTES };
}

/** A place for a region that may be anywhere: the highest one. */
function chooseBase(free: readonly PageRun[], size: number): number | undefined {
  let base: number | undefined;
  for (const { pfn, count } of free) {
    const end = (pfn + count) * PAGE_BYTES;
    const at = Math.floor((end - size) / ALIGN_BYTES) * ALIGN_BYTES;
    if (at >= Math.max(pfn * PAGE_BYTES, ALIGN_BYTES)) base = Math.max(base ?? 0, at);
  }
  return base;
}

/**
 * Takes the region out of the allocator's hands, at boot before anything else does; says so, or
 * why not. `text` is the value of the last `crashkernel=`, undefined without one.
 */
export function reserveCrashRegion(kernel: Kernel, text: string | undefined): void {
  if (text === undefined) return;
  const { state } = kernel;
  const ram = ramRanges(state.map).map((range) => ({ start: range.start, end: endOf(range) }));
  const ramBytes = ram.reduce((sum, { start, end }) => sum + end - start, 0);
  const wanted = parseCrashkernel(text, ramBytes);
  if (wanted === undefined) return kernel.print(`crashkernel: nothing to reserve for '${text}'`);
  const size = Math.ceil(wanted.size / PAGE_BYTES) * PAGE_BYTES;
  const base = wanted.base ?? chooseBase(state.free, size);
  if (base === undefined) return kernel.print("crashkernel reservation failed - no place for it");
  const run = runOf(base, base + size);
  const inUse = base % PAGE_BYTES !== 0 ||
    countPages(intersect(rangesToRuns(ram), [run])) !== run.count ||
    countPages(intersect(state.free, [run])) !== run.count;
  if (inUse) return kernel.print("crashkernel reservation failed - memory is in use");
  state.free = subtract(state.free, [run]);
  state.crash = { start: base, end: base + size, image: null };
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / 0x10_0000)}MB`;
  kernel.print(`Reserving ${mebibytes(size)} of memory at ${mebibytes(base)} for crashkernel`);
}

/** Text of /proc/iomem, the region inside the RAM it is taken from. */
export function iomemText(kernel: Kernel): string {
  const { map, crash } = kernel.state;
  const lines: IomemResource[] = [];
  for (const line of iomemFromE820(map)) {
    lines.push(line);
    if (crash === undefined || crash.start === crash.end) continue;
    if (line.start > crash.start || crash.end - 1 > line.end) continue;
    lines.push({ start: crash.start, end: crash.end - 1, name: "Crash kernel", level: 1 });
  }
  return emitIomem(lines);
}

/** Pages of a hole of the region that no segment has, first fit and upward. */
function controlPage(slot: CrashSlot, segments: readonly ImageSegment[], pages: number) {
  const used = rangesToRuns(
    segments.filter(({ memsz }) => memsz > 0)
      .map(({ mem, memsz }) => ({ start: mem, end: mem + memsz })),
  );
  const holes = subtract([runOf(slot.start, slot.end)], used);
  return holes.find(({ count }) => count >= pages)?.pfn;
}

/** The image of segments that passed the checks; undefined where no hole has a control page. */
export function placeCrashImage(
  kernel: Kernel,
  segments: readonly ImageSegment[],
  entry: number,
): KexecImage | undefined {
  const slot = kernel.state.crash;
  if (slot === undefined) return undefined;
  const pages = controlPageBytes(kernel.profile.arch) / PAGE_BYTES;
  const controlPfn = controlPage(slot, segments, pages);
  if (controlPfn === undefined) return undefined;
  return {
    segments: segments.map(({ mem, memsz, bufsz }) => ({ mem, memsz, bufsz })),
    preserve: false,
    start: entry,
    head: IND_DONE,
    controlPfn,
    swapPfn: 0,
    indirection: [],
    owned: [],
  };
}

/** Content goes straight to its place: each page is its own source. */
export function crashPages(segments: readonly ImageSegment[]): number[][] {
  return segments.map(({ mem, memsz }) =>
    Array.from({ length: memsz / PAGE_BYTES }, (_, page) => mem / PAGE_BYTES + page)
  );
}

/** The image of the slot; null without one, or without a region. */
export function crashImage({ state }: Kernel): KexecImage | null {
  return state.crash?.image ?? null;
}

/** Forgets the image of the slot, if there is one. */
export function freeCrashImage(kernel: Kernel): void {
  const { crash } = kernel.state;
  if (crash !== undefined) crash.image = null;
}

/** /sys/kernel/kexec_crash_size: bytes of the region. */
export function crashSize(kernel: Kernel): number {
  const { crash } = kernel.state;
  return crash === undefined ? 0 : crash.end - crash.start;
}

/**
 * Shrinks the region, whose tail becomes ordinary memory.
 *
 * ENOENT while an image is loaded, EBUSY while somebody holds the kexec lock, EINVAL for text
 * that is no number or for more than there is.
 */
export function shrinkCrashRegion(kernel: Kernel, text: string): Next {
  const { state } = kernel;
  const size = parseSize(text.trim());
  if (size === undefined) return fail(ERRNO.EINVAL);
  if (state.lock !== "") return fail(ERRNO.EBUSY);
  const { crash } = state;
  if (crashImage(kernel) !== null) return fail(ERRNO.ENOENT);
  const now = crashSize(kernel);
  const wanted = Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  if (wanted >= now || crash === undefined) return wanted === now ? done(0) : fail(ERRNO.EINVAL);
  state.free = union(state.free, [runOf(crash.start + wanted, crash.end)]);
  crash.end = crash.start + wanted;
  return done(0);
}
