/**
 * The whole machine at an event: its actors, what a step changed, memory, disk, images.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Replays, StoredRun } from "../deps.ts";
import type { ProblemName } from "../problem.ts";
import { BYTES, empty, inForms, inJson, jsonAnswer } from "./answers.ts";
import { fileAnswer } from "./file_answer.ts";
import { freshnessHeaders, freshnessOf, notModified } from "./freshness.ts";
import { operation } from "./operation.ts";
import { MomentQuery, RangeHeaders, RunParameter, TagHeaders } from "./parameters.ts";
import { momentOf, mustReplay, storedOf } from "./run_lookup.ts";
import { DiskMap, MachineState, MemoryMap, StateChange } from "./shapes/machine.ts";
import { timed } from "./timing.ts";
import type { Wiring } from "./wiring.ts";

/** A view of the machine. */
interface MomentRoute {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly shape: z.ZodType;
  readonly look: (replays: Replays, stored: StoredRun, at: number) => Promise<unknown>;
}

const VIEWS: readonly MomentRoute[] = [
  {
    path: "machine",
    operationId: "getMachine",
    summary: "Look into all actors",
    description: "The plain state of every actor at the first barrier at which the event has " +
      "happened. Long parts are cut off and say so.",
    shape: MachineState,
    look: (replays, stored, at) => replays.machine(stored, at),
  },
  {
    path: "machine/change",
    operationId: "getChange",
    summary: "Look at what an event changed",
    description: "The state of the event's actor before and after the step.",
    shape: StateChange,
    look: (replays, stored, at) => replays.change(stored, at),
  },
  {
    path: "memory",
    operationId: "getMemory",
    summary: "Look at who owns which page",
    description: "Page frames in runs of one owner and one class, and the kernels they are of.",
    shape: MemoryMap,
    look: (replays, stored, at) => replays.memory(stored, at),
  },
  {
    path: "disk",
    operationId: "getDisk",
    summary: "Look at what is durable on the disk",
    description: "Which sectors would survive if the power went, which are only in the cache, " +
      "which a power cut tore, and where the files of interest lie.",
    shape: DiskMap,
    look: (replays, stored, at) => replays.disk(stored, at),
  },
];

const PROBLEMS_OF_MOMENTS: readonly ProblemName[] = [
  "unknown-run",
  "unknown-event",
  "not-replayable",
  "wrong-state",
  "too-large",
  "too-many",
  "stopping",
];

/** Adds them. */
export function momentRoutes(wiring: Wiring): void {
  for (const view of VIEWS) viewRoute(wiring, view);
  imageRoute(wiring);
}

function viewRoute({ app, deps }: Wiring, view: MomentRoute): void {
  operation(app, {
    method: "get",
    path: `/api/runs/{run}/${view.path}`,
    operationId: view.operationId,
    tag: "moments",
    summary: view.summary,
    description: view.description,
    params: RunParameter,
    query: MomentQuery,
    headers: TagHeaders,
    answers: {
      200: inJson(view.shape, "What stands there.", "ETag"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: PROBLEMS_OF_MOMENTS,
  }, async ({ context, params: { run }, query }) => {
    const stored = storedOf(deps, run);
    mustReplay(stored);
    const at = momentOf(stored, query.at);
    const freshness = freshnessOf(stored.summary, `${view.path} ${at}`, deps.settings);
    const same = notModified(context, freshness);
    if (same !== undefined) return same;
    const found = await timed(context, "replay", view.look(deps.replays, stored, at));
    return jsonAnswer(found, 200, freshnessHeaders(freshness));
  });
}

function imageRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/images/{what}",
    operationId: "getImage",
    tag: "moments",
    summary: "Get the disk or the image on it",
    description: "`disk`: the whole disk as a file; `elf`: the saved ELF image that lies on it.",
    params: RunParameter.extend({
      what: z.enum(["disk", "elf"]).openapi({ description: "Which.", example: "elf" }),
    }),
    query: MomentQuery,
    headers: RangeHeaders,
    answers: {
      200: inForms(
        { "application/octet-stream": BYTES },
        "The file.",
        "ETag",
        "Accept-Ranges",
        "Content-Disposition",
      ),
      206: inForms({ "application/octet-stream": BYTES }, "A part of it.", "ETag", "Content-Range"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: [...PROBLEMS_OF_MOMENTS, "unknown-blob", "wrong-range"],
  }, async ({ context, params: { run, what }, query }) => {
    const stored = storedOf(deps, run);
    mustReplay(stored);
    const at = momentOf(stored, query.at);
    const freshness = freshnessOf(stored.summary, `image ${what} ${at}`, deps.settings);
    const same = notModified(context, freshness);
    if (same !== undefined) return same;
    const file = await timed(context, "replay", deps.replays.image(stored, at, what));
    return fileAnswer(context, file, freshness);
  });
}
