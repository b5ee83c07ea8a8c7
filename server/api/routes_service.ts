/**
 * The server itself: its document, its health, what its problems mean, the files of its page.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import { BYTES, empty, inForms, inJson, isHead, jsonAnswer, TEXT } from "./answers.ts";
import { type DocumentVersion, openApiText } from "./document.ts";
import { forNow, freshnessHeaders, notModified } from "./freshness.ts";
import { preferredType } from "./negotiation.ts";
import { operation } from "./operation.ts";
import { TagHeaders } from "./parameters.ts";
import { problemPage } from "./problem_pages.ts";
import { Natural } from "./shapes/run.ts";
import type { Wiring } from "./wiring.ts";

const Health = z.object({
  ok: z.literal(true),
  /** Runs that run or wait for their turn. */
  busy: Natural,
  /** Runs that are kept. */
  runs: Natural,
  /** Streams that are open. */
  streams: Natural,
}).openapi("Health");

const ProblemPage = z.object({
  name: z.string(),
  status: z.number().int(),
  title: z.string(),
  explanation: z.string(),
}).openapi("ProblemPage");

const SAME = empty("The client has what would be answered.", "ETag");

/** Adds them. */
export function serviceRoutes(wiring: Wiring): void {
  documentRoute(wiring);
  healthRoute(wiring);
  problemRoute(wiring);
  for (const path of wiring.deps.page.files.keys()) pageRoute(wiring, path);
}

function documentRoute({ app }: Wiring): void {
  const texts = new Map<DocumentVersion, string>();
  operation(app, {
    method: "get",
    path: "/openapi.json",
    operationId: "getDocument",
    tag: "service",
    summary: "Get this document",
    description: "In OpenAPI 3.1, or with `v=3.2` in 3.2, which also says what streams consist of.",
    query: z.strictObject({
      v: z.enum(["3.1", "3.2"]).optional().openapi({ description: "Version.", example: "3.2" }),
    }),
    headers: TagHeaders,
    answers: {
      200: inJson(z.object({}).catchall(z.unknown()), "The document.", "ETag"),
      304: SAME,
    },
  }, ({ context, query: { v = "3.1" } }) => {
    const text = texts.get(v) ?? openApiText(app, v);
    texts.set(v, text);
    const freshness = forNow(text);
    return notModified(context, freshness) ?? new Response(text, {
      headers: { "Content-Type": "application/json", ...freshnessHeaders(freshness) },
    });
  });
}

function healthRoute({ app, deps: { laboratory }, streams }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/healthz",
    operationId: "getHealth",
    tag: "service",
    summary: "Ask whether the server is well",
    description: `It answers, so it is. At most ${SERVER_LIMITS.openStreams} streams can be open.`,
    answers: { 200: inJson(Health, "It is.") },
  }, () => {
    const runs = laboratory.list();
    const busy = runs.filter(({ status }) => status === "queued" || status === "running").length;
    return jsonAnswer({ ok: true, busy, runs: runs.length, streams: streams.count });
  });
}

function problemRoute({ app }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/problems/{problem}",
    operationId: "getProblem",
    tag: "service",
    summary: "Read what a problem means",
    description: "What stands behind the `type` of a problem, as text or JSON by `Accept`.",
    params: z.object({
      problem: z.string().openapi({ description: "Its name.", example: "unknown-run" }),
    }),
    headers: TagHeaders,
    answers: {
      200: inForms({ "text/plain": TEXT, "application/json": ProblemPage }, "It.", "ETag"),
      304: SAME,
    },
    problems: ["unknown-path", "not-acceptable"],
  }, ({ context, params: { problem } }) => {
    const page = problemPage(problem);
    if (page === undefined) {
      throw new ProblemError("unknown-path", "No problem has this name; /openapi.json lists all");
    }
    const offers = ["text/plain", "application/json"];
    const type = preferredType(context.req.header("accept"), offers);
    if (type === undefined) {
      throw new ProblemError("not-acceptable", `It can be had as ${offers.join(" or ")}`);
    }
    const { name, status, title, explanation } = page;
    const isText = type === "text/plain";
    const text = isText
      ? `${title} (${name}, status ${status})\n\n${explanation}\n`
      : JSON.stringify(page);
    const freshness = forNow(text);
    return notModified(context, freshness, "Accept") ?? new Response(text, {
      headers: {
        "Content-Type": isText ? "text/plain; charset=utf-8" : type,
        "Vary": "Accept",
        ...freshnessHeaders(freshness),
      },
    });
  });
}

function pageRoute({ app, deps: { page } }: Wiring, path: string): void {
  const file = page.files.get(path);
  if (file === undefined) return;
  const name = path.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_|_$/g, "");
  operation(app, {
    method: "get",
    path,
    operationId: `getPage${name === "" ? "" : `_${name}`}`,
    tag: "service",
    summary: path === "/" ? "Open the page" : `Get the page's ${path.slice(1)}`,
    description: "A file of the page, made when the server started.",
    headers: TagHeaders,
    // Links that others made may carry a query of theirs.
    queryUnread: true,
    answers: {
      200: inForms({ [file.mediaType.split(";")[0] ?? ""]: BYTES }, "The file.", "ETag"),
      304: SAME,
    },
  }, ({ context }) => {
    const freshness = { tag: `"${file.digest}"`, control: "no-cache" };
    return notModified(context, freshness) ?? new Response(isHead(context) ? null : file.body, {
      headers: {
        "Content-Type": file.mediaType,
        "Content-Length": String(file.body.length),
        ...freshnessHeaders(freshness),
      },
    });
  });
}
