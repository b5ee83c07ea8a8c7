/**
 * `Server-Timing`: what an answer took, for the browser's own panel. Streams have none, since
 * theirs would tell of their beginning only.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { timing, wrapTime } from "hono/timing";
import type { Environment } from "./operation.ts";

/** What an answer can take time for. */
export type Work = "load" | "check" | "export" | "replay";

/** Tells the times of answers. */
export function timings(): MiddlewareHandler<Environment> {
  return timing({ enabled: (context) => context.get("timed") !== false });
}

/** Measures a part of the work of an answer. */
export function timed<T>(context: Context<Environment>, work: Work, done: Promise<T>): Promise<T> {
  return wrapTime(context, work, done);
}

/** Tells no time of this answer. */
export function untimed(context: Context<Environment>): void {
  context.set("timed", false);
}
