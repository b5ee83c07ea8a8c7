/**
 * Several calls of kexec_load for one image (protocol.md B.4.7: the planned cure of the segment
 * limit; it never came into the kernel, so the flag's number is ours). A call with the flag brings
 * up to 16 segments and leaves the image unfinished; one without it brings the last ones, and only
 * then is there an image, with all of them. What was loaded before stays loaded until then.
 *
 * The content of a call goes to pages outside all destinations known by then. Where one of these
 * turns out to be a destination of a later call, its content moves on when the image is finished,
 * so that the rule of protocol.md C.4 I1 holds for the whole.
 *
 * @module
 */
import { controlPageBytes } from "../../machine/formats/control_page.ts";
import { indirectionPagesNeeded, type KimageArch } from "../../machine/formats/kimage.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  contains,
  countPages,
  fromRuns,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  union,
} from "../../machine/formats/page_runs.ts";
import { type ImagePages, pagePairsText, runsOfList } from "./image_pages.ts";
import type { Kernel } from "./kernel_context.ts";
import type { ImageSegment, StagedLoad } from "./state.ts";

/** KEXEC_MORE: further calls for this image follow. */
export const KEXEC_MORE = 0x40;

/** What stands in stages; those of a process that is gone count for nothing. */
export function stagedLoad(kernel: Kernel): StagedLoad | undefined {
  const { staged } = kernel.state;
  if (staged === undefined || kernel.task(staged.pid) !== undefined) return staged;
  dropStages(kernel);
  return undefined;
}

/** Whether another process has begun an image and not finished it. */
export function isStagedByOther(kernel: Kernel): boolean {
  const staged = stagedLoad(kernel);
  return staged !== undefined && staged.pid !== kernel.process.pid;
}

/** Segments of the calls before this one. */
export function stagedSegments(kernel: Kernel): readonly ImageSegment[] {
  return stagedLoad(kernel)?.segments ?? [];
}

/** Gives up what was brought so far. */
export function dropStages(kernel: Kernel): void {
  const { staged } = kernel.state;
  if (staged === undefined) return;
  for (const pages of staged.pages) if (pages.length > 0) kernel.release(runsOfList(pages));
  delete kernel.state.staged;
}

function destinationsOf(segments: readonly ImageSegment[]): PageRun[] {
  return mergeRuns(
    segments.filter(({ memsz }) => memsz > 0).map(({ mem, memsz }) => ({
      pfn: mem / PAGE_BYTES,
      count: memsz / PAGE_BYTES,
    })),
  );
}

/** Pages for each page of segments, outside the given destinations; taken from the allocator. */
function pagesFor(
  kernel: Kernel,
  segments: readonly ImageSegment[],
  avoid: readonly PageRun[],
): number[][] | undefined {
  const total = segments.reduce((sum, { memsz }) => sum + memsz / PAGE_BYTES, 0);
  const runs = kernel.allocate({
    pages: total,
    flags: FRAME.kimage,
    owner: 0,
    avoid,
    from: kernel.windowEndPfn(),
  });
  if (runs === undefined) return undefined;
  const pages = fromRuns(runs);
  let at = 0;
  return segments.map(({ memsz }) => pages.slice(at, at += memsz / PAGE_BYTES));
}

/** Pages for a call that is not the last; `undefined` when there are not enough. */
export function takeStage(
  kernel: Kernel,
  segments: readonly ImageSegment[],
): readonly (readonly number[])[] | undefined {
  const before = kernel.state.staged;
  const all = [...before?.segments ?? [], ...segments];
  const pages = pagesFor(kernel, segments, destinationsOf(all));
  if (pages === undefined) return undefined;
  kernel.state.staged = {
    pid: kernel.process.pid,
    segments: all.map(({ mem, memsz, bufsz }) => ({ mem, memsz, bufsz })),
    pages: [...before?.pages ?? [], ...pages],
  };
  return pages;
}

/** The finished image's pages, and pairs of pages whose content moves before the rest comes. */
export interface FinishedStages {
  readonly pages: ImagePages;
  /** Of this call's segments. */
  readonly last: readonly (readonly number[])[];
  /** As `memory.copy` takes them; empty where nothing moves. */
  readonly moves: string;
}

/** Takes what the last call needs; `undefined` when there are not enough pages. */
export function finishStages(
  kernel: Kernel,
  arch: KimageArch,
  segments: readonly ImageSegment[],
): FinishedStages | undefined {
  const staged = kernel.state.staged ?? { pid: 0, segments: [], pages: [] };
  const all = [...staged.segments, ...segments];
  const destinations = destinationsOf(all);
  const last = pagesFor(kernel, segments, destinations);
  if (last === undefined) return undefined;
  const displaced = staged.pages.flatMap((pages) =>
    pages.filter((pfn) => contains(destinations, pfn))
  );
  const control = controlPageBytes(arch) / PAGE_BYTES;
  const entries = countPages(destinations) + all.length;
  const indirection = Math.max(1, indirectionPagesNeeded(arch, entries + 1));
  const request = { flags: FRAME.kimage, owner: 0, avoid: destinations };
  const from = kernel.windowEndPfn();
  const controlRun = kernel.allocate({ ...request, pages: control, from, contiguous: true });
  const more = kernel.allocate({ ...request, pages: 1 + indirection + displaced.length, from });
  if (controlRun === undefined || more === undefined) {
    for (const runs of [controlRun ?? [], more ?? [], runsOfList(last.flat())]) {
      kernel.release(runs);
    }
    return undefined;
  }
  const [swapPfn = 0, ...rest] = fromRuns(more);
  const lists = rest.slice(0, indirection);
  const moved = new Map(displaced.map((pfn, index) => [pfn, rest[indirection + index] ?? 0]));
  const sources = [
    ...staged.pages.map((pages) => pages.map((pfn) => moved.get(pfn) ?? pfn)),
    ...last,
  ];
  const owned = [controlRun, more, runsOfList(sources.flat())].reduce<PageRun[]>(
    (sum, runs) => union(sum, mergeRuns(runs)),
    [],
  );
  return {
    pages: { sources, controlPfn: controlRun[0]?.pfn ?? 0, swapPfn, indirection: lists, owned },
    last,
    moves: pagePairsText([...moved.values()], [...moved.keys()]),
  };
}

/** The displaced pages that an image has no more use for go back when it is installed. */
export function settleStages(kernel: Kernel, owned: readonly PageRun[]): void {
  const { staged } = kernel.state;
  if (staged === undefined) return;
  const unused = staged.pages.flatMap((pages) => pages.filter((pfn) => !contains(owned, pfn)));
  if (unused.length > 0) kernel.release(runsOfList(unused));
  delete kernel.state.staged;
}
