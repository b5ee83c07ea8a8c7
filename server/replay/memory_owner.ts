/**
 * Who owns which page of a machine's RAM, painted in layers: what firmware said; kernels that
 * stand in RAM only, where their pages are now; the kernel that runs; and those that it holds in
 * the source pages of its loaded image, because it jumped to them and they came back.
 *
 * Of a kernel that left, the page-frame table in RAM counts, found as the processor would find it
 * (`sleeping_kernel.ts`). A kernel that runs writes its table only when it leaves; until then the
 * table is made of its allocator's state by the same code that will write it. Entry lists of
 * loaded images are walked in RAM in both cases.
 *
 * @module
 */
import { writeFrames } from "../../actors/kernel/allocator.ts";
import { KERNEL_PROFILES } from "../../actors/kernel/profiles.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import { E820_TYPE, type E820Entry, endOf, ramRanges } from "../../machine/formats/e820_table.ts";
import { FRAME, FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, type PageRun, rangesToRuns } from "../../machine/formats/page_runs.ts";
import type { FrameClass, MemoryMap } from "../api/shapes/machine.ts";
import { FrameMap } from "./frame_map.ts";
import {
  bytesAt,
  flagsIn,
  IN_PLACE,
  listedPairs,
  owns,
  type Place,
  type SleepingKernel,
  sleepingKernel,
} from "./sleeping_kernel.ts";

/** A kernel that left with the wish to come back: its name, and its jump-back entry. */
export interface Sleeper {
  readonly name: string;
  readonly entry: number;
}

/** Where a kernel's page-frame table stands in RAM, as was said when it came back. */
export interface KnownTable {
  readonly name: string;
  readonly address: number;
  readonly frames: number;
}

/** What is looked at. */
export interface MemoryView {
  readonly ram: FlatStore;
  /** Without power there is nothing in RAM. */
  readonly powered: boolean;
  /** The machine's own memory map. */
  readonly firmwareMap: readonly E820Entry[];
  /** Whose instructions the processor runs; empty for nobody's. */
  readonly running: string;
  /** State of the kernel that runs, where it is one whose state is known. */
  readonly kernel?: KernelState;
  /** Its table, where it came back and has not read its state yet. */
  readonly back?: KnownTable;
  /** Whether what runs is a kernel. */
  readonly isKernel: boolean;
  /** Those that left, first gone first. */
  readonly asleep: readonly Sleeper[];
}

/** Frames that are no RAM of the kernel whose table says so. */
const NOT_ITS_OWN = FRAME.reserved | FRAME.nosave;

function classOf(flags: number): FrameClass {
  if ((flags & FRAME.free) !== 0) return "free";
  if ((flags & FRAME.reserved) !== 0) return "reserved";
  // What may not be saved is a copy or a part of an image itself (protocol.md B.5.5, B.6).
  if ((flags & FRAME.nosave) !== 0) return "image";
  if ((flags & FRAME.kimage) !== 0) return "kimage";
  if ((flags & FRAME.user) !== 0) return "user";
  if ((flags & (FRAME.cache | FRAME.cachePrivate)) !== 0) return "cache";
  return (flags & FRAME.kernel) !== 0 ? "kernel" : "unknown";
}

function paintFirmware(map: FrameMap, entries: readonly E820Entry[]): void {
  for (const entry of entries) {
    if (entry.type !== E820_TYPE.acpi && entry.type !== E820_TYPE.nvs) continue;
    const first = Math.floor(entry.start / PAGE_BYTES);
    map.set(first, Math.ceil(endOf(entry) / PAGE_BYTES) - first, "firmware", "firmware");
  }
  const ram = ramRanges(entries).map((range) => ({ start: range.start, end: endOf(range) }));
  for (const { pfn, count } of rangesToRuns(ram)) map.set(pfn, count, "", "free");
}

/** Paints a run of frames where they stand. */
function paintRun(
  map: FrameMap,
  { pfn, count }: PageRun,
  place: Place,
  owner: string,
  name: FrameClass,
): void {
  if (place === IN_PLACE) return map.set(pfn, count, owner, name);
  for (let frame = pfn; frame < pfn + count; frame++) map.set(place(frame), 1, owner, name);
}

/** Frames of a table with the same flags. */
function* tableRuns(table: Uint8Array): Generator<PageRun & { readonly flags: number }> {
  const frames = table.length / FRAME_BYTES;
  for (let pfn = 0; pfn < frames;) {
    const flags = flagsIn(table, pfn);
    let end = pfn + 1;
    while (end < frames && flagsIn(table, end) === flags) end++;
    yield { pfn, count: end - pfn, flags };
    pfn = end;
  }
}

/** What a kernel's state knows better than its table: windows, kimgcore's header, in_suspend. */
function paintDetails(map: FrameMap, state: KernelState, place: Place): void {
  const { name, crash, kimgcore, swsusp } = state;
  if (crash !== undefined) {
    const pfn = crash.start / PAGE_BYTES;
    paintRun(map, { pfn, count: crash.end / PAGE_BYTES - pfn }, place, name, "window");
  }
  for (const run of kimgcore?.header ?? []) paintRun(map, run, place, name, "image");
  if (swsusp !== undefined && swsusp.nosavePfn > 0) {
    paintRun(map, { pfn: swsusp.nosavePfn, count: 1 }, place, name, "kernel");
  }
}

/**
 * A kernel that left. Where its jump has exchanged pages, what was at the destinations stands in
 * the source pages, and the destinations are the other's.
 */
function paintSleeper(map: FrameMap, kernel: SleepingKernel, running: string): void {
  const { name, table, place, pairs, state } = kernel;
  for (const { pfn, count, flags } of tableRuns(table)) {
    if ((flags & NOT_ITS_OWN) === NOT_ITS_OWN) continue;
    paintRun(map, { pfn, count }, pairs.size === 0 ? IN_PLACE : place, name, classOf(flags));
  }
  paintDetails(map, state, place);
  for (const [destination, source] of pairs) {
    if (destination === source) continue;
    map.set(source, 1, name, "source");
    map.set(destination, 1, running, "window");
  }
}

/** A kernel's page-frame table as it would write it now; `undefined` before it has an allocator. */
export function tableOf(state: KernelState): Uint8Array | undefined {
  const { layout } = state;
  if (layout === undefined) return undefined;
  const table = new Uint8Array(layout.frameCount * FRAME_BYTES);
  writeFrames(state, table, 0, layout.frameCount);
  return table;
}

/** The pairs of a kernel's loaded image, walked in RAM. */
function imagePairs(ram: FlatStore, { image, profile }: KernelState): ReadonlyMap<number, number> {
  const known = KERNEL_PROFILES[profile];
  if (image === null || known === undefined) return new Map();
  return listedPairs(ram, known.arch, image.head);
}

/** Free frames of the running kernel that another one's content stands in stay that one's. */
function paintFree(map: FrameMap, { pfn, count }: PageRun, name: string): void {
  for (let frame = pfn; frame < pfn + count; frame++) {
    const owner = map.ownerOf(frame);
    const before = map.classOf(frame);
    if (owner === "" || owner === name || before === "free" || before === "window") {
      map.set(frame, 1, name, "free");
    }
  }
}

/** The running kernel's table: as it would write it, or as it stands in RAM from its departure. */
function runningTable({ ram, kernel, back, running }: MemoryView): Uint8Array | undefined {
  const own = kernel === undefined ? undefined : tableOf(kernel);
  if (own !== undefined || back?.name !== running) return own;
  const { address, frames } = back;
  const length = frames * FRAME_BYTES;
  const table = length > ram.byteLength ? undefined : bytesAt(ram, address, length, IN_PLACE);
  return table !== undefined && owns(table, address, length) ? table : undefined;
}

function paintRunning(
  map: FrameMap,
  name: string,
  table: Uint8Array,
  pairs: ReadonlyMap<number, number>,
): void {
  for (const { pfn, count, flags } of tableRuns(table)) {
    if ((flags & NOT_ITS_OWN) === NOT_ITS_OWN) continue;
    const kind = classOf(flags);
    if (kind === "free") paintFree(map, { pfn, count }, name);
    else map.set(pfn, count, name, kind);
  }
  for (const [destination, source] of pairs) {
    if (map.classOf(destination) === "free") map.set(destination, 1, name, "window");
    map.set(source, 1, name, "source");
  }
}

/** One that stands in the region that the running kernel has set aside for it. */
function paintInWindow(map: FrameMap, { name, table }: SleepingKernel, kernel: KernelState): void {
  const { crash } = kernel;
  if (crash === undefined) return;
  const region = { pfn: crash.start / PAGE_BYTES, end: crash.end / PAGE_BYTES };
  for (const { pfn, count, flags } of tableRuns(table)) {
    if ((flags & NOT_ITS_OWN) === NOT_ITS_OWN || (flags & FRAME.free) !== 0) continue;
    const from = Math.max(pfn, region.pfn);
    map.set(from, Math.min(pfn + count, region.end) - from, name, classOf(flags));
  }
}

/** One that came back and stands where the running kernel's exchange has put it. */
function paintReturned(map: FrameMap, kernel: SleepingKernel): void {
  for (const { pfn, count, flags } of tableRuns(kernel.table)) {
    if ((flags & NOT_ITS_OWN) === NOT_ITS_OWN || (flags & FRAME.free) !== 0) continue;
    for (let frame = pfn; frame < pfn + count; frame++) {
      const at = kernel.place(frame);
      if (at !== frame) map.set(at, 1, kernel.name, "source");
    }
  }
}

function isZero(page: Uint8Array): boolean {
  const words = new BigUint64Array(page.buffer, page.byteOffset, page.byteLength / 8);
  return words.every((word) => word === 0n);
}

/** Frames that nobody owns and that hold something all the same. */
function paintUnknown(map: FrameMap, ram: FlatStore): void {
  const touched = new Uint8Array(ram.parts.touched);
  for (let pfn = 0; pfn < map.frames; pfn++) {
    if (touched[pfn] !== 1 || map.classOf(pfn) !== "free" || map.ownerOf(pfn) !== "") continue;
    if (!isZero(ram.view(pfn * PAGE_BYTES, PAGE_BYTES))) map.set(pfn, 1, "", "unknown");
  }
}

/** What {@linkcode memoryOwners} finds. */
export type MemoryOwners = Pick<MemoryMap, "frames" | "pageBytes" | "kernels" | "runs">;

/** Without power: nothing is anybody's. */
function powerless(frames: number): MemoryOwners {
  const runs = frames === 0 ? [] : [{ pfn: 0, count: frames, owner: "", class: "free" as const }];
  return { frames, pageBytes: PAGE_BYTES, kernels: [], runs };
}

/** See the module's header. */
export function memoryOwners(view: MemoryView): MemoryOwners {
  const { ram, kernel, running } = view;
  const frames = Math.floor(ram.byteLength / PAGE_BYTES);
  if (!view.powered) return powerless(frames);
  const map = new FrameMap(frames);
  paintFirmware(map, view.firmwareMap);
  const standing = view.asleep.filter(({ name }) => name !== running).flatMap((sleeper) =>
    sleepingKernel(ram, sleeper.name, sleeper.entry) ?? []
  );
  for (const sleeper of standing) paintSleeper(map, sleeper, running);
  const pairs = kernel === undefined ? new Map<number, number>() : imagePairs(ram, kernel);
  const table = runningTable(view);
  if (table !== undefined) paintRunning(map, running, table, pairs);
  if (kernel !== undefined) {
    paintDetails(map, kernel, IN_PLACE);
    for (const sleeper of standing) paintInWindow(map, sleeper, kernel);
  }
  const returned = pairs.size === 0 ? [] : view.asleep.flatMap(({ name, entry }) => {
    if (name === running || standing.some((other) => other.name === name)) return [];
    return sleepingKernel(ram, name, entry, (pfn) => pairs.get(pfn) ?? pfn) ?? [];
  });
  for (const sleeper of returned) paintReturned(map, sleeper);
  paintUnknown(map, ram);
  const names = [...standing, ...returned].map(({ name }) => ({ name, status: "asleep" as const }));
  const runs = view.isKernel ? [{ name: running, status: "running" as const }] : [];
  return {
    frames,
    pageBytes: PAGE_BYTES,
    kernels: [...runs, ...names].map((each) => ({ ...each, frames: map.countOf(each.name) })),
    runs: map.runs(),
  };
}
