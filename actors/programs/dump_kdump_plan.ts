/**
 * What a kdump-compressed dump of /proc/vmcore says and where its pages are: thinking only, as
 * dump_plan.ts for an ELF file.
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import {
  CORE_NOTE_NAME,
  type ElfNote,
  parseNotes,
  VMCOREINFO_NOTE_NAME,
} from "../../machine/formats/elf_notes.ts";
import {
  KDUMP_FLAG,
  type KdumpContents,
  type KdumpExtent,
  type KdumpPlan,
  planKdump,
} from "../../machine/formats/kdump.ts";
import { DUMP_LEVEL, FRAME, framesWith, type MemMapInfo } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  intersect,
  PAGE_BYTES,
  type PageRun,
  subtract,
} from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { sourceRanges, type Vmcore } from "../kernel/vmcore.ts";
import { vmcoreRuns } from "./dump_plan.ts";

/** How a dump is written. */
export interface KdumpChoice {
  /** Sum of {@linkcode DUMP_LEVEL} bits. */
  readonly level: number;
  /** {@linkcode KDUMP_FLAG} zlib, lzo, or 0. */
  readonly compression: number;
  /** Wall clock, seconds since 1970. */
  readonly seconds: number;
}

/** Pages by why they are left out; each counts in one class. */
export interface LeftOut {
  readonly cache: number;
  readonly cachePrivate: number;
  readonly user: number;
  readonly free: number;
}

const HEADER_BYTES = 12;

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** Where the VMCOREINFO text stands in notes. */
function vmcoreinfoExtent(notes: readonly ElfNote[]): KdumpExtent | undefined {
  let at = 0;
  for (const { name, desc } of notes) {
    const offset = at + HEADER_BYTES + padded(name.length + 1);
    if (name === VMCOREINFO_NOTE_NAME) return { offset, length: desc.length };
    at = offset + padded(desc.length);
  }
  return undefined;
}

/** Pages of PT_LOADs: a range named twice counts twice, as the real tool has it (fact 44). */
export function originalPages(vmcore: Vmcore, whole: boolean): number {
  return parseElf(fromHex(vmcore.header)).programs
    .filter(({ type }) => type === PT_LOAD)
    .reduce((sum, { paddr, memsz }) => {
      const first = paddr / PAGE_BYTES;
      const end = (paddr + memsz) / PAGE_BYTES;
      const count = whole ? Math.floor(end) - Math.ceil(first) : Math.ceil(end) - Math.floor(first);
      return sum + Math.max(0, count);
    }, 0);
}

/** The pages of a vmcore that a level leaves out by their class, zero pages aside. */
export function countLeftOut(vmcore: Vmcore, table: Uint8Array, level: number): LeftOut {
  let rest = vmcoreRuns(vmcore, true);
  const take = (mask: number, bits: number, but: readonly PageRun[] = []): number => {
    if ((level & bits) === 0) return 0;
    const found = intersect(subtract(framesWith(table, mask), but), rest);
    rest = subtract(rest, found);
    return countPages(found);
  };
  // The order of classifyFrames: level 4 takes the cache pages of level 2 as well.
  const free = take(FRAME.free, DUMP_LEVEL.free);
  const cachePrivate = take(FRAME.cachePrivate, DUMP_LEVEL.cachePrivate);
  const cache = take(
    FRAME.cache,
    DUMP_LEVEL.cache | DUMP_LEVEL.cachePrivate,
    framesWith(table, FRAME.cachePrivate),
  );
  const user = take(FRAME.user, DUMP_LEVEL.user);
  return { cache, cachePrivate, user, free };
}

/** Frames from 0 that a dump of a vmcore speaks of. */
export function frameLimit(vmcore: Vmcore): number {
  const ends = vmcore.segments.map(({ physical, length }) => physical + length);
  return Math.floor(Math.max(0, ...ends) / PAGE_BYTES);
}

/** Pages that go into the file, by their frames: whole ones only. */
export function kdumpRuns(vmcore: Vmcore, kept: readonly PageRun[]): PageRun[] {
  return intersect(kept, vmcoreRuns(vmcore, true));
}

/** What the file is to be made of. */
export function kdumpContents(
  vmcore: Vmcore,
  kept: readonly PageRun[],
  info: MemMapInfo | undefined,
  { level, compression, seconds }: KdumpChoice,
): KdumpContents {
  const bytes = fromHex(vmcore.notes);
  const notes = parseNotes(bytes);
  const vmcoreinfo = vmcoreinfoExtent(notes);
  const word = vmcore.class === 64 ? 8 : 4;
  const machine = word === 8 ? "x86_64" : "i686";
  return {
    word,
    utsname: info === undefined
      ? ["", "", "", "", machine, ""]
      : ["Linux", info.kernelName, info.osRelease, "#1 SMP", machine, "(none)"],
    seconds,
    microseconds: 0,
    compression,
    level,
    cpuCount: notes.filter(({ name }) => name === CORE_NOTE_NAME).length,
    physicalBase: 0,
    maxPfn: frameLimit(vmcore),
    present: vmcoreRuns(vmcore, true),
    dumped: kdumpRuns(vmcore, kept),
    notes: bytes,
    ...(vmcoreinfo === undefined ? {} : { vmcoreinfo }),
  };
}

/** The head of the file; `incomplete` says so in its status (protocol.md E.4). */
export function kdumpHead(contents: KdumpContents, incomplete = false): KdumpPlan {
  const flag = incomplete ? KDUMP_FLAG.incomplete : 0;
  return planKdump({ ...contents, compression: contents.compression | flag });
}

/** Where the pages of a dump are now, in the order of their frames. */
export function kdumpPieces(vmcore: Vmcore, dumped: readonly PageRun[]): Range[] {
  return dumped.flatMap(({ pfn, count }) => {
    const found = sourceRanges(vmcore, pfn * PAGE_BYTES, count * PAGE_BYTES);
    if (found === undefined) throw new RangeError(`No page 0x${pfn.toString(16)} in the vmcore`);
    return found;
  });
}
