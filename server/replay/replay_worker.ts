/**
 * The worker that replays runs: it may read the project and the runs, and write beside the runs.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { replayPlan } from "../runs/replay_plan.ts";
import { serveReplays } from "./replay_service.ts";

serveReplays(self, replayPlan);
