/**
 * The kexec_load system call (protocol.md C.2 to C.4): checks in order, pages taken, content
 * copied, the entry list written as real words into indirection pages. A failed load leaves the
 * image that was loaded before; loading nothing unloads.
 *
 * @module
 */
import { endOf, ramRanges } from "../../machine/formats/e820.ts";
import { emitEntryList, pairRuns } from "../../machine/formats/kimage.ts";
import {
  countPages,
  formatPairRuns,
  formatRuns,
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
} from "../../machine/formats/page_runs.ts";
import {
  flag,
  list,
  natural,
  optional,
  record,
  type Shape,
  text,
} from "../../machine/messages/shape.ts";
import { crashPages, freeCrashImage, placeCrashImage } from "./crash_slot.ts";
import { ERRNO } from "./errno.ts";
import { copyJobs, type ImagePages, placeImage, runsOfList } from "./image_pages.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import {
  dropStages,
  finishStages,
  isStagedByOther,
  KEXEC_MORE,
  settleStages,
  stagedSegments,
  takeStage,
} from "./kexec_multi_load.ts";
import { checkArguments, checkSegments, KEXEC_FLAG, type LoadRequest } from "./load_checks.ts";
import { ask, done, fail, goto, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { KernelProfile } from "./profiles.ts";
import type { ImageSegment, KexecImage, Vars } from "./state.ts";
import { NUMBERS, plainRuns, readAs, RUNS } from "./values.ts";

/** A segment as user space passes it: its content stands in pages of the process. */
export interface UserSegment extends ImageSegment {
  /** Pages of the buffer, from its start. */
  readonly buffer: readonly PageRun[];
}

/** Shape of the segments a caller passes. */
export const USER_SEGMENTS: Shape<readonly UserSegment[]> = list(
  record({ mem: natural, memsz: natural, bufsz: natural, buffer: RUNS }),
);

const IMAGE: Shape<KexecImage> = record({
  segments: list(record({ mem: natural, memsz: natural, bufsz: natural })),
  preserve: flag,
  flags: optional(natural),
  start: natural,
  head: natural,
  controlPfn: natural,
  swapPfn: natural,
  indirection: NUMBERS,
  owned: RUNS,
});

const COPY: Shape<{ readonly pairs?: string; readonly zero?: string }> = record({
  pairs: optional(text),
  zero: optional(text),
});

const SOURCES: Shape<readonly (readonly number[])[]> = list(NUMBERS);

function segmentsOf(vars: Vars): readonly UserSegment[] {
  return readAs(USER_SEGMENTS, vars["segments"] ?? []);
}

/** Whole pages of RAM the kernel has, the firmware's and holes left out. */
export function ramPages(kernel: Kernel): number {
  const ranges = ramRanges(kernel.state.map).map((range) => ({
    start: range.start,
    end: endOf(range),
  }));
  return countPages(rangesToRuns(ranges));
}

function isCrash(vars: Vars): boolean {
  return (numberOf(vars["flags"]) & KEXEC_FLAG.onCrash) !== 0;
}

function slotOf(vars: Vars): "crash" | "default" {
  return isCrash(vars) ? "crash" : "default";
}

/** Flags of this kernel that the others do not have. */
function moreFlagsOf({ stateFlags, multiLoad }: KernelProfile): { moreFlags?: number } {
  const moreFlags = stateFlags | (multiLoad ? KEXEC_MORE : 0);
  return moreFlags === 0 ? {} : { moreFlags };
}

/** Whether further calls are to follow for the same image. */
function isUnfinished(kernel: Kernel, vars: Vars): boolean {
  return kernel.profile.multiLoad && (numberOf(vars["flags"]) & KEXEC_MORE) !== 0;
}

function requestOf(kernel: Kernel, vars: Vars): LoadRequest {
  const { profile } = kernel;
  const { crash } = kernel.state;
  return {
    arch: profile.arch,
    capable: vars["capable"] !== false,
    disabled: vars["disabled"] === true || kernel.state.kexecLoadDisabled === true,
    flags: numberOf(vars["flags"]),
    segments: segmentsOf(vars),
    limit: profile.destinationLimit,
    ramPages: ramPages(kernel),
    halfRam: profile.halfRam,
    entry: numberOf(vars["entry"]),
    ...moreFlagsOf(profile),
    // Before kexec jump was in the kernel there was no flag to preserve a context (C.2 S3).
    ...(profile.tools === "rfc" ? { flagsKnown: KEXEC_FLAG.onCrash } : {}),
    ...(crash === undefined ? {} : { crash: { start: crash.start, end: crash.end } }),
  };
}

function sayLoad(kernel: Kernel, vars: Vars, result: number): void {
  const request = requestOf(kernel, vars);
  const { crash } = request;
  const hex = (value: number): string => value.toString(16);
  const list = request.segments
    .map(({ mem, memsz, bufsz }) => `${hex(mem)}+${hex(memsz)}/${hex(bufsz)}`).join(",");
  kernel.longFact(
    "load",
    {
      slot: slotOf(vars),
      flags: `0x${hex(request.flags)}`,
      preserve: (request.flags & KEXEC_FLAG.preserveContext) !== 0,
      arch: request.arch,
      capable: request.capable,
      disabled: request.disabled,
      segments: request.segments.length,
      entry: `0x${hex(request.entry)}`,
      limit: `0x${hex(request.limit)}`,
      ram_pages: request.ramPages,
      half_ram: request.halfRam,
      ...(crash === undefined ? {} : { region: `0x${hex(crash.start)}-0x${hex(crash.end)}` }),
      ...(request.moreFlags === undefined ? {} : { more_flags: `0x${hex(request.moreFlags)}` }),
      result,
    },
    "list",
    list,
  );
}

/** Takes the kexec lock, or says that it is taken. */
export function takeLock(kernel: Kernel, holder: string): boolean {
  const { state } = kernel;
  if (state.lock !== "") {
    kernel.fact("lock", { holder, op: "refuse", result: -ERRNO.EBUSY });
    return false;
  }
  state.lock = holder;
  kernel.fact("lock", { holder, op: "take", result: 0 });
  return true;
}

/** Gives the kexec lock back. */
export function releaseLock(kernel: Kernel): void {
  const holder = kernel.state.lock;
  kernel.state.lock = "";
  kernel.fact("lock", { holder, op: "release", result: 0 });
}

/** Empties a slot. */
function unload(kernel: Kernel, crash: boolean): void {
  const { image } = kernel.state;
  if (crash) freeCrashImage(kernel);
  else {
    if (image !== null) kernel.release(image.owned);
    kernel.state.image = null;
  }
  kernel.fact("unload", { slot: crash ? "crash" : "default", result: 0 });
}

/** An image as plain data. */
function plainImage(image: KexecImage): Vars {
  const { preserve, flags = 0, start, head, controlPfn, swapPfn, indirection } = image;
  return {
    ...{ preserve, flags, start, head, controlPfn, swapPfn, indirection },
    segments: image.segments.map((segment) => ({ ...segment })),
    owned: plainRuns(image.owned),
  };
}

/** Takes what an image in the reserved region needs; 0 or an errno. */
function takeCrashImage(kernel: Kernel, vars: Vars, request: LoadRequest): number {
  const image = placeCrashImage(kernel, request.segments, request.entry);
  if (image === undefined) return ERRNO.ENOMEM;
  vars["jobs"] = copyJobs(segmentsOf(vars), crashPages(request.segments));
  vars["image"] = plainImage(image);
  vars["pages"] = [];
  return 0;
}

/** The image of segments whose pages are taken. */
function imageOf(
  request: LoadRequest,
  all: readonly ImageSegment[],
  pages: ImagePages,
): KexecImage {
  const list = emitEntryList({
    arch: request.arch,
    segments: all.map((segment, index) => ({
      destination: segment.mem / PAGE_BYTES,
      sources: [...pages.sources[index] ?? []],
    })).filter(({ sources }) => sources.length > 0),
    indirectionPages: [...pages.indirection],
  });
  return {
    segments: all.map(({ mem, memsz, bufsz }) => ({ mem, memsz, bufsz })),
    preserve: (request.flags & KEXEC_FLAG.preserveContext) !== 0,
    flags: request.flags & 0xffff,
    start: request.entry,
    head: list.head,
    controlPfn: pages.controlPfn,
    swapPfn: pages.swapPfn,
    indirection: pages.indirection,
    owned: pages.owned,
  };
}

function checksAndPages(kernel: Kernel, vars: Vars): Next {
  const request = requestOf(kernel, vars);
  // Permission and argument checks come before the lock (C.2 S1 to S7), the rest behind it.
  const early = checkArguments(request);
  if (early !== 0) {
    sayLoad(kernel, vars, -early);
    return fail(early);
  }
  if (!takeLock(kernel, "kexec_load")) {
    sayLoad(kernel, vars, -ERRNO.EBUSY);
    return fail(ERRNO.EBUSY);
  }
  const refuse = (errno: number): Next => {
    sayLoad(kernel, vars, -errno);
    releaseLock(kernel);
    return fail(errno);
  };
  if (isStagedByOther(kernel)) return refuse(ERRNO.EBUSY);
  const giveUp = (errno: number): Next => {
    dropStages(kernel);
    return refuse(errno);
  };
  if (request.segments.length === 0) {
    dropStages(kernel);
    unload(kernel, isCrash(vars));
    releaseLock(kernel);
    return done();
  }
  // The old crash image is gone before anything is looked at (C.1): a failed load leaves none.
  if (isCrash(vars)) freeCrashImage(kernel);
  const before = stagedSegments(kernel);
  const all = [...before, ...request.segments];
  const wrong = checkSegments({ ...request, segments: all });
  if (wrong !== 0) return giveUp(wrong);
  if (isUnfinished(kernel, vars)) {
    const sources = takeStage(kernel, request.segments);
    if (sources === undefined) return giveUp(ERRNO.ENOMEM);
    vars["jobs"] = copyJobs(segmentsOf(vars), sources);
    return next;
  }
  if (isCrash(vars)) {
    const errno = takeCrashImage(kernel, vars, request);
    return errno === 0 ? next : refuse(errno);
  }
  const finished = before.length === 0 ? undefined : finishStages(
    kernel,
    request.arch,
    request.segments,
  );
  const pages = before.length === 0
    ? placeImage(kernel, request.arch, request.segments)
    : finished?.pages;
  if (pages === undefined) return giveUp(ERRNO.ENOMEM);
  const moves = finished?.moves ?? "";
  const jobs = copyJobs(segmentsOf(vars), finished?.last ?? pages.sources);
  vars["jobs"] = moves === "" ? jobs : [{ pairs: moves }, ...jobs];
  const image = imageOf(request, all, pages);
  vars["image"] = plainImage(image);
  vars["pages"] = pages.sources;
  return next;
}

interface ListPage {
  readonly pfn: number;
  readonly bytes: Uint8Array;
}

/** The words of the entry list, made again from what was decided (they are not kept in vars). */
function listPages(kernel: Kernel, vars: Vars): readonly ListPage[] {
  const image = readAs(IMAGE, vars["image"]);
  const sources = readAs(SOURCES, vars["pages"]);
  return emitEntryList({
    arch: kernel.profile.arch,
    segments: image.segments.map((segment, index) => ({
      destination: segment.mem / PAGE_BYTES,
      sources: [...sources[index] ?? []],
    })).filter((segment) => segment.sources.length > 0),
    indirectionPages: [...image.indirection],
  }).pages;
}

function install(kernel: Kernel, vars: Vars): Next {
  const image = readAs(IMAGE, vars["image"]);
  const sources = readAs(SOURCES, vars["pages"]);
  const pairs = pairRuns(
    image.segments.flatMap((segment, index) =>
      (sources[index] ?? []).map((source, page) => ({
        destination: segment.mem / PAGE_BYTES + page,
        source,
      }))
    ),
  );
  const { crash } = kernel.state;
  if (isCrash(vars) && crash !== undefined) crash.image = image;
  else {
    if (kernel.state.image !== null) kernel.release(kernel.state.image.owned);
    kernel.state.image = image;
    settleStages(kernel, image.owned);
  }
  sayLoad(kernel, vars, 0);
  const control = [{ pfn: image.controlPfn, count: kernel.profile.arch === "i386" ? 1 : 2 }];
  kernel.longFact(
    "kimage",
    {
      slot: slotOf(vars),
      control: formatRuns(control),
      // Crash images have no swap page: nothing of them is ever exchanged.
      swap: isCrash(vars) ? "" : formatRuns([{ pfn: image.swapPfn, count: 1 }]),
      indirection: formatRuns(runsOfList(image.indirection)),
    },
    "pairs",
    formatPairRuns(pairs),
  );
  releaseLock(kernel);
  return done();
}

const kexecLoad = procedure("sys_kexec_load", [
  { name: "checks", run: checksAndPages },
  {
    name: "content",
    run: (kernel, vars) => {
      const jobs = Array.isArray(vars["jobs"]) ? vars["jobs"] : [];
      const [job, ...rest] = jobs;
      if (job === undefined) return goto(isUnfinished(kernel, vars) ? "unfinished" : "list");
      vars["jobs"] = rest;
      return ask("memory", "memory.copy", { by: kernel.name, ...readAs(COPY, job) });
    },
    then: () => goto("content"),
  },
  {
    name: "list",
    run: (kernel, vars) => {
      const ranges = listPages(kernel, vars).map(({ pfn }) => ({
        start: pfn * PAGE_BYTES,
        length: PAGE_BYTES,
      }));
      if (ranges.length === 0) return next;
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, vars, _answer, access) => {
      for (const page of listPages(kernel, vars)) access.write(page.pfn * PAGE_BYTES, page.bytes);
      return next;
    },
  },
  { name: "install", run: install },
  {
    name: "unfinished",
    run: (kernel, vars) => {
      sayLoad(kernel, vars, 0);
      releaseLock(kernel);
      return done();
    },
  },
]);

/** Procedures of kexec_load. */
export const KEXEC_LOAD_PROCEDURES: readonly Procedure[] = [kexecLoad];
