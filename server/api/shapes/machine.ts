/**
 * The whole machine at a moment: actors, memory, disk. Moments are barriers of the scheduler: the
 * first one at which the event asked for has happened.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { FRAME_CLASSES } from "./frame_classes.ts";
import { Natural } from "./run.ts";

const moment = {
  /** Number of the event that was asked for. */
  at: Natural,
  /** Number of the event that comes next at the barrier. */
  next: Natural,
  /** Virtual time in ns. */
  vt: Natural,
};

/** An actor's plain state: any JSON value; texts and lists over a bound are cut off and say so. */
export const PlainState = z.unknown().openapi("PlainState", {
  description: "Plain data as the actor keeps it; long parts are cut off and say so.",
});

/** Answer of `GET /api/runs/{run}/machine?at=`. */
export const MachineState = z.object({
  ...moment,
  powered: z.boolean(),
  actors: z.array(z.object({
    name: z.string(),
    behaviour: z.string(),
    /** What the actor does at the moment: a state of its behaviour. */
    label: z.string(),
    state: PlainState,
  })),
}).openapi("MachineState");

/** Answer of `GET /api/runs/{run}/machine/change?at=`: what the step of that event changed. */
export const StateChange = z.object({
  ...moment,
  actor: z.string(),
  /** Absent where the actor did not live. */
  before: PlainState.optional(),
  after: PlainState.optional(),
}).openapi("StateChange");

/**
 * What a page frame is at the moment. `window`: memory set aside for the other kernel; `source`:
 * a page of a loaded image that the jump will exchange or copy; `image`: part of what is saved or
 * loaded as an image; `kimage`: control, swap and indirection pages.
 */
export const FrameClass = z.enum(FRAME_CLASSES).openapi("FrameClass");

/** Answer of `GET /api/runs/{run}/memory?at=`: who owns which page. */
export const MemoryMap = z.object({
  ...moment,
  frames: Natural,
  pageBytes: Natural,
  kernels: z.array(z.object({
    name: z.string(),
    /** `asleep`: it left the processor and stands in RAM only. */
    status: z.enum(["running", "asleep"]),
    /** Frames it owns that are not free. */
    frames: Natural,
  })),
  /** In order, without gaps; an empty owner is nobody. */
  runs: z.array(z.object({
    pfn: Natural,
    count: Natural,
    owner: z.string(),
    class: FrameClass,
  })),
}).openapi("MemoryMap");

/** Answer of `GET /api/runs/{run}/disk?at=`: what would be left if the power went. */
export const DiskMap = z.object({
  ...moment,
  sectors: Natural,
  sectorBytes: Natural,
  partitions: z.array(z.object({
    number: Natural,
    firstSector: Natural,
    sectorCount: Natural,
    /** What it is: `boot`, `root`, `hibernating`, `nvram`, `swap` … */
    label: z.string(),
    fileSystem: z.string(),
  })),
  /** Sectors that hold something but zeros and would survive. */
  durable: z.array(z.object({ sector: Natural, count: Natural })),
  /** Writes that wait in the drive's cache, oldest first. */
  cached: z.array(z.object({ sector: Natural, count: Natural })),
  /** Sectors of writes that were torn or lost when the power went last. */
  torn: z.array(z.object({ sector: Natural, count: Natural, survived: Natural })),
  /** Files of interest and where they lie. */
  files: z.array(z.object({
    partition: Natural,
    path: z.string(),
    bytes: Natural,
    runs: z.array(z.object({ sector: Natural, count: Natural })),
    /** `durable`: every sector is on the medium; `cached`: some only in the cache. */
    state: z.enum(["durable", "cached", "torn"]),
    /**
     * Where the name is found: `drive`: only with what waits in the drive's cache; `medium`: only
     * if the power went now; `both`: either way, with the same size and sectors.
     */
    view: z.enum(["both", "drive", "medium"]).optional(),
  })),
}).openapi("DiskMap");

/** See {@linkcode MachineState}. */
export type MachineState = z.infer<typeof MachineState>;
/** See {@linkcode StateChange}. */
export type StateChange = z.infer<typeof StateChange>;
/** See {@linkcode MemoryMap}. */
export type MemoryMap = z.infer<typeof MemoryMap>;
/** See {@linkcode DiskMap}. */
export type DiskMap = z.infer<typeof DiskMap>;
/** See {@linkcode FrameClass}. */
export type FrameClass = z.infer<typeof FrameClass>;
