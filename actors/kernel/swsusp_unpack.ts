/**
 * The compressed stream of an image on its way back (protocol.md B.5.6, B.5.7): a ring of frames
 * that transfers fill in the order of the stream, and the groups that are taken out of it.
 *
 * A group whose frame numbers end in it is unpacked twice, because where its data pages go is
 * known only when the frame numbers are.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { lzo1xBound, lzo1xDecompressInto } from "../../machine/formats/lzo1x.ts";
import { crc32Le, GROUP_HEADER_BYTES, GROUP_PAGES } from "../../machine/formats/swsusp_image.ts";
import { ERRNO } from "./errno.ts";
import { joined, readPages, slicePages, writePages } from "./page_lists.ts";

const GROUP_BYTES = GROUP_PAGES * PAGE_BYTES;

/** Pages of the ring's list from `from` on, which may go round. */
export function ringPages(ring: readonly PageRun[], from: number, count: number): PageRun[] {
  const size = countPages(ring);
  const start = from % size;
  const straight = slicePages(ring, start, count);
  return joined([...straight, ...slicePages(ring, 0, count - countPages(straight))]);
}

/** Where a reading stands. */
export interface UnpackState {
  /** Frames of the ring. */
  readonly ring: readonly PageRun[];
  /** Pages of the compressed stream that are in the ring, and that were taken out of it. */
  readonly loaded: number;
  taken: number;
  /** Frames for the pages of frame numbers. */
  readonly meta: readonly PageRun[];
  /** Frames for the data; `undefined` until they are known. */
  readonly frames: readonly PageRun[] | undefined;
  /** Pages of both together. */
  readonly total: number;
  /** Page of the uncompressed stream that comes next. */
  at: number;
  crc: number;
  /** Whether the next group's sum was taken before. */
  again: boolean;
}

/** What became of a group: `more` pages of the ring are wanted for it, or it cannot be read. */
export type Unpacked =
  | { readonly status: "taken" }
  /** All frame numbers are there. */
  | { readonly status: "place" }
  | { readonly status: "more"; readonly pages: number }
  | { readonly status: "bad"; readonly errno: number; readonly message: string };

function bad(errno: number, message: string): Unpacked {
  return { status: "bad", errno, message };
}

/** Frames that pages `from` … of the uncompressed stream go to, as far as they are known. */
export function targetPages(state: UnpackState, from: number, count: number): PageRun[] {
  const list = [...state.meta, ...state.frames ?? []];
  return slicePages(list, from, Math.min(count, state.total - from));
}

function place(state: UnpackState, access: Access, plain: Uint8Array, count: number): Unpacked {
  const meta = countPages(state.meta);
  if (!state.again) state.crc = crc32Le(plain, state.crc);
  writePages(access, targetPages(state, state.at, count), plain);
  if (state.frames === undefined && state.at + count > meta) {
    state.again = true;
    return { status: "place" };
  }
  state.again = false;
  state.at += count;
  if (state.frames === undefined && state.at === meta) return { status: "place" };
  return { status: "taken" };
}

/** Takes one group out of the ring. The access must reach its pages and their frames. */
export function unpackGroup(state: UnpackState, access: Access): Unpacked {
  const ready = state.loaded - state.taken;
  if (ready < 1) return { status: "more", pages: 1 };
  const first = readPages(access, ringPages(state.ring, state.taken, 1));
  const length = Number(new DataView(first.buffer).getBigUint64(0, true));
  if (length === 0 || length > lzo1xBound(GROUP_BYTES)) {
    return bad(ERRNO.EPERM, "Invalid LZO compressed length");
  }
  const pages = Math.ceil((GROUP_HEADER_BYTES + length) / PAGE_BYTES);
  if (ready < pages) return { status: "more", pages };
  const packed = readPages(access, ringPages(state.ring, state.taken, pages));
  const plain = new Uint8Array(GROUP_BYTES);
  const data = packed.subarray(GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + length);
  const found = lzo1xDecompressInto(data, plain);
  if (found < 0) return bad(-found, "LZO decompression failed");
  if (found === 0 || found % PAGE_BYTES !== 0) {
    return bad(ERRNO.EPERM, "Invalid LZO uncompressed length");
  }
  const count = Math.min(GROUP_PAGES, state.total - state.at);
  if (found !== count * PAGE_BYTES) return bad(ERRNO.ENODATA, "Image data are incomplete");
  const result = place(state, access, plain.subarray(0, found), count);
  if (!state.again) state.taken += pages;
  return result;
}
