/**
 * What a path answers, as the OpenAPI document tells it, and answers in JSON.
 *
 * @module
 */
import type { Context } from "hono";
import type { z } from "@hono/zod-openapi";
import { type ProblemName, PROBLEMS } from "../problem.ts";
import { Problem } from "./shapes/catalogue.ts";
import { PROBLEM_TYPE } from "./problems.ts";

/** A header of an answer, in the document. */
interface HeaderDocument {
  readonly description: string;
  readonly schema: { readonly type: "string" | "integer" };
}

/** An answer in the document. */
export interface AnswerDocument {
  readonly description: string;
  readonly headers?: Readonly<Record<string, HeaderDocument>>;
  readonly content?: Readonly<Record<string, { readonly schema: z.ZodType | TextSchema }>>;
}

/** A schema that is no zod schema. */
interface TextSchema {
  type: "string";
  description?: string;
  contentMediaType?: string;
}

/** Text or bytes in the document. */
export const TEXT: TextSchema = { type: "string" };
/** Bytes in the document. */
export const BYTES: TextSchema = { type: "string", contentMediaType: "application/octet-stream" };

/** Headers of answers by name. */
export const HEADERS: Readonly<Record<string, HeaderDocument>> = {
  "Location": { description: "Path of the run.", schema: { type: "string" } },
  "ETag": { description: "Names what was answered; of ended runs.", schema: { type: "string" } },
  "Link": {
    description: 'Where the next page is, as `<…>; rel="next"` (RFC 8288).',
    schema: { type: "string" },
  },
  "Allow": { description: "Methods that the path knows.", schema: { type: "string" } },
  "Accept-Ranges": { description: "`bytes`.", schema: { type: "string" } },
  "Content-Range": {
    description: "Which bytes these are, of how many.",
    schema: { type: "string" },
  },
  "Content-Disposition": {
    description: "The name under which a browser saves it.",
    schema: { type: "string" },
  },
  "Retry-After": { description: "Seconds after which to come again.", schema: { type: "integer" } },
  "Preference-Applied": {
    description: "Which preference was followed (RFC 7240).",
    schema: { type: "string" },
  },
};

function headersOf(names: readonly string[]): Pick<AnswerDocument, "headers"> {
  const entries = names.flatMap((name) => {
    const header = HEADERS[name];
    return header === undefined ? [] : [[name, header] as const];
  });
  return entries.length === 0 ? {} : { headers: Object.fromEntries(entries) };
}

/** An answer in JSON. */
export function inJson(
  schema: z.ZodType,
  description: string,
  ...headers: readonly string[]
): AnswerDocument {
  return { description, content: { "application/json": { schema } }, ...headersOf(headers) };
}

/** An answer in other media types. */
export function inForms(
  schemas: Readonly<Record<string, z.ZodType | TextSchema>>,
  description: string,
  ...headers: readonly string[]
): AnswerDocument {
  const content = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, { schema }]),
  );
  return { description, content, ...headersOf(headers) };
}

/** An answer without a body. */
export function empty(description: string, ...headers: readonly string[]): AnswerDocument {
  return { description, ...headersOf(headers) };
}

/** What any path may answer. */
const ALWAYS: readonly ProblemName[] = [
  "bad-request",
  "token-required",
  "foreign-host",
  "foreign-origin",
  "internal",
];

/** The answers to problems, by status. */
export function inProblems(names: readonly ProblemName[]): Record<string, AnswerDocument> {
  const byStatus: Record<string, ProblemName[]> = {};
  for (const name of new Set([...ALWAYS, ...names])) {
    (byStatus[PROBLEMS[name].status] ??= []).push(name);
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, each]) => [status, {
      description: each.map((name) => `${PROBLEMS[name].title} (\`${name}\`).`).join(" "),
      content: { [PROBLEM_TYPE]: { schema: Problem } },
      ...headersOf(status === "429" ? ["Retry-After"] : status === "416" ? ["Content-Range"] : []),
    }]),
  );
}

/** Answers in JSON. */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = { "Cache-Control": "no-store" },
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

/** Whether only the head of an answer is wanted; bodies are then not to be opened. */
export function isHead(context: Context): boolean {
  return context.req.method === "HEAD";
}
