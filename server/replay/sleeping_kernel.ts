/**
 * A kernel that left the processor and stands in RAM only, found as the processor would find it:
 * by the jump-back entry, through the control page, to the header of its state (DESIGN.md law 2).
 *
 * Nothing but RAM is believed: the stamp's digest, the header's checksum and the state's must be
 * right, and the kernel's own page-frame table must say that table and state are its own. Where
 * anything of that fails there is no such kernel any more.
 *
 * @module
 */
import { STAMP_FLAG_X86_64 } from "../../actors/cpu/relocate.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import { crc32 } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import {
  CONTROL_CODE_BYTES_MAX,
  parseControlData,
  REENTRY_OFFSET,
} from "../../machine/formats/control_page.ts";
import {
  type KernelStateHeader,
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import { type KimageArch, walkEntryList } from "../../machine/formats/kimage.ts";
import { FRAME, FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND, verifyStamp } from "../../machine/formats/stamp.ts";

/** Where the content of a frame stands now. */
export type Place = (pfn: number) => number;

/** Everything is where it belongs. */
export const IN_PLACE: Place = (pfn) => pfn;

/** See the module's header. */
export interface SleepingKernel {
  readonly name: string;
  readonly state: KernelState;
  /** Its page-frame table as it stands in RAM. */
  readonly table: Uint8Array;
  /** Frames that its own jump exchanged: destination to source. */
  readonly pairs: ReadonlyMap<number, number>;
  /** Where its frames stand, its own exchange reckoned in. */
  readonly place: Place;
}

/** Bytes of memory, each page from where it stands; `undefined` beyond the end of RAM. */
export function bytesAt(
  ram: FlatStore,
  start: number,
  length: number,
  place: Place,
): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const at = start + done;
    const within = at % PAGE_BYTES;
    const from = place(Math.floor(at / PAGE_BYTES)) * PAGE_BYTES + within;
    const count = Math.min(PAGE_BYTES - within, length - done);
    if (from + count > ram.byteLength) return undefined;
    bytes.set(ram.view(from, count), done);
    done += count;
  }
  return bytes;
}

/** The pairs of an entry list that stands in RAM, destination to source; none of a broken one. */
export function listedPairs(
  ram: FlatStore,
  arch: KimageArch,
  head: number,
  place: Place = IN_PLACE,
): ReadonlyMap<number, number> {
  try {
    const pairs = walkEntryList(
      arch,
      head,
      (pfn) => bytesAt(ram, pfn * PAGE_BYTES, PAGE_BYTES, place) ?? new Uint8Array(0),
    );
    return new Map(pairs.map(({ destination, source }) => [destination, source]));
  } catch (error) {
    if (error instanceof FormatError) return new Map();
    throw error;
  }
}

/** Flags of a frame in a table. */
export function flagsIn(table: Uint8Array, pfn: number): number {
  const at = pfn * FRAME_BYTES;
  return (table[at] ?? 0) + ((table[at + 1] ?? 0) << 8);
}

/** What the stamp at a jump-back entry says; `undefined` if no whole one is there. */
function reentryAt(ram: FlatStore, entry: number, place: Place) {
  const room = CONTROL_CODE_BYTES_MAX - REENTRY_OFFSET;
  if (entry % PAGE_BYTES !== REENTRY_OFFSET) return undefined;
  const code = bytesAt(ram, entry, room, place);
  const stamp = code === undefined ? undefined : parseStamp(code);
  if (code === undefined || stamp?.kind !== STAMP_KIND.reentry) return undefined;
  const body = code.subarray(STAMP_BYTES, STAMP_BYTES + stamp.length);
  return verifyStamp(stamp, body) ? stamp : undefined;
}

/** The state behind a header, if its checksum is right. */
function stateBehind(
  ram: FlatStore,
  address: number,
  header: KernelStateHeader,
  place: Place,
): KernelState | undefined {
  if (header.length > ram.byteLength) return undefined;
  const text = bytesAt(ram, address + STATE_HEADER_BYTES, header.length, place);
  if (text === undefined || crc32(text) !== header.crc) return undefined;
  // The checksum vouches that these are the bytes a kernel wrote.
  return JSON.parse(new TextDecoder().decode(text)) as KernelState;
}

/** Whether a table says that all pages of a range are the kernel's own. */
export function owns(table: Uint8Array, start: number, length: number): boolean {
  const end = Math.ceil((start + length) / PAGE_BYTES);
  for (let pfn = Math.floor(start / PAGE_BYTES); pfn < end; pfn++) {
    if ((flagsIn(table, pfn) & FRAME.kernel) === 0) return false;
  }
  return true;
}

function read(ram: FlatStore, name: string, entry: number, outer: Place) {
  const stamp = reentryAt(ram, entry, outer);
  if (stamp === undefined) return undefined;
  const arch = (stamp.flags & STAMP_FLAG_X86_64) !== 0 ? "x86_64" : "i386";
  const page = bytesAt(ram, entry - REENTRY_OFFSET, PAGE_BYTES, outer);
  if (page === undefined) return undefined;
  const pairs = listedPairs(ram, arch, parseControlData(arch, page).listHead, outer);
  const place: Place = (pfn) => outer(pairs.get(pfn) ?? pfn);
  const address = stamp.argument;
  const head = bytesAt(ram, address, STATE_HEADER_BYTES, place);
  if (head === undefined) return undefined;
  const header = parseKernelStateHeader(head);
  const length = header.frames * FRAME_BYTES;
  if (header.name !== name || length > ram.byteLength) return undefined;
  const table = bytesAt(ram, header.memMap, length, place);
  const state = stateBehind(ram, address, header, place);
  if (table === undefined || state === undefined) return undefined;
  const whole = owns(table, header.memMap, length) &&
    owns(table, address, STATE_HEADER_BYTES + header.length);
  return whole ? { name, state, table, pairs, place } : undefined;
}

/**
 * The kernel of that name behind a jump-back entry.
 *
 * @param entry physical address of the entry.
 * @param outer where frames stand, if another's exchange has moved this kernel's.
 * @returns `undefined` where RAM does not hold it (any more).
 */
export function sleepingKernel(
  ram: FlatStore,
  name: string,
  entry: number,
  outer: Place = IN_PLACE,
): SleepingKernel | undefined {
  try {
    return read(ram, name, entry, outer);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
