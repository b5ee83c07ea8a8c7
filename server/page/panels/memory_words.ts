/**
 * What a memory map shows, counted and in words. Knows no DOM.
 *
 * Promises: every sentence follows from the map alone, for any map.
 *
 * @module
 */
import type { FrameClass, MemoryMap } from "../../api/shapes/machine.ts";
import { normalised, type Span } from "./spans.ts";
import { countText, framesText, hexText, listText, plural, sentence, sizeText } from "./words.ts";

/** Frames of one class of one owner. */
export interface FrameTotal {
  readonly owner: string;
  readonly class: FrameClass;
  readonly frames: number;
}

/** What a frame of a class is, as it is read out. */
export const CLASS_WORDS: { readonly [Name in FrameClass]: string } = {
  free: "free",
  kernel: "kernel's own",
  user: "user memory",
  cache: "page cache",
  window: "window set aside for the other kernel",
  source: "source page of a loaded image",
  image: "part of an image",
  kimage: "control, swap or indirection page",
  reserved: "reserved",
  firmware: "firmware",
  unknown: "nobody knows what",
};

/** A short name of each class, for legends and tables. */
export const CLASS_NAMES: { readonly [Name in FrameClass]: string } = {
  ...CLASS_WORDS,
  kernel: "kernel",
  window: "window",
  source: "source page",
  image: "image",
  kimage: "kimage",
  unknown: "unknown",
};

/** Whose it is, as it is read out. */
export function ownerText(owner: string): string {
  return owner === "" ? "nobody's" : owner;
}

/** Frames by owner and class, in order of their first frame. */
export function totalsOf({ runs }: MemoryMap): readonly FrameTotal[] {
  const totals = new Map<string, FrameTotal>();
  for (const { owner, class: what, count } of runs) {
    const key = `${what} ${owner}`;
    const frames = (totals.get(key)?.frames ?? 0) + count;
    totals.set(key, { owner, class: what, frames });
  }
  return [...totals.values()];
}

/** Frames of a class, whoever owns them. */
export function framesOf({ runs }: MemoryMap, what: FrameClass): number {
  return runs.reduce((sum, run) => run.class === what ? sum + run.count : sum, 0);
}

/** Number of the run that a frame is in; -1 outside. */
export function runAt({ runs }: MemoryMap, pfn: number): number {
  let from = 0;
  let to = runs.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const run = runs[middle];
    if (run === undefined) break;
    if (run.pfn + run.count <= pfn) from = middle + 1;
    else to = middle;
  }
  const found = runs[from];
  return found !== undefined && found.pfn <= pfn ? from : -1;
}

/** A run as it is read out: `pfn 0x100–0x3ff, 768 pages, A, source page of a loaded image`. */
export function runText(map: MemoryMap, index: number): string {
  const run = map.runs[index];
  if (run === undefined) return "";
  const address = `from ${hexText(run.pfn * map.pageBytes)}`;
  const whose = run.owner === "" ? [] : [run.owner];
  return [
    framesText(run.pfn, run.count),
    `${plural(run.count, "page")} ${address}`,
    ...whose,
    CLASS_WORDS[run.class],
  ].join(", ");
}

function pagesText(frames: number, pageBytes: number): string {
  return `${plural(frames, "page")} (${sizeText(frames * pageBytes)})`;
}

/** From where to where the frames of a kernel lie, free ones left out. */
export function extentOf(map: MemoryMap, owner: string): Span | undefined {
  const own = map.runs.filter((run) => run.owner === owner && run.class !== "free");
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { from: first.pfn, to: last.pfn + last.count };
}

function kernelText(map: MemoryMap, kernel: MemoryMap["kernels"][number]): string {
  const { name, status, frames } = kernel;
  const extent = extentOf(map, name);
  const where = extent === undefined
    ? ""
    : `, all between ${hexText(extent.from * map.pageBytes)} and ${
      hexText(extent.to * map.pageBytes - 1)
    }`;
  const pages = pagesText(frames, map.pageBytes);
  return status === "running"
    ? `${name} runs in ${pages}${where}`
    : `${name} stands asleep in ${pages}${where}`;
}

/** Whose frames of a class they are, and how many: `160 of A`. */
function sharesText(map: MemoryMap, what: FrameClass): string {
  const shares = totalsOf(map).filter((total) => total.class === what);
  if (shares.length === 1) {
    const owner = shares[0]?.owner ?? "";
    return owner === "" ? "" : ` of ${owner}`;
  }
  return ` (${
    listText(shares.map(({ owner, frames }) => `${countText(frames)} ${ownedBy(owner)}`))
  })`;
}

function ownedBy(owner: string): string {
  return owner === "" ? "nobody's" : `of ${owner}`;
}

const CLAUSES: readonly (readonly [FrameClass, string, string])[] = [
  ["window", "is set aside as a window", "are set aside as a window"],
  ["source", "is a source page of a loaded image", "are source pages of a loaded image"],
  ["image", "is part of an image", "are part of an image"],
];

/** What the moment shows, in a sentence or two. */
export function memorySentence(map: MemoryMap): string {
  const running = map.kernels.filter(({ status }) => status === "running");
  const asleep = map.kernels.filter(({ status }) => status === "asleep");
  const kernels = [...running, ...asleep].map((kernel) => kernelText(map, kernel));
  const who = kernels.length === 0 ? ["no kernel is in memory"] : kernels;
  const classes = CLAUSES.flatMap(([what, one, many]) => {
    const frames = framesOf(map, what);
    if (frames === 0) return [];
    return [
      `${plural(frames, "page")}${sharesText(map, what)} ${frames === 1 ? one : many}`,
    ];
  });
  const free = framesOf(map, "free");
  const rest = `${countText(free)} of ${plural(map.frames, "page")} ${free === 1 ? "is" : "are"}` +
    " free";
  return [sentence(who), sentence(classes), sentence([rest])].filter((text) => text !== "")
    .join(" ");
}

/** Frames whose owner or class differs between two maps of the same memory. */
export function changedFrames(before: MemoryMap, after: MemoryMap): readonly Span[] {
  const changed: Span[] = [];
  let [i, j, at] = [0, 0, 0];
  const end = Math.min(before.frames, after.frames);
  while (at < end) {
    const [old, fresh] = [before.runs[i], after.runs[j]];
    if (old === undefined || fresh === undefined) break;
    const to = Math.min(old.pfn + old.count, fresh.pfn + fresh.count, end);
    if (to > at && (old.owner !== fresh.owner || old.class !== fresh.class)) {
      changed.push({ from: at, to });
    }
    if (old.pfn + old.count <= to) i++;
    if (fresh.pfn + fresh.count <= to) j++;
    at = Math.max(at, to);
  }
  return normalised(changed);
}

/** Frames in a row of the picture: a power of two, so that rows begin at round addresses. */
export function framesInRow(frames: number, rowsMost: number): number {
  let row = 64;
  while (Math.ceil(frames / row) > rowsMost) row *= 2;
  return row;
}
