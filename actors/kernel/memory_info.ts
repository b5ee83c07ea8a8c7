/**
 * What a kernel says of its memory: /proc/meminfo, and the figures of free(1).
 *
 * @module
 */
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Kernel } from "./kernel_context.ts";

/** Figures in KiB. */
export interface MemoryInfo {
  readonly total: number;
  readonly free: number;
  readonly buffers: number;
  readonly cached: number;
}

const KIB = 1024;

/** The figures at this moment. */
export function memoryInfo({ state }: Kernel): MemoryInfo {
  const kib = (pages: number): number => pages * (PAGE_BYTES / KIB);
  const ram = state.map.filter(({ type }) => type === E820_TYPE.ram);
  const files = countPages(state.files.flatMap(({ runs }) => runs));
  const cache = countPages(state.owned.filter(({ flags }) => (flags & FRAME.cache) !== 0));
  return {
    total: ram.reduce((sum, { length }) => sum + Math.floor(length / KIB), 0),
    free: kib(countPages(state.free)),
    buffers: kib(Math.max(0, cache - files)),
    cached: kib(files),
  };
}

/** The text of /proc/meminfo; what this kernel does not account for is left out. */
export function meminfoText(kernel: Kernel): string {
  const { total, free, buffers, cached } = memoryInfo(kernel);
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", total],
    ["MemFree", free],
    ["Buffers", buffers],
    ["Cached", cached],
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`)
    .join("");
}
