/**
 * What goes into a dump file and where it is: makedumpfile's thinking, without its doing.
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { parseVmcoreinfo } from "../../machine/formats/elf_notes.ts";
import {
  classifyFrames,
  DUMP_LEVEL,
  FRAME,
  framesWith,
  memMapBytes,
  type MemMapInfo,
  readVmcoreinfo,
} from "../../machine/formats/mem_map.ts";
import {
  type ByteRange,
  countPages,
  intersect,
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
  runsToRanges,
} from "../../machine/formats/page_runs.ts";
import { type CoreLayout, dumpLayout } from "../../machine/formats/vmcore.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { sourceRanges, type Vmcore, vmcoreinfoIn } from "../kernel/vmcore.ts";

/**
 * What is known of the kernel in a vmcore: from its VMCOREINFO note, else from the text of an
 * information file; `undefined` without either.
 *
 * @throws {FormatError} if the text is not that of a kernel of this laboratory.
 */
export function dumpInfo(vmcore: Vmcore, text: string | undefined): MemMapInfo | undefined {
  const pairs = vmcoreinfoIn(vmcore) ?? (text === undefined ? undefined : parseVmcoreinfo(text));
  return pairs === undefined ? undefined : readVmcoreinfo(pairs);
}

/** Where the page-frame table is now; `undefined` if the vmcore does not have all of it. */
export function tableRanges(vmcore: Vmcore, info: MemMapInfo): Range[] | undefined {
  return sourceRanges(vmcore, info.memMapPhysical, memMapBytes(info.frameCount));
}

/** The vmcore's whole pages. */
export function vmcoreRuns(vmcore: Vmcore): PageRun[] {
  return rangesToRuns(
    vmcore.segments.map(({ physical, length }) => ({ start: physical, end: physical + length })),
  );
}

/** Pages that stay at a dump level, zero pages not yet looked at. */
export function keptRuns(vmcore: Vmcore, table: Uint8Array, level: number): PageRun[] {
  const { kept } = classifyFrames(table, level & ~DUMP_LEVEL.zero);
  return intersect(kept, vmcoreRuns(vmcore));
}

/** A dump file: its layout, and the memory its content comes from. */
export interface DumpPlan {
  readonly layout: CoreLayout;
  /** Bytes before the first page of memory: headers and note, up to a page. */
  readonly headBytes: number;
  readonly pieces: readonly Range[];
}

/**
 * The dump file of some pages of a vmcore.
 *
 * @throws {RangeError} if it needs ELF64 headers.
 */
export function planDump(vmcore: Vmcore, kept: readonly PageRun[]): DumpPlan {
  const ranges: ByteRange[] = runsToRanges(kept);
  const layout = dumpLayout({
    class: vmcore.class === 64 ? 64 : 32,
    machine: vmcore.machine,
    note: fromHex(vmcore.notes),
    ranges,
  });
  const headBytes = layout.segments[0]?.fileOffset ?? layout.fileLength;
  const pieces = layout.segments.flatMap(({ physical, length }) => {
    const found = sourceRanges(vmcore, physical, length);
    if (found === undefined) {
      throw new RangeError(`No page 0x${physical.toString(16)} in the vmcore`);
    }
    return found;
  });
  return { layout, headBytes, pieces };
}

/** /proc/vmcore itself as a file. */
export function planCopy(vmcore: Vmcore): DumpPlan {
  const { header, noteOffset, segments, fileLength } = vmcore;
  return {
    layout: { header: fromHex(header), noteOffset, segments, fileLength },
    headBytes: segments[0]?.fileOffset ?? fileLength,
    pieces: segments.map(({ source, length }) => ({ start: source, length })),
  };
}

/** What shows that a table is not the one of this vmcore's kernel, or `undefined`. */
export function tableFault(
  vmcore: Vmcore,
  table: Uint8Array,
  info: MemMapInfo,
): string | undefined {
  const known = Object.values(FRAME).reduce((sum, flag) => sum | flag, 0);
  const end = Math.max(...vmcore.segments.map(({ physical, length }) => physical + length));
  if (info.frameCount * PAGE_BYTES < end) return "it ends before memory does";
  const own = framesWith(table, FRAME.kernel);
  const first = Math.floor(info.memMapPhysical / PAGE_BYTES);
  const count = Math.ceil(memMapBytes(info.frameCount) / PAGE_BYTES);
  if (countPages(intersect(own, [{ pfn: first, count }])) !== count) {
    return "its own pages are not the kernel's in it";
  }
  return framesWith(table, 0xffff & ~known).length === 0 ? undefined : "it has unknown flags";
}

/** Headers and note as they stand at the beginning of the file. */
export function dumpHead(vmcore: Vmcore, plan: DumpPlan): Uint8Array {
  const head = new Uint8Array(plan.headBytes);
  head.set(plan.layout.header);
  head.set(fromHex(vmcore.notes), plan.layout.noteOffset);
  return head;
}

/** Whether an error is one of the input, not of this code. */
export function isInputError(error: unknown): error is Error {
  return error instanceof FormatError || error instanceof RangeError;
}
