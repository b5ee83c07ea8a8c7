/**
 * Where a memory map's frames lie in the picture: rows of addresses, one path for all frames of one
 * owner and class. Knows no DOM.
 *
 * @module
 */
import type { FrameClass, MemoryMap } from "../../api/shapes/machine.ts";
import { framesInRow, runAt } from "./memory_words.ts";
import { box, CELLS_UNITS } from "./picture.ts";
import type { Span } from "./spans.ts";

/** Width in units that the addresses take. */
export const AXIS_UNITS = 64;
/** Height of a row and of the cells in it, in units. */
export const ROW_UNITS = 9;
export const CELL_UNITS = 8;
/** Rows of the picture at most. */
const ROWS_MAX = 40;
/** A run as long as this part of a row gets its owner's letter. */
const LETTERED_PART = 1 / 16;
const LETTERS_MAX = 160;

/** Frames of one owner and class as a path. */
export interface FrameShape {
  readonly owner: string;
  readonly class: FrameClass;
  readonly path: string;
}

/** A picture's measures and paths. */
export interface MemoryShapes {
  readonly inRow: number;
  readonly rows: number;
  readonly shapes: readonly FrameShape[];
  readonly letters: readonly { readonly x: number; readonly y: number; readonly text: string }[];
}

/** Calls back with each row's part of frames `from` to `to - 1`. */
function pieces(
  { from, to }: Span,
  inRow: number,
  take: (x: number, y: number, width: number) => void,
): void {
  for (let at = from; at < to;) {
    const row = Math.floor(at / inRow);
    const end = Math.min(to, (row + 1) * inRow);
    const unit = CELLS_UNITS / inRow;
    take(AXIS_UNITS + (at - row * inRow) * unit, row * ROW_UNITS, (end - at) * unit);
    at = end;
  }
}

/** The path of frames. */
export function framesPath(spans: readonly Span[], inRow: number): string {
  let path = "";
  for (const span of spans) {
    pieces(span, inRow, (x, y, width) => {
      path += box(x, y, width, CELL_UNITS);
    });
  }
  return path;
}

const SHAPES: WeakMap<MemoryMap, MemoryShapes> = new WeakMap();

/** A map's shapes; made once a map. */
export function shapesOf(map: MemoryMap): MemoryShapes {
  const known = SHAPES.get(map);
  if (known !== undefined) return known;
  const inRow = framesInRow(map.frames, ROWS_MAX);
  const groups = new Map<string, { owner: string; class: FrameClass; spans: Span[] }>();
  const letters: { x: number; y: number; text: string }[] = [];
  for (const { pfn, count, owner, class: what } of map.runs) {
    const key = `${what} ${owner}`;
    const group = groups.get(key) ?? { owner, class: what, spans: [] };
    group.spans.push({ from: pfn, to: pfn + count });
    groups.set(key, group);
    if (owner !== "" && count >= inRow * LETTERED_PART && letters.length < LETTERS_MAX) {
      letters.push(letterAt(pfn, count, owner, inRow));
    }
  }
  const shapes = [...groups.values()].map(({ owner, class: what, spans }) => ({
    owner,
    class: what,
    path: framesPath(spans, inRow),
  }));
  const made = { inRow, rows: Math.max(1, Math.ceil(map.frames / inRow)), shapes, letters };
  SHAPES.set(map, made);
  return made;
}

/** A letter stands at the beginning of the run's first row, or of the next if that is too short. */
function letterAt(pfn: number, count: number, owner: string, inRow: number) {
  const left = inRow - pfn % inRow;
  const at = left < inRow * LETTERED_PART && count - left >= inRow * LETTERED_PART
    ? pfn + left
    : pfn;
  const x = AXIS_UNITS + at % inRow * CELLS_UNITS / inRow + 2;
  return { x, y: Math.floor(at / inRow) * ROW_UNITS + 7, text: owner };
}

/** The run at a point of the picture; -1 where there is none. */
export function runAtPoint(map: MemoryMap, x: number, y: number): number {
  const { inRow } = shapesOf(map);
  if (x < AXIS_UNITS || x >= AXIS_UNITS + CELLS_UNITS || y < 0) return -1;
  const row = Math.floor(y / ROW_UNITS);
  return runAt(map, row * inRow + Math.floor((x - AXIS_UNITS) * inRow / CELLS_UNITS));
}

/** The run in the row above or below a run's beginning; the same where there is none. */
export function runBeyond(map: MemoryMap, index: number, way: -1 | 1): number {
  const { inRow } = shapesOf(map);
  const run = map.runs[index];
  if (run === undefined) return index;
  const pfn = way < 0 ? run.pfn - inRow : Math.max(run.pfn + run.count, run.pfn + inRow);
  const found = runAt(map, pfn);
  return found < 0 ? (way < 0 ? 0 : map.runs.length - 1) : found;
}
