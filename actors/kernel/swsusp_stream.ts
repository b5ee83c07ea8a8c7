/**
 * The plan by which image pages go to a swap area (protocol.md B.5.6): which page of the area the
 * next page of the image takes, when a map page is full, and what of that is one transfer. Pure
 * functions over the area's map; the transfers themselves are swsusp_write.ts's.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { lzo1xCompress } from "../../machine/formats/lzo1x.ts";
import {
  crc32Le,
  emitMapPage,
  GROUP_HEADER_BYTES,
  GROUP_PAGES,
  MAP_ENTRIES,
} from "../../machine/formats/swsusp_image.ts";
import { type Infer, list, natural, record } from "../../machine/messages/shape.ts";
import { joined, readPages, slicePages, writePages } from "./page_lists.ts";
import type { SwapArea } from "./state.ts";
import { takeImagePage } from "./swap_areas.ts";
import { RUNS } from "./values.ts";

/** A transfer: consecutive pages of the area, and the frames they go to or come from. */
export const PAGE_MOVE = record({ page: natural, frames: RUNS });

/** See {@linkcode PAGE_MOVE}. */
export type PageMove = Infer<typeof PAGE_MOVE>;

/** The map page that is being filled. */
export const MAP_CURSOR = record({ page: natural, entries: list(natural) });

/** See {@linkcode MAP_CURSOR}. */
export type MapCursor = Infer<typeof MAP_CURSOR>;

/** Most pages of one transfer. */
export const MOVE_PAGES = 256;
/** Groups compressed in one step: their pages fit one transfer even if nothing compresses. */
export const UNIT_GROUPS = 7;

/** What a unit becomes on the area. */
export interface PlacedUnit {
  readonly moves: readonly PageMove[];
  readonly map: MapCursor;
}

function append(moves: { page: number; frames: PageRun[] }[], page: number, pfn: number): void {
  const last = moves.at(-1);
  const filled = last === undefined ? 0 : countPages(last.frames);
  if (last !== undefined && last.page + filled === page && filled < MOVE_PAGES) {
    last.frames = joined([...last.frames, { pfn, count: 1 }]);
  } else moves.push({ page, frames: [{ pfn, count: 1 }] });
}

/**
 * Gives the pages of `frames`, in their order, pages of the area, and enters them into the map.
 * A map page that is full is written through `writeMap` and becomes a transfer from `mapFrame`;
 * so at most 511 pages may be placed at once. `undefined` where the area is full.
 */
export function placeUnit(
  area: SwapArea,
  frames: readonly PageRun[],
  map: MapCursor,
  mapFrame: number,
  writeMap: (bytes: Uint8Array) => void,
): PlacedUnit | undefined {
  const moves: { page: number; frames: PageRun[] }[] = [];
  let full: PageMove | undefined;
  let { page: mapPage, entries } = { ...map, entries: [...map.entries] };
  for (const { pfn, count } of frames) {
    for (let index = 0; index < count; index++) {
      const page = takeImagePage(area);
      if (page === undefined) return undefined;
      append(moves, page, pfn + index);
      entries.push(page);
      if (entries.length < MAP_ENTRIES) continue;
      const next = takeImagePage(area);
      if (next === undefined) return undefined;
      writeMap(emitMapPage({ entries, next }));
      full = { page: mapPage, frames: [{ pfn: mapFrame, count: 1 }] };
      mapPage = next;
      entries = [];
    }
  }
  return { moves: full === undefined ? moves : [...moves, full], map: { page: mapPage, entries } };
}

/** Groups as they were compressed. */
export interface PackedUnit {
  /** Frames of the buffer that were filled. */
  readonly frames: readonly PageRun[];
  readonly crc: number;
}

/**
 * Compresses the pages of `sources` in groups of 32 into the frames of `buffer`: for each its
 * length as u64 and its data, padded to whole pages.
 */
export function packUnit(
  access: Access,
  sources: readonly PageRun[],
  buffer: readonly PageRun[],
  crc: number,
): PackedUnit {
  let sum = crc;
  let filled = 0;
  const pages = countPages(sources);
  for (let at = 0; at < pages; at += GROUP_PAGES) {
    const plain = readPages(access, slicePages(sources, at, GROUP_PAGES));
    sum = crc32Le(plain, sum);
    const data = lzo1xCompress(plain);
    const group = new Uint8Array(GROUP_HEADER_BYTES + data.length);
    new DataView(group.buffer).setBigUint64(0, BigInt(data.length), true);
    group.set(data, GROUP_HEADER_BYTES);
    const count = Math.ceil(group.length / PAGE_BYTES);
    writePages(access, slicePages(buffer, filled, count), group);
    filled += count;
  }
  return { frames: slicePages(buffer, 0, filled), crc: sum };
}
