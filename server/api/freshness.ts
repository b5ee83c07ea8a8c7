/**
 * How long an answer about a run holds. A run that finished never changes: its answers have a
 * strong tag made of the trace's digest and are kept for good. One that ended otherwise may be run
 * anew under its name, so its answers are asked for again each time. One that goes on is not kept.
 *
 * Tags are compared before anything is read.
 *
 * @module
 */
import type { Context } from "hono";
import { sha256 } from "../../machine/digest.ts";
import type { ServerSettings } from "../deps.ts";
import type { RunStatus, RunSummary } from "./shapes/run.ts";

/** See the module's header. */
export interface Freshness {
  /** With its quotes. */
  readonly tag?: string;
  readonly control: string;
}

const ENDED: readonly RunStatus[] = ["finished", "failed", "cancelled", "interrupted"];

/** Whether no more will come of a run. */
export function hasEnded(summary: Pick<RunSummary, "status">): boolean {
  return ENDED.includes(summary.status);
}

/** What never changes. */
export function forGood(tag: string, settings: ServerSettings): Freshness {
  const who = settings.token === undefined ? "public" : "private";
  return { tag: `"${tag}"`, control: `${who}, max-age=31536000, immutable` };
}

/** What may change between two starts of the server; nothing in it is a secret of a run. */
export function forNow(text: string): Freshness {
  return { tag: `"${sha256(text).slice(0, 32)}"`, control: "no-cache" };
}

/**
 * Freshness of an answer about a run.
 *
 * @param what names the answer among those of its path: form and query; empty for the trace itself.
 */
export function freshnessOf(
  summary: RunSummary,
  what: string,
  settings: ServerSettings,
): Freshness {
  if (!hasEnded(summary)) return { control: "no-store" };
  const { run, status, created, events, vt, sha256: digest } = summary;
  const suffix = what === "" ? "" : `-${sha256(what).slice(0, 16)}`;
  if (status === "finished" && digest !== undefined) return forGood(digest + suffix, settings);
  const state = sha256(JSON.stringify([run, status, created, events, vt]));
  return { tag: `"${state.slice(0, 32)}${suffix}"`, control: "no-cache" };
}

/** Headers that tell it. */
export function freshnessHeaders({ tag, control }: Freshness): Record<string, string> {
  return { "Cache-Control": control, ...tag === undefined ? {} : { "ETag": tag } };
}

/** Whether a list of tags has one, weak or strong (RFC 9110, 13.1.2). */
export function hasTag(list: string | undefined, tag: string): boolean {
  return (list ?? "").split(",").some((each) => each.trim().replace(/^W\//, "") === tag);
}

/** The answer 304 where the client has what would be answered. */
export function notModified(
  context: Context,
  freshness: Freshness,
  vary?: string,
): Response | undefined {
  const { tag } = freshness;
  if (tag === undefined || !hasTag(context.req.header("if-none-match"), tag)) return undefined;
  return new Response(null, {
    status: 304,
    headers: { ...freshnessHeaders(freshness), ...vary === undefined ? {} : { "Vary": vary } },
  });
}
