/**
 * Where a kexec image's pages go (protocol.md C.4): every source page is its own destination or
 * nobody's; control, swap and indirection pages are nobody's destination.
 *
 * Source pages are taken from outside all destinations while these last, so that what stands at
 * the destination is exchanged and comes back; when memory is short, destinations that are free
 * are used in place, as the kernel's allocator ends up doing too.
 *
 * @module
 */
import { controlPageBytes } from "../../machine/formats/control_page.ts";
import { indirectionPagesNeeded, type KimageArch } from "../../machine/formats/kimage.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  formatRuns,
  fromRuns,
  intersect,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  subtract,
  toRuns,
  union,
} from "../../machine/formats/page_runs.ts";
import { takePages } from "./allocator.ts";
import type { Kernel } from "./kernel_context.ts";
import type { ImageSegment } from "./state.ts";

/** Most pages one copy message may name. */
const COPY_PAGES = 4096;

/** Pages for one image. */
export interface ImagePages {
  /** Source page of each page of each segment, in order. */
  readonly sources: readonly (readonly number[])[];
  readonly controlPfn: number;
  readonly swapPfn: number;
  readonly indirection: readonly number[];
  /** All pages the image owns. */
  readonly owned: readonly PageRun[];
}

function destinationsOf(segments: readonly ImageSegment[]): PageRun[] {
  return mergeRuns(
    segments.filter(({ memsz }) => memsz > 0).map(({ mem, memsz }) => ({
      pfn: mem / PAGE_BYTES,
      count: memsz / PAGE_BYTES,
    })),
  );
}

/** The first `count` pages of runs, or fewer. */
function first(runs: readonly PageRun[], count: number): PageRun[] {
  const taken: PageRun[] = [];
  let left = count;
  for (const run of runs) {
    if (left <= 0) break;
    const part = Math.min(left, run.count);
    taken.push({ pfn: run.pfn, count: part });
    left -= part;
  }
  return taken;
}

/** Runs with those from `from` on first: structures of a kernel stay outside the window. */
function preferring(runs: readonly PageRun[], from: number): PageRun[] {
  const high: PageRun[] = [];
  const low: PageRun[] = [];
  for (const run of runs) (run.pfn >= from ? high : low).push(run);
  return [...high, ...low];
}

interface Budget {
  readonly outside: PageRun[];
  readonly inPlace: PageRun[];
}

/** How many destinations are used in place so that the rest fits outside. */
function budget(
  free: readonly PageRun[],
  destinations: readonly PageRun[],
  fixed: number,
): Budget | undefined {
  const outside = subtract(free, destinations);
  const inside = intersect(free, destinations);
  const missing = countPages(destinations) + fixed - countPages(outside);
  if (missing > countPages(inside)) return undefined;
  // The highest free destinations are used in place: the low ones are what an image is made for.
  const inPlace = missing > 0 ? last(inside, missing) : [];
  return { outside, inPlace };
}

function last(runs: readonly PageRun[], count: number): PageRun[] {
  const taken: PageRun[] = [];
  let left = count;
  for (let index = runs.length - 1; index >= 0 && left > 0; index--) {
    const run = runs[index];
    if (run === undefined) break;
    const part = Math.min(left, run.count);
    taken.push({ pfn: run.pfn + run.count - part, count: part });
    left -= part;
  }
  return mergeRuns(taken);
}

function assign(
  segments: readonly ImageSegment[],
  sources: readonly PageRun[],
  inPlace: readonly PageRun[],
): number[][] {
  const given = fromRuns(sources);
  const own = new Set(fromRuns(inPlace));
  let next = 0;
  return segments.map(({ mem, memsz }) => {
    const list: number[] = [];
    for (let page = 0; page < memsz / PAGE_BYTES; page++) {
      const pfn = mem / PAGE_BYTES + page;
      if (own.has(pfn)) list.push(pfn);
      else {
        list.push(given[next] ?? 0);
        next++;
      }
    }
    return list;
  });
}

/** Takes the pages for an image from the allocator, or `undefined` when there are not enough. */
export function placeImage(
  kernel: Kernel,
  arch: KimageArch,
  segments: readonly ImageSegment[],
): ImagePages | undefined {
  const destinations = destinationsOf(segments);
  const total = countPages(destinations);
  const entries = total + segments.length;
  const control = controlPageBytes(arch) / PAGE_BYTES;
  const indirection = Math.max(1, indirectionPagesNeeded(arch, entries + 1));
  const fixed = control + 1 + indirection;
  const plan = budget(kernel.state.free, destinations, fixed);
  if (plan === undefined) return undefined;
  const outside = preferring(plan.outside, kernel.windowEndPfn());
  const controlRun = outside.find((run) => run.count >= control);
  if (controlRun === undefined) return undefined;
  const controlTaken = [{ pfn: controlRun.pfn, count: control }];
  const rest = preferring(
    subtract(plan.outside, controlTaken),
    kernel.windowEndPfn(),
  );
  const swap = first(rest, 1);
  const afterSwap = preferring(
    subtract(subtract(plan.outside, controlTaken), swap),
    kernel.windowEndPfn(),
  );
  const lists = first(afterSwap, indirection);
  const listed = mergeRuns(lists);
  const sources = first(
    preferring(
      subtract(subtract(subtract(plan.outside, controlTaken), swap), listed),
      kernel.windowEndPfn(),
    ),
    total - countPages(plan.inPlace),
  );
  const owned = [controlTaken, swap, lists, sources, plan.inPlace].reduce<PageRun[]>(
    (all, runs) => union(all, mergeRuns(runs)),
    [],
  );
  takePages(kernel.state, owned, FRAME.kimage, 0);
  kernel.fact("allocate", { pages: countPages(owned) });
  return {
    sources: assign(segments, sources, plan.inPlace),
    controlPfn: controlRun.pfn,
    swapPfn: swap[0]?.pfn ?? 0,
    indirection: fromRuns(lists),
    owned,
  };
}

/** Runs of a list of pages that go together with runs of another, in order. */
export function pagePairsText(targets: readonly number[], sources: readonly number[]): string {
  const parts: string[] = [];
  let start = 0;
  for (let index = 1; index <= targets.length; index++) {
    const goesOn = index < targets.length &&
      targets[index] === (targets[index - 1] ?? 0) + 1 &&
      sources[index] === (sources[index - 1] ?? 0) + 1;
    if (goesOn) continue;
    const target = (targets[start] ?? 0).toString(16);
    const source = (sources[start] ?? 0).toString(16);
    parts.push(`${target}:${source}+${(index - start).toString(16)}`);
    start = index;
  }
  return parts.join(",");
}

/** Page set of a list, as runs. */
export function runsOfList(pages: readonly number[]): PageRun[] {
  return toRuns([...pages].sort((left, right) => left - right));
}

/** What has to be copied and cleared, cut into messages of bounded size. */
export function copyJobs(
  segments: readonly { readonly bufsz: number; readonly buffer: readonly PageRun[] }[],
  sources: readonly (readonly number[])[],
): { pairs?: string; zero?: string }[] {
  const jobs: { pairs?: string; zero?: string }[] = [];
  segments.forEach((segment, index) => {
    const pages = sources[index] ?? [];
    const content = fromRuns(segment.buffer).slice(0, Math.ceil(segment.bufsz / PAGE_BYTES));
    for (let at = 0; at < content.length; at += COPY_PAGES) {
      const part = content.slice(at, at + COPY_PAGES);
      jobs.push({ pairs: pagePairsText(pages.slice(at, at + part.length), part) });
    }
    const empty = pages.slice(content.length);
    for (let at = 0; at < empty.length; at += COPY_PAGES) {
      jobs.push({ zero: formatRuns(runsOfList(empty.slice(at, at + COPY_PAGES))) });
    }
  });
  return jobs;
}
