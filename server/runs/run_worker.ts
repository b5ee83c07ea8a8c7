/**
 * Entry of a run's worker: takes one job, does it, and is ended by the server's thread. What goes
 * wrong here reaches that thread as the worker's error.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { importJob } from "./import_job.ts";
import { Inbox } from "./inbox.ts";
import { runJob } from "./run_job.ts";
import type { FromWorker, ToWorker } from "./run_messages.ts";

const inbox = new Inbox();
const post = (message: FromWorker): void => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.job === "run") void runJob(data, inbox, post);
  else if (data.job === "import") void importJob(data, inbox, post);
  else inbox.put(data);
});
