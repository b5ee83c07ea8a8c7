/**
 * What a disk map shows, counted and in words: what would survive a power cut now, what would not.
 * Knows no DOM.
 *
 * Promises: every sentence follows from the map alone, for any map. Sectors that wait in the cache
 * may reach the medium before the power is gone or not: a sentence says "may be lost" of them, and
 * says "is lost" of nothing.
 *
 * @module
 */
import type { DiskMap } from "../../api/shapes/machine.ts";
import { intersection, normalised, sizeOf, type Span } from "./spans.ts";
import { countText, listText, plural, sentence, sizeText } from "./words.ts";

/** One partition, or what lies outside of all. */
export interface PartitionStrip {
  readonly name: string;
  readonly first: number;
  readonly sectors: number;
  readonly durable: readonly Span[];
  readonly cached: readonly Span[];
  readonly torn: readonly Span[];
}

type Runs = readonly { readonly sector: number; readonly count: number }[];

/** Runs of sectors as spans. */
export function spansOf(runs: Runs): readonly Span[] {
  return normalised(runs.map(({ sector, count }) => ({ from: sector, to: sector + count })));
}

/** Sectors of torn writes that may not be what was written. */
export function tornSpans(map: DiskMap): readonly Span[] {
  return spansOf(map.torn);
}

/** A partition's name for people: `3, hibernating (ext2)`. */
export function partitionName(partition: DiskMap["partitions"][number]): string {
  const { number, label, fileSystem } = partition;
  const what = fileSystem === "" || fileSystem === label ? "" : ` (${fileSystem})`;
  return `${number}, ${label}${what}`;
}

/**
 * Each partition, and what lies outside of all, with its part of what is durable, cached and torn,
 * in order of the sectors.
 */
export function stripsOf(map: DiskMap): readonly PartitionStrip[] {
  const durable = spansOf(map.durable);
  const cached = spansOf(map.cached);
  const torn = tornSpans(map);
  const strip = (name: string, first: number, sectors: number): PartitionStrip => {
    const part = [{ from: first, to: first + sectors }];
    return {
      name,
      first,
      sectors,
      durable: intersection(durable, part),
      cached: intersection(cached, part),
      torn: intersection(torn, part),
    };
  };
  const strips: PartitionStrip[] = [];
  let at = 0;
  const gap = (to: number) => {
    const name = at === 0 ? "before the partitions" : "between the partitions";
    if (to > at) {
      strips.push(strip(to >= map.sectors && at > 0 ? "behind them" : name, at, to - at));
    }
  };
  for (const one of [...map.partitions].sort((a, b) => a.firstSector - b.firstSector)) {
    gap(one.firstSector);
    strips.push(strip(partitionName(one), one.firstSector, one.sectorCount));
    at = one.firstSector + one.sectorCount;
  }
  gap(map.sectors);
  return strips;
}

/** What a sector is at the moment; `empty`: nothing but zeros that survive. */
export type SectorState = "durable" | "cached" | "torn" | "empty";

/** The parts of a strip in order, without gaps. */
export function segmentsOf(
  strip: PartitionStrip,
): readonly (Span & { readonly state: SectorState })[] {
  const end = strip.first + strip.sectors;
  const edges = new Set([strip.first, end]);
  for (const { from, to } of [...strip.durable, ...strip.cached, ...strip.torn]) {
    edges.add(from);
    edges.add(to);
  }
  const sorted = [...edges].sort((a, b) => a - b);
  const segments: { from: number; to: number; state: SectorState }[] = [];
  const cursors = { cached: 0, torn: 0, durable: 0 };
  const holds = (name: "cached" | "torn" | "durable", at: number): boolean => {
    const spans = strip[name];
    while ((spans[cursors[name]]?.to ?? Infinity) <= at) cursors[name]++;
    return (spans[cursors[name]]?.from ?? Infinity) <= at;
  };
  for (let index = 0; index + 1 < sorted.length; index++) {
    const [from, to] = [sorted[index] ?? 0, sorted[index + 1] ?? 0];
    const [cached, torn, durable] = [
      holds("cached", from),
      holds("torn", from),
      holds("durable", from),
    ];
    const state = cached ? "cached" : torn ? "torn" : durable ? "durable" : "empty";
    const last = segments.at(-1);
    if (last?.state === state) last.to = to;
    else segments.push({ from, to, state });
  }
  return segments;
}

/** What a state means, in words. */
export const SECTOR_WORDS: { readonly [Name in SectorState]: string } = {
  durable: "on the medium",
  cached: "only in the drive's cache",
  torn: "torn by a power cut",
  empty: "empty",
};

/** A segment as it is read out. */
export function segmentText(
  { from, to, state }: Span & { readonly state: SectorState },
  sectorBytes: number,
): string {
  const which = to - from === 1
    ? `sector ${countText(from)}`
    : `sectors ${countText(from)}\u2013${countText(to - 1)}, ${
      sizeText((to - from) * sectorBytes)
    }`;
  return `${which}, ${SECTOR_WORDS[state]}`;
}

/** Sectors of a file that wait in the cache, and that were torn. */
export function fileSectors(
  map: DiskMap,
  file: DiskMap["files"][number],
): { readonly all: number; readonly cached: number; readonly torn: number } {
  const own = spansOf(file.runs);
  return {
    all: sizeOf(own),
    cached: sizeOf(intersection(own, spansOf(map.cached))),
    torn: sizeOf(intersection(own, tornSpans(map))),
  };
}

/** A file's state: `16.4 MiB, 312 sectors only in the cache: a power cut now may lose them`. */
export function fileSentence(map: DiskMap, file: DiskMap["files"][number]): string {
  const { all, cached, torn } = fileSectors(map, file);
  const size = sizeText(file.bytes);
  const tornText = torn === 0 ? "" : `, ${plural(torn, "sector")} torn by a power cut`;
  if (cached > 0) {
    const part = cached === all ? `all ${plural(all, "sector")}` : plural(cached, "sector");
    return `${size}${tornText}, ${part} only in the cache: a power cut now may lose ` +
      `${cached === 1 ? "it" : "them"}.`;
  }
  if (torn > 0) return `${size}${tornText}.`;
  // The map may know of more than the sectors that it lists: what it says of the file counts.
  if (file.state === "cached") return `${size}, not all of it on the medium.`;
  if (file.state === "torn") return `${size}, torn by a power cut.`;
  if (all === 0) return `${size}, no sectors of its own.`;
  const what = all === 1 ? "its sector is" : `all ${plural(all, "sector")} are`;
  return `${size}, ${what} on the medium.`;
}

/** How many sectors wait in the cache, each counted once. */
export function cachedSectors(map: DiskMap): number {
  return sizeOf(spansOf(map.cached));
}

function fileName(map: DiskMap, file: DiskMap["files"][number]): string {
  const partition = map.partitions.find(({ number }) => number === file.partition);
  return partition === undefined ? file.path : `${file.path} on ${partition.label}`;
}

/** What a power cut now would leave. */
export function cutSentence(map: DiskMap): string {
  const cached = cachedSectors(map);
  const durable = sizeOf(spansOf(map.durable));
  const bytes = (sectors: number) => sizeText(sectors * map.sectorBytes);
  const survives = `${plural(durable, "sector")} (${bytes(durable)}) that ${
    durable === 1 ? "holds" : "hold"
  } data ${durable === 1 ? "is" : "are"} on the medium`;
  if (cached === 0) {
    return sentence([
      `nothing waits in the drive's cache: a power cut now loses no write`,
      survives,
    ]) + tornText(map);
  }
  const files = map.files.filter((file) => fileSectors(map, file).cached > 0);
  const names = listText(files.slice(0, 4).map((file) => fileName(map, file)));
  const more = files.length > 4 ? ` and ${plural(files.length - 4, "more file")}` : "";
  const whose = files.length === 0 ? "" : `, parts of ${names}${more} among them`;
  return sentence([
    `a power cut now may lose ${plural(cached, "sector")} (${bytes(cached)}) in ` +
    `${plural(map.cached.length, "write")} that ${
      map.cached.length === 1 ? "waits" : "wait"
    } in the drive's cache${whose}`,
    survives,
  ]) + tornText(map);
}

function tornText(map: DiskMap): string {
  const torn = sizeOf(tornSpans(map));
  if (torn === 0) return "";
  const kept = map.torn.reduce((sum, { survived }) => sum + survived, 0);
  return " " + sentence([
    `the last power cut tore or lost ${plural(map.torn.length, "write")}: ` +
    `of ${plural(map.torn.reduce((sum, { count }) => sum + count, 0), "sector")} ` +
    `${countText(kept)} reached the medium`,
  ]);
}
