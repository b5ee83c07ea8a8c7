/**
 * Where what is made of a run lies, and what it is called outside.
 *
 * @module
 */
import { type Exporter, EXPORTERS } from "../../machine/trace/exporters/exporters.ts";
import type { ExportForm } from "../api/shapes/catalogue.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import type { ReportForm, TraceRef } from "./job.ts";

/** What a form is called outside. */
export type FormFacts = Pick<Exporter, "mediaType" | "extension">;

const REPORT_ENDS: Readonly<Record<ReportForm, string>> = {
  json: "json",
  text: "txt",
  junit: "xml",
};

/** Media type and extension of each form. */
export function formFacts(form: ExportForm): FormFacts {
  return form === "html" ? { mediaType: "text/html", extension: "html" } : EXPORTERS[form];
}

/** Of a run that goes on it has another name, because it is not the last. */
function named({ folder, ended }: TraceRef, name: string, end: string): string {
  return `${folder}/${RUN_FILES.exports}/${name}${ended ? "" : "-so-far"}.${end}`;
}

/** Where a run's export lies. */
export function exportPath(trace: TraceRef, form: ExportForm): string {
  return named(trace, form, formFacts(form).extension.split(".").at(-1) ?? form);
}

/** Where a run's report lies, once it has ended. */
export function reportPath(trace: TraceRef, form: ReportForm): string {
  return named(trace, "report", REPORT_ENDS[form]);
}
