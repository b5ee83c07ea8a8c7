/**
 * Files from elsewhere: a trace or log to be judged and looked at as a run, an image to be looked
 * into. They are received in a folder of the server's, counted as they come.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { receiveFile, type UploadLimit } from "../guard/upload.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import { inJson, jsonAnswer } from "./answers.ts";
import { operation } from "./operation.ts";
import { linked } from "./run_lookup.ts";
import { Inspection } from "./shapes/catalogue.ts";
import { RunSummary } from "./shapes/run.ts";
import { timed } from "./timing.ts";
import type { Wiring } from "./wiring.ts";

/** Media types that say that a body is no file but has files in it. */
const FORMS = /^(?:multipart\/|application\/x-www-form-urlencoded)/i;

/** Receives uploads, only so many at a time, and removes what nobody took. */
class Reception {
  readonly #folder: string;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async receive<T>(
    request: Request,
    limit: UploadLimit,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    if (FORMS.test(request.headers.get("content-type") ?? "")) {
      throw new ProblemError(
        "wrong-media-type",
        "Send the file itself as the body, with 'Content-Type: application/octet-stream'",
      );
    }
    const max = SERVER_LIMITS.openUploads;
    if (this.#count >= max) {
      throw new ProblemError("too-many", `At most ${max} uploads are taken at one time`, {
        limit: { name: "openUploads", max },
        retryAfter: 5,
      });
    }
    this.#count++;
    try {
      await Deno.mkdir(this.#folder, { recursive: true });
      const path = `${this.#folder}/${crypto.randomUUID()}`;
      try {
        await receiveFile(request, path, limit);
        return await use(path);
      } finally {
        await removeIfThere(path);
      }
    } finally {
      this.#count--;
    }
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const UploadHeaders = z.object({
  "Content-Encoding": z.string().optional().openapi({
    description: "`gzip` where the file is packed for the way.",
    example: "gzip",
  }),
});

/** Adds them. */
export function uploadRoutes({ app, deps }: Wiring): void {
  const reception = new Reception(`${deps.settings.folder}/uploads`);
  operation(app, {
    method: "post",
    path: "/api/traces",
    operationId: "uploadTrace",
    tag: "uploads",
    summary: "Give a trace or log of another machine",
    description: "The file is the body. It becomes a run with events, report and exports; a log " +
      "of a real Linux (serial console, ftrace, monitor) is read as well as a trace.",
    query: z.strictObject({
      name: z.string().min(1).max(120).optional().openapi({
        description: "What it is to be called.",
        example: "serial.log",
      }),
    }),
    headers: UploadHeaders,
    upload: true,
    answers: { 201: inJson(RunSummary, "The run that it became.", "Location") },
    problems: ["too-large", "wrong-media-type", "not-readable", "too-many", "stopping"],
  }, async ({ context, query: { name = "upload" } }) => {
    const summary = await reception.receive(
      context.req.raw,
      "traceUploadBytes",
      (path) => timed(context, "load", deps.laboratory.importTrace(path, name)),
    );
    return jsonAnswer(linked(summary), 201, {
      "Cache-Control": "no-store",
      "Location": `/api/runs/${summary.run}`,
    });
  });
  operation(app, {
    method: "post",
    path: "/api/images/inspect",
    operationId: "inspectImage",
    tag: "uploads",
    summary: "Look into an image",
    description: "The file is the body: an ELF image, a disk, a trace, a kernel. What it is and " +
      "what its headers say; nothing of it is kept.",
    headers: UploadHeaders,
    upload: true,
    answers: { 200: inJson(Inspection, "What it is.") },
    problems: ["too-large", "wrong-media-type", "not-readable", "too-many", "stopping"],
  }, async ({ context }) => {
    const found = await reception.receive(
      context.req.raw,
      "imageUploadBytes",
      (path) => timed(context, "load", deps.desk.inspect(path, context.req.raw.signal)),
    );
    return jsonAnswer(found);
  });
}
