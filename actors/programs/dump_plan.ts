/**
 * What goes into a dump file and where it is: makedumpfile's thinking, without its doing.
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  elfHeaderBytes,
  emitElf,
  ET_CORE,
  parseElf,
  PF_R,
  PF_W,
  PF_X,
  type ProgramHeader,
  programHeaderBytes,
  PT_LOAD,
  PT_NOTE,
} from "../../machine/formats/elf.ts";
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

/** One range of a vmcore, as its header has it: to the byte, and perhaps inside another one. */
interface ExactRange extends ByteRange {
  readonly vaddr: bigint;
}

function exactRanges(vmcore: Vmcore): ExactRange[] {
  return parseElf(fromHex(vmcore.header)).programs
    .filter(({ type }) => type === PT_LOAD)
    .map(({ paddr, memsz, vaddr }) => ({ start: paddr, end: paddr + memsz, vaddr }));
}

/**
 * The vmcore's pages; edited, only those that are whole (real recordings, fact 22: what is rounded
 * up leaves RAM, and kexec refuses it).
 */
export function vmcoreRuns(vmcore: Vmcore, edit = false): PageRun[] {
  if (edit) return rangesToRuns(exactRanges(vmcore));
  return rangesToRuns(
    vmcore.segments.map(({ physical, length }) => ({ start: physical, end: physical + length })),
  );
}

/** Pages that stay at a dump level, zero pages not yet looked at. */
export function keptRuns(
  vmcore: Vmcore,
  table: Uint8Array,
  level: number,
  edit = false,
): PageRun[] {
  const { kept } = classifyFrames(table, level & ~DUMP_LEVEL.zero);
  return intersect(kept, vmcoreRuns(vmcore, edit));
}

/** A dump file: its layout, and the memory its content comes from. */
export interface DumpPlan {
  readonly layout: CoreLayout;
  /** Bytes before the first page of memory: headers and note, up to a page. */
  readonly headBytes: number;
  readonly pieces: readonly Range[];
}

/** Whether ranges end within a page, or one stands in another: a kernel text's second address. */
function isRaw(ranges: readonly ExactRange[]): boolean {
  return ranges.some((range, index) =>
    range.end % PAGE_BYTES !== 0 || range.start % PAGE_BYTES !== 0 ||
    ranges.some((other, at) => at !== index && range.start < other.end && other.start < range.end)
  );
}

/** A dump file with the vmcore's ranges as they are: what is named twice is written twice. */
function rawLayout(
  vmcore: Vmcore,
  kept: readonly PageRun[],
  exact: readonly ExactRange[],
): CoreLayout {
  const loads = exact.flatMap((range) => {
    const pages = rangesToRuns([{
      start: Math.floor(range.start / PAGE_BYTES) * PAGE_BYTES,
      end: Math.ceil(range.end / PAGE_BYTES) * PAGE_BYTES,
    }]);
    return runsToRanges(intersect(kept, pages)).map(({ start, end }) => ({
      start: Math.max(start, range.start),
      end: Math.min(end, range.end),
      vaddr: range.vaddr + BigInt(Math.max(start, range.start) - range.start),
    }));
  });
  const elfClass = vmcore.class === 64 ? 64 : 32;
  const note = fromHex(vmcore.notes);
  const noteOffset = elfHeaderBytes(elfClass) + (1 + loads.length) * programHeaderBytes(elfClass);
  let end = Math.ceil((noteOffset + note.length) / PAGE_BYTES) * PAGE_BYTES;
  const base = { flags: 0, align: 0 };
  const noteSize = { filesz: note.length, memsz: note.length };
  const programs: ProgramHeader[] = [
    { ...base, type: PT_NOTE, offset: noteOffset, vaddr: 0n, paddr: 0, ...noteSize },
  ];
  const segments = loads.map(({ start, end: last, vaddr }) => {
    const size = last - start;
    const fileOffset = end;
    programs.push({
      ...base,
      type: PT_LOAD,
      flags: PF_R | PF_W | PF_X,
      offset: fileOffset + start % PAGE_BYTES,
      vaddr,
      paddr: start,
      filesz: size,
      memsz: size,
    });
    const physical = start - start % PAGE_BYTES;
    const length = Math.ceil(last / PAGE_BYTES) * PAGE_BYTES - physical;
    end += length;
    return { fileOffset, physical, length, source: physical };
  });
  const init = { class: elfClass, type: ET_CORE, machine: vmcore.machine, entry: 0 } as const;
  return { header: emitElf(init, programs), noteOffset, segments, fileLength: end };
}

/**
 * The dump file of some pages of a vmcore. Edited, it has each page once and no part of one, so
 * that kexec takes it; otherwise it has the ranges that the vmcore has, as makedumpfile does it.
 *
 * @throws {RangeError} if it needs ELF64 headers.
 */
export function planDump(vmcore: Vmcore, kept: readonly PageRun[], edit = false): DumpPlan {
  const exact = edit ? [] : exactRanges(vmcore);
  const layout = isRaw(exact) ? rawLayout(vmcore, kept, exact) : dumpLayout({
    class: vmcore.class === 64 ? 64 : 32,
    machine: vmcore.machine,
    note: fromHex(vmcore.notes),
    ranges: runsToRanges(kept),
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
