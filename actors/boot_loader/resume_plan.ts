/**
 * Where the pages of a saved image go when the boot loader resumes it without another kernel
 * (planned in protocol.md B.2.6, H): each to its own address, since nothing but the loader itself
 * is in memory. What cannot be is a {@linkcode LoadRefusal} with a sentence for the console.
 *
 * @module
 */
import { fromHex, sha256 } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { type E820Entry, endOf, ramRanges } from "../../machine/formats/e820_table.ts";
import { parseElf, type ProgramHeader, PT_LOAD } from "../../machine/formats/elf.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { type ImageManifest, parseManifest } from "../programs/image_manifest.ts";
import { LoadRefusal, movesOf, type SectorMove } from "./load_plan.ts";
import type { PlacedSegment, ResumePlan, ResumeState } from "./resume_state.ts";

const PAGE_BYTES = 4096;
const MIB = 0x10_0000;
/** Bytes of the file that one sum is over. */
export const SUM_BYTES = 65_536;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function manifestOf({ manifest, entry, path }: ResumeState): ImageManifest {
  const found = parseManifest(manifest);
  if (found === undefined) throw new LoadRefusal(`the manifest of ${path} is damaged`);
  if (found.entry !== entry.trim()) {
    throw new LoadRefusal(`entry ${entry.trim()} is not the one that was saved, ${found.entry}`);
  }
  return found;
}

function checkPlace(program: ProgramHeader, e820: readonly E820Entry[]): void {
  const { paddr, memsz, filesz, offset } = program;
  const place = `${hex(paddr)} - ${hex(paddr + memsz - 1)}`;
  if (paddr < MIB) throw new LoadRefusal(`pages at ${place} go where the boot loader runs`);
  const inRam = ramRanges(e820).some((range) =>
    range.start <= paddr && paddr + memsz <= endOf(range)
  );
  if (!inRam) throw new LoadRefusal(`there is no RAM at ${place}`);
  if ([paddr, offset, filesz, memsz].some((value) => value % PAGE_BYTES !== 0)) {
    throw new LoadRefusal(`pages at ${place} are not whole`);
  }
}

/** Memory outside all segments, as early as possible, of that length. */
function scratchFor(
  length: number,
  taken: readonly Range[],
  e820: readonly E820Entry[],
): number {
  const whole = Math.ceil(length / PAGE_BYTES) * PAGE_BYTES;
  const candidates = [MIB, ...taken.map((range) => range.start + range.length)];
  const free = candidates.sort((left, right) => left - right).find((start) =>
    ramRanges(e820).some((range) => range.start <= start && start + whole <= endOf(range)) &&
    taken.every((range) => range.start + range.length <= start || start + whole <= range.start)
  );
  if (free === undefined) throw new LoadRefusal(`there is no room for ${length} bytes of sums`);
  return free;
}

/**
 * The plan for an image whose blocks are known.
 *
 * @throws {LoadRefusal} if image, manifest and machine do not go together.
 * @throws {FormatError} if the image is no ELF file.
 */
export function planResume(
  state: ResumeState,
  e820: readonly E820Entry[],
  firstSector: number,
): ResumePlan {
  const manifest = manifestOf(state);
  const { header, programs } = parseElf(fromHex(state.head));
  const loads = programs.filter(({ type, memsz }) => type === PT_LOAD && memsz > 0);
  for (const load of loads) checkPlace(load, e820);
  const file = { path: state.path, bytes: state.bytes, extents: state.extents };
  const segments: PlacedSegment[] = [];
  const moves: SectorMove[] = [];
  let expected = loads[0]?.offset ?? 0;
  for (const { offset, paddr, filesz } of loads) {
    if (filesz === 0) continue;
    if (offset !== expected || offset + filesz > state.bytes) {
      throw new LoadRefusal(`${state.path} is truncated or has gaps at ${offset}`);
    }
    expected += filesz;
    segments.push({ offset, start: paddr, length: filesz });
    moves.push(...movesOf(file, offset, paddr, firstSector, offset + filesz));
  }
  const entry = Number(manifest.entry);
  const inside = segments.some(({ start, length }) => start <= entry && entry < start + length);
  if (!inside) throw new LoadRefusal(`entry ${manifest.entry} is not inside the image`);
  const taken = loads.map(({ paddr, memsz }) => ({ start: paddr, length: memsz }));
  const sums = { path: state.sumsPath, bytes: state.sumsBytes, extents: state.sumsExtents };
  const scratch = scratchFor(state.sumsBytes, taken, e820);
  moves.push(...movesOf(sums, 0, scratch, firstSector));
  const { id, of } = manifest;
  return {
    id,
    ...(of === undefined ? {} : { of }),
    entry,
    class: header.class === 64 ? "64" : "32",
    moves,
    segments,
    zero: loads.flatMap(({ paddr, filesz, memsz }) =>
      memsz > filesz ? [{ start: paddr + filesz, length: memsz - filesz }] : []
    ),
    headBytes: loads[0]?.offset ?? 0,
    sums: { start: scratch, length: state.sumsBytes, digest: manifest.sums },
  };
}

/** Whether the text of the sums is the one the manifest vouches for. */
export function isSumsText(plan: ResumePlan, text: Uint8Array): boolean {
  return sha256(text) === plan.sums.digest;
}

/** The memory that holds `length` bytes of the file from `offset` on, behind the head. */
export function memoryOf(plan: ResumePlan, offset: number, length: number): Range[] {
  return plan.segments.flatMap((segment) => {
    const from = Math.max(offset, segment.offset);
    const to = Math.min(offset + length, segment.offset + segment.length);
    return from < to ? [{ start: segment.start + from - segment.offset, length: to - from }] : [];
  });
}

/** Reads the headers only; for the checks before the blocks are known. */
export function headLength(head: Uint8Array): number {
  try {
    const first = parseElf(head).programs.find(({ type }) => type === PT_LOAD);
    if (first === undefined) throw new LoadRefusal("the image has no pages");
    return first.offset;
  } catch (error) {
    if (error instanceof FormatError) throw new LoadRefusal(error.message);
    throw error;
  }
}
