/**
 * Says what an uploaded file is, in the words of `inspect`, without the name the server gave it.
 *
 * @module
 */
import { FormatError, LimitError, UsageError } from "../../machine/errors.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import type { Inspection } from "../api/shapes/catalogue.ts";
import { ProblemError } from "../problem.ts";
import { inspectFile } from "../terminal/inspect.ts";
import { inspectionText } from "../terminal/inspection.ts";

/** What the file is called to whoever sent it. */
const NAME = "the file";

/** Puts {@linkcode NAME} where the path stands. */
function nameless(text: string, path: string): string {
  return text.replaceAll(`'${path}'`, NAME).replaceAll(path, NAME);
}

function offsetOf(error: unknown): { readonly offset?: number } {
  const cause = error instanceof UsageError ? error.cause : error;
  return cause instanceof FormatError ? { offset: cause.offset } : {};
}

/** Whether an error speaks of the file and not of us. */
function isOfFile(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof FormatError ||
    error instanceof TraceError || error instanceof LimitError;
}

/**
 * Looks at a file.
 *
 * @throws {ProblemError} not-readable, with the offset where the format tells one.
 */
export function inspectUpload(path: string): Inspection {
  try {
    const found = inspectFile(path);
    const sections = found.sections.map(({ title, rows }) => ({
      title,
      rows: rows.map(([name, value]) => ({ name, value: nameless(value, path) })),
    }));
    return {
      format: found.kind,
      text: nameless(inspectionText(NAME, found), path),
      value: { kind: found.kind, about: nameless(found.about, path), sections },
    };
  } catch (error) {
    if (!isOfFile(error)) throw error;
    throw new ProblemError("not-readable", nameless(error.message, path), offsetOf(error));
  }
}
