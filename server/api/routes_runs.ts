/**
 * Runs: start, list, look at, stop, remove, and type at.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { SERVER_LIMITS } from "../limits.ts";
import { empty, inJson, jsonAnswer } from "./answers.ts";
import { preferredWait } from "./negotiation.ts";
import { operation } from "./operation.ts";
import { RunParameter, whole } from "./parameters.ts";
import { cursorOf, pageOf } from "./run_pages.ts";
import { linked, summaryOf } from "./run_lookup.ts";
import { InputRequest, RunList, RunRequest, type RunStatus, RunSummary } from "./shapes/run.ts";
import type { Wiring } from "./wiring.ts";

/** Runs of one page of the list. */
const PAGE_RUNS = 100;

const SETTLING: readonly RunStatus[] = ["queued", "running"];

/** Adds them. */
export function runRoutes(wiring: Wiring): void {
  startRoute(wiring);
  listRoute(wiring);
  lookRoutes(wiring);
  personRoutes(wiring);
}

function startRoute({ app, deps: { laboratory } }: Wiring): void {
  operation(app, {
    method: "post",
    path: "/api/runs",
    operationId: "startRun",
    tag: "runs",
    summary: "Start a run",
    description: "Runs mainline's cycle, a scenario, a transcript, a live machine or a fork of " +
      "another run. A scripted run follows from what is asked for, so the same request again is " +
      "answered with the run that is there. With `Prefer: wait=n` the answer comes when the run " +
      "has ended or waits for its person, or after n seconds.",
    body: RunRequest,
    bodyExample: { kind: "scenario", name: "v7-hibernate" },
    headers: z.object({
      "Prefer": z.string().optional().openapi({
        description: `\`wait=n\`: seconds to wait, at most ${
          SERVER_LIMITS.waitMilliseconds / 1000
        }.`,
        example: "wait=10",
      }),
    }),
    answers: {
      200: inJson(RunSummary, "The run is there already.", "Location", "Preference-Applied"),
      201: inJson(RunSummary, "It was run while you waited.", "Location", "Preference-Applied"),
      202: inJson(RunSummary, "It runs or waits for its turn.", "Location", "Preference-Applied"),
    },
    problems: [
      "unknown-run",
      "unknown-event",
      "unknown-scenario",
      "wrong-state",
      "not-replayable",
      "too-large",
      "wrong-media-type",
      "not-readable",
      "too-many",
      "stopping",
    ],
  }, async ({ context, body }) => {
    const { summary, created } = await laboratory.start(body);
    const asked = preferredWait(context.req.header("prefer"));
    const most = SERVER_LIMITS.waitMilliseconds / 1000;
    const seconds = asked === undefined ? undefined : Math.min(asked, most);
    const now = seconds === undefined
      ? summary
      : await laboratory.settled(summary.run, seconds * 1000);
    const isUnderWay = seconds === undefined || SETTLING.includes(now.status);
    return jsonAnswer(linked(now), !created ? 200 : isUnderWay ? 202 : 201, {
      "Cache-Control": "no-store",
      "Location": `/api/runs/${now.run}`,
      ...seconds === undefined ? {} : { "Preference-Applied": `wait=${seconds}` },
    });
  });
}

function listRoute({ app, deps: { laboratory } }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs",
    operationId: "listRuns",
    tag: "runs",
    summary: "List runs",
    description: "Latest first, page by page: the next page is where the `Link` header says.",
    query: z.strictObject({
      after: z.string().max(120).optional().openapi({
        description: "Where the page begins: from the `Link` header of the one before.",
        example: "2026-11-21T10:00:00.000Z_df701ee5dfec7ae1",
      }),
      limit: whole({
        min: 1,
        max: SERVER_LIMITS.keptRuns,
        example: 20,
        description: `Runs of a page; ${PAGE_RUNS} unless given.`,
      }).optional(),
    }),
    answers: { 200: inJson(RunList, "A page of runs.", "Link") },
  }, ({ query: { after, limit = PAGE_RUNS } }) => {
    const { runs, last } = pageOf(laboratory.list(), after, limit);
    const next = last === undefined
      ? undefined
      : `/api/runs?after=${encodeURIComponent(cursorOf(last))}&limit=${limit}`;
    return jsonAnswer({ runs: runs.map(linked) }, 200, {
      "Cache-Control": "no-store",
      ...next === undefined ? {} : { "Link": `<${next}>; rel="next"` },
    });
  });
}

function lookRoutes({ app, deps, streams }: Wiring): void {
  const { laboratory } = deps;
  operation(app, {
    method: "get",
    path: "/api/runs/{run}",
    operationId: "getRun",
    tag: "runs",
    summary: "Look at a run",
    description: "Where it stands, how it ended, what the rules say, and where the rest is.",
    params: RunParameter,
    answers: { 200: inJson(RunSummary, "The run.") },
    problems: ["unknown-run"],
  }, ({ params: { run } }) => jsonAnswer(linked(summaryOf(deps, run))));
  operation(app, {
    method: "delete",
    path: "/api/runs/{run}",
    operationId: "removeRun",
    tag: "runs",
    summary: "Remove a run",
    description: "Stops it where it runs and removes all that was kept of it.",
    params: RunParameter,
    answers: { 204: empty("It is gone.") },
    problems: ["unknown-run", "wrong-state"],
  }, async ({ params: { run } }) => {
    summaryOf(deps, run);
    streams.forget(run);
    await laboratory.remove(run);
    return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
  });
  operation(app, {
    method: "post",
    path: "/api/runs/{run}/cancel",
    operationId: "cancelRun",
    tag: "runs",
    summary: "Stop a run",
    description: "Stops it where it is; what was recorded stays.",
    params: RunParameter,
    answers: { 200: inJson(RunSummary, "The run as it was left.") },
    problems: ["unknown-run", "wrong-state"],
  }, async ({ params: { run } }) => {
    summaryOf(deps, run);
    return jsonAnswer(linked(await laboratory.cancel(run)));
  });
}

function personRoutes({ app, deps }: Wiring): void {
  operation(app, {
    method: "post",
    path: "/api/runs/{run}/input",
    operationId: "inputToRun",
    tag: "runs",
    summary: "Do something at a live machine",
    description: "A line for the prompt that waits, or with `#` before it what the person does: " +
      "`# power on`, `# boot B`, `# pull the plug`. The answer comes when the machine waits for " +
      "the next, or the run ended.",
    params: RunParameter,
    body: InputRequest,
    bodyExample: { text: "# power on" },
    answers: { 200: inJson(RunSummary, "The run after it.") },
    problems: [
      "unknown-run",
      "wrong-state",
      "not-readable",
      "too-large",
      "wrong-media-type",
      "too-many",
      "stopping",
    ],
  }, async ({ params: { run }, body: { text } }) => {
    summaryOf(deps, run);
    return jsonAnswer(linked(await deps.laboratory.input(run, text)));
  });
}
