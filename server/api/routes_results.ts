/**
 * What came of a run: the rules' verdicts as they fell, the report, other forms, blobs.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ProblemError } from "../problem.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import { BYTES, empty, inForms, TEXT } from "./answers.ts";
import { fileAnswer, fileBytes } from "./file_answer.ts";
import { forGood, freshnessHeaders, freshnessOf, notModified } from "./freshness.ts";
import { preferredType } from "./negotiation.ts";
import { operation } from "./operation.ts";
import { RangeHeaders, RunParameter, TagHeaders } from "./parameters.ts";
import { storedOf } from "./run_lookup.ts";
import { ExportForm } from "./shapes/catalogue.ts";
import { timed } from "./timing.ts";
import { wholeLineBytes } from "./whole_lines.ts";
import type { Wiring } from "./wiring.ts";

const NDJSON = "application/x-ndjson";

/** Forms of the report and what they are sent as. */
const REPORTS = {
  json: "application/json",
  text: "text/plain",
  junit: "application/xml",
} as const;

type ReportForm = keyof typeof REPORTS;

const REPORT_FORMS: readonly ReportForm[] = ["json", "text", "junit"];

/** Adds them. */
export function resultRoutes(wiring: Wiring): void {
  verdictRoute(wiring);
  reportRoute(wiring);
  exportRoute(wiring);
  blobRoute(wiring);
}

function verdictRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/verdicts",
    operationId: "getVerdicts",
    tag: "results",
    summary: "Get the verdicts as they fell",
    description: "One line for each rule at each event that it judged, as far as the run went.",
    params: RunParameter,
    headers: RangeHeaders,
    answers: {
      200: inForms({ [NDJSON]: TEXT }, "Lines, each a VerdictMark.", "ETag", "Accept-Ranges"),
      206: inForms({ [NDJSON]: TEXT }, "A part of them.", "ETag", "Content-Range"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "wrong-range"],
  }, async ({ context, params: { run } }) => {
    const { folder, summary } = storedOf(deps, run);
    const freshness = freshnessOf(summary, "verdicts", deps.settings);
    const same = notModified(context, freshness);
    if (same !== undefined) return same;
    const path = `${folder}/${RUN_FILES.verdicts}`;
    const bytes = await wholeLineBytes(path);
    return fileAnswer(context, { path, bytes, mediaType: NDJSON }, freshness);
  });
}

/** The form that is asked for, by the query or else by `Accept`. */
function reportForm(context: Context, given: ReportForm | undefined): ReportForm {
  if (given !== undefined) return given;
  const offers = [...REPORT_FORMS.map((form) => REPORTS[form]), "text/xml"];
  const type = preferredType(context.req.header("accept"), offers);
  if (type === "text/xml") return "junit";
  const form = REPORT_FORMS.find((each) => REPORTS[each] === type);
  if (form !== undefined) return form;
  throw new ProblemError(
    "not-acceptable",
    `A report can be had as ${offers.join(", ")}, or by 'form'`,
  );
}

function reportRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/report",
    operationId: "getReport",
    tag: "results",
    summary: "Get the report of the rules",
    description: "How often each rule held, where it was broken, and what nothing exercised, as " +
      "JSON, text or JUnit, by `form` or by `Accept`.",
    params: RunParameter,
    query: z.strictObject({
      form: z.enum(["json", "text", "junit"]).optional().openapi({
        description: "The form; it wins over `Accept`.",
        example: "text",
      }),
    }),
    headers: TagHeaders.extend({
      "Accept": z.string().optional().openapi({
        description: "The form that is wanted.",
        example: "application/json",
      }),
    }),
    answers: {
      200: inForms(
        {
          [REPORTS.json]: z.object({}).catchall(z.unknown()).openapi("Report"),
          [REPORTS.text]: TEXT,
          [REPORTS.junit]: TEXT,
        },
        "The report.",
        "ETag",
      ),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "not-acceptable", "too-many"],
  }, async ({ context, params: { run }, query }) => {
    const stored = storedOf(deps, run);
    const form = reportForm(context, query.form);
    const freshness = freshnessOf(stored.summary, `report ${form}`, deps.settings);
    const same = notModified(context, freshness, "Accept");
    if (same !== undefined) return same;
    const made = deps.desk.report(stored, form, context.req.raw.signal);
    const text = await timed(context, "check", made);
    const charset = form === "json" ? "" : "; charset=utf-8";
    return new Response(text, {
      headers: {
        "Content-Type": `${REPORTS[form]}${charset}`,
        "Vary": "Accept",
        ...freshnessHeaders(freshness),
      },
    });
  });
}

function exportRoute({ app, deps }: Wiring): void {
  const forms = {
    "application/json": BYTES,
    "application/x-ndjson": BYTES,
    "application/x-pcapng": BYTES,
    "text/plain": BYTES,
    "text/html": BYTES,
  };
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/export/{form}",
    operationId: "exportRun",
    tag: "results",
    summary: "Get a run for another tool",
    description: "As a file that Perfetto, an OpenTelemetry collector, ShiViz, Mermaid, PlantUML " +
      "or Wireshark opens, as NDJSON, or as one HTML file.",
    params: RunParameter.extend({
      form: ExportForm.openapi({
        description: "The tool's form.",
        param: { name: "form", in: "path", example: "perfetto" },
      }),
    }),
    headers: RangeHeaders,
    answers: {
      200: inForms(forms, "The file.", "ETag", "Accept-Ranges", "Content-Disposition"),
      206: inForms(forms, "A part of it.", "ETag", "Content-Range"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "too-large", "too-many", "wrong-range", "wrong-state"],
  }, async ({ context, params: { run, form } }) => {
    const stored = storedOf(deps, run);
    const freshness = freshnessOf(stored.summary, `export ${form}`, deps.settings);
    const same = notModified(context, freshness);
    if (same !== undefined) return same;
    const file = await timed(context, "export", deps.desk.export(stored, form));
    return fileAnswer(context, file, freshness);
  });
}

function blobRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/blobs/{sha256}",
    operationId: "getBlob",
    tag: "results",
    summary: "Get bytes that an event names",
    description: "What stands in an event's `blob`, without its `sha256:`.",
    params: RunParameter.extend({
      sha256: z.string().regex(/^[0-9a-f]{64}$/).openapi({
        description: "Digest of the bytes.",
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      }),
    }),
    headers: RangeHeaders,
    answers: {
      200: inForms({ "application/octet-stream": BYTES }, "The bytes.", "ETag", "Accept-Ranges"),
      206: inForms({ "application/octet-stream": BYTES }, "A part.", "ETag", "Content-Range"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "unknown-blob", "wrong-range"],
  }, async ({ context, params: { run, sha256 } }) => {
    const { folder } = storedOf(deps, run);
    const freshness = forGood(sha256, deps.settings);
    const same = notModified(context, freshness);
    if (same !== undefined) return same;
    const path = `${folder}/${RUN_FILES.blobs}/${sha256}`;
    const bytes = await fileBytes(path);
    if (bytes === undefined) {
      throw new ProblemError("unknown-blob", "No event of the run names bytes of that digest");
    }
    return fileAnswer(context, { path, bytes, mediaType: "application/octet-stream" }, freshness);
  });
}
