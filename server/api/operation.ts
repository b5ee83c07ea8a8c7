/**
 * Operations: a path, a method, what is taken and what is answered, declared once. From the one
 * declaration come the route, its checks and its part of the OpenAPI document, so that there is no
 * route that is not documented.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { readJson } from "../guard/body.ts";
import type { ProblemName } from "../problem.ts";
import { type AnswerDocument, BYTES, inProblems } from "./answers.ts";
import { type Place, validationProblem } from "./problems.ts";

/** What is set on requests on their way. */
export interface Environment {
  Variables: {
    /** Whether the time that the answer took is told in its head: not of streams. */
    timed?: boolean;
  };
}

/** The application. */
export type Api = OpenAPIHono<Environment>;

/** Groups of operations in the document. */
export const TAGS = {
  runs: "Machines that run or ran: start, list, stop, remove.",
  events: "The trace of a run: streams, single events, search, steps.",
  moments: "The whole machine at an event: actors, memory, disk, images.",
  results: "What came of a run: verdicts of the rules, report, exports, blobs.",
  uploads: "Files from elsewhere.",
  catalogue: "What the laboratory has: scenarios, protocols, rules.",
  service: "The server itself and its page.",
} as const;

/** A group of operations. */
export type Tag = keyof typeof TAGS;

/** No parameters. */
const Nothing = z.object({});
/** Where nothing is taken, nothing may be given. */
const NoQuery = z.strictObject({});

/** What a request holds, checked. */
export interface Asked<P, Q, B> {
  readonly context: Context<Environment>;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** Declaration of an operation. */
export interface Operation<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  readonly params?: P;
  readonly query?: Q;
  /** Whether the query is only documented and read by somebody else. */
  readonly queryUnread?: boolean;
  /** A JSON body. */
  readonly body?: B;
  readonly bodyExample?: z.input<B>;
  /** Request headers, for the document. */
  readonly headers?: z.ZodObject;
  /** Whether the body is a file. */
  readonly upload?: boolean;
  readonly answers: Readonly<Record<number, AnswerDocument>>;
  /** Problems besides those that any path has. */
  readonly problems?: readonly ProblemName[];
}

function checked<T extends z.ZodType>(
  place: Place,
  schema: T | undefined,
  value: unknown,
): z.output<T> | undefined {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (!result.success) throw validationProblem(place, result.error);
  return result.data;
}

/** Query as a record; what is given more than once is a list, which no schema here takes. */
function queryOf(context: Context): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => {
      const [first = ""] = values;
      return [name, values.length === 1 ? first : values];
    }),
  );
}

function bodyDocument(body: z.ZodType | undefined, example: unknown, upload: boolean) {
  if (body !== undefined) {
    const content = { schema: body, ...example === undefined ? {} : { example } };
    return { body: { required: true, content: { "application/json": content } } };
  }
  if (!upload) return {};
  return { body: { required: true, content: { "application/octet-stream": { schema: BYTES } } } };
}

/** Adds an operation to the application and to its document. */
export function operation<
  P extends z.ZodObject = typeof Nothing,
  Q extends z.ZodObject = typeof Nothing,
  B extends z.ZodType = typeof Nothing,
>(
  app: Api,
  declaration: Operation<P, Q, B>,
  handle: (
    asked: Asked<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Response | Promise<Response>,
): void {
  const { method, path, operationId, tag, summary, description, answers, problems = [] } =
    declaration;
  const { params, query, headers, body, upload = false, queryUnread = false } = declaration;
  const route = createRoute({
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    description,
    request: {
      ...params === undefined ? {} : { params },
      ...query === undefined ? {} : { query },
      ...headers === undefined ? {} : { headers },
      ...bodyDocument(body, declaration.bodyExample, upload),
    },
    responses: { ...answers, ...inProblems(problems) },
  });
  app.openAPIRegistry.registerPath(route);
  app.on([method], [route.getRoutingPath()], async (context) => {
    const nothing = Object.create(null);
    return await handle({
      context,
      params: checked("path", params, context.req.param()) ?? nothing,
      query: queryUnread ? nothing : checked("query", query ?? NoQuery, queryOf(context)),
      body: body === undefined ? nothing : checked("body", body, await readJson(context.req.raw)),
    });
  });
}
