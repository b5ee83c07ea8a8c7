/**
 * Whole runs in which a test looks on and lays hands on the machine: on its RAM between two
 * deliveries, on its disk while it is off.
 */
import { collectGarbage } from "../collect_garbage.ts";
import { strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { PAGE_BYTES, parsePairRuns } from "../../machine/formats/page_runs.ts";
import { BlockStore } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import {
  facts,
  headerOf,
  linesOf,
  mediumFor,
  planOf,
  type Run,
  type RunOptions,
  settingsOf,
} from "../runs/run_kit.ts";

export { type } from "../../actors/scenario/script_words.ts";

const MIB = 1024 ** 2;
const SECTOR = 512;

/** Sees every event when the step it belongs to is over. */
export type Hook = (event: TraceEvent, scheduler: Scheduler, blobs: Run["blobs"]) => void;

/** Runs to the end, with a hook that may change RAM. */
export function runHooked(options: RunOptions, hook: Hook): Run {
  collectGarbage();
  const settings = settingsOf(options);
  const medium = mediumFor(options, settings);
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const plan = planOf(options, settings);
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const scheduler = new Scheduler(plan, new InlineTransport(plan.registry, blocks), recorder);
  let seen = 0;
  for (let goes = true; goes;) {
    goes = scheduler.advance(1);
    for (; seen < events.length; seen++) {
      const event = events[seen];
      if (event !== undefined) hook(event, scheduler, sink.blobs);
    }
  }
  return {
    outcome: scheduler.outcome ?? "no outcome",
    header: headerOf(settings),
    events,
    text: sink.text,
    blobs: sink.blobs,
    hash: recorder.hash(),
    generator: scheduler.random.state(),
    lines: linesOf(events),
    medium,
    scheduler,
  };
}

/** Power on and pick a line of the menu. */
export function boot(entry: string): OperatorStep[] {
  return [{ do: "power_on" }, { do: "choose", entry, append: "" }];
}

/** Waits for a prompt and ends the run. */
export function until(at: string, outcome = "done"): OperatorStep[] {
  return [{ do: "prompt", at }, { do: "finish", outcome }];
}

/** Where the third partition, the one the image is on, begins and ends. */
export function imagePartition(memoryMiB: number): { start: number; length: number } {
  const partition = diskLayout({ memoryBytes: memoryMiB * MIB })[2];
  if (partition === undefined) throw new Error("No third partition");
  return {
    start: partition.firstSector * SECTOR,
    length: partition.sectorCount * SECTOR,
  };
}

/** The file system the image is on, in the bytes of a disk. */
export function imageVolume(disk: Uint8Array, memoryMiB: number): Ext2Image {
  const { start, length } = imagePartition(memoryMiB);
  return Ext2Image.of(disk.subarray(start, start + length));
}

/** The page of a dump that has a physical page. */
export function dumpOffset(dump: Uint8Array, physical: number): number {
  const program = parseElf(dump).programs.find(({ type, paddr, filesz }) =>
    type === PT_LOAD && paddr <= physical && physical < paddr + filesz
  );
  if (program === undefined) throw new Error(`0x${physical.toString(16)} is not in the dump`);
  return program.offset + physical - program.paddr;
}

/** Flips a bit of the image in the bytes of a disk. */
export function flipInDump(disk: Uint8Array, memoryMiB: number, offset: number, bit: number): void {
  const dump = imageVolume(disk, memoryMiB).fileAt("/dump.elf");
  const first = offset - offset % PAGE_BYTES;
  const page = dump.subarray(first, first + PAGE_BYTES);
  const { start, length } = imagePartition(memoryMiB);
  const found: number[] = [];
  for (let at = start; at < start + length; at += PAGE_BYTES) {
    const block = disk.subarray(at, at + PAGE_BYTES);
    if (block.every((byte, index) => byte === page[index])) found.push(at);
  }
  strictEqual(found.length, 1, "the page's content stands on the disk once");
  const at = (found[0] ?? 0) + offset - first;
  disk[at] = (disk[at] ?? 0) ^ (1 << bit);
}

/** Flips a bit of RAM. */
export function flipInRam(scheduler: Scheduler, address: number, bit: number): void {
  const byte = scheduler.ram.writable(address, 1);
  byte[0] = (byte[0] ?? 0) ^ (1 << bit);
}

/** What each frame was to a kernel at its jump: flag bits by frame. */
export function classesAtJump(events: readonly TraceEvent[], blobs: Run["blobs"], k: string) {
  const event = facts(events, "frame_classes").find(({ summary }) =>
    summary?.["k"] === k && summary["when"] === "jump"
  );
  const classes = blobs.get(event?.blob?.replace("sha256:", "") ?? "");
  if (classes === undefined) throw new Error(`No frame classes of ${k}`);
  return classes;
}

/** First frame with exactly these flags, from a frame on. */
export function frameWith(classes: Uint8Array, flags: number, from = 0): number {
  const pfn = classes.findIndex((value, index) => index >= from && value === flags);
  if (pfn < 0) throw new Error(`No frame with flags ${flags}`);
  return pfn;
}

/** A fact's text, which stands in a field or, where that would be too long, in its blob. */
export function longText(event: TraceEvent, field: string, blobs: Run["blobs"]): string {
  const text = event.summary?.[field];
  if (typeof text === "string") return text;
  return new TextDecoder().decode(blobs.get(event.blob?.replace("sha256:", "") ?? ""));
}

/** Where a page is while a kernel is away: what stood in the window is in source pages. */
export function placeWhileAway(run: Pick<Run, "events" | "blobs">, physical: number): number {
  const event = facts(run.events, "kimage")[0];
  if (event === undefined) throw new Error("No image was loaded");
  const pfn = Math.floor(physical / PAGE_BYTES);
  const pair = parsePairRuns(longText(event, "pairs", run.blobs)).find((each) =>
    each.destination <= pfn && pfn < each.destination + each.count
  );
  if (pair === undefined) return physical;
  return physical + (pair.source - pair.destination) * PAGE_BYTES;
}
