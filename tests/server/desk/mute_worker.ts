/**
 * A worker for tests: hears everything and says nothing, but for files called `loud`.
 *
 * @module
 */
/// <reference lib="webworker" />
import type { Order } from "../../../server/desk/job.ts";

self.onmessage = ({ data }: MessageEvent<Order>): void => {
  if ("flag" in data || data.job.do !== "inspect") return;
  if (data.job.path === "crash") throw new Error("crashed");
  if (data.job.path !== "loud") return;
  const inspection = { format: "loud", text: "", value: null };
  self.postMessage({ id: data.id, answer: { did: "inspect", inspection } });
};
