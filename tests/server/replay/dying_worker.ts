/**
 * A worker that dies of questions about event 13, and answers all others with what it was asked.
 * Event 7 is answered only when somebody asks for it to be dropped.
 */
/// <reference lib="deno.worker" />
import type { ToWorker } from "../../../server/replay/requests.ts";

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "drop") self.postMessage({ kind: "answer", id: data.id, answer: "late" });
  if (data.kind !== "ask") return;
  const { id, at, question, run } = data.request;
  if (at === 13) throw new Error("a defect at /some/path/of/the/host");
  if (at !== 7) self.postMessage({ kind: "answer", id, answer: { at, question, run } });
};
