/**
 * Files as answers: with tags, single ranges, and read only as fast as the client takes them. A
 * file is opened when its first byte is wanted and closed when the client has it all or goes.
 *
 * @module
 */
import type { Context } from "hono";
import { attachment } from "../guard/attachment.ts";
import { ProblemError } from "../problem.ts";
import { isHead } from "./answers.ts";
import { parseByteRange } from "./byte_range.ts";
import { type Freshness, freshnessHeaders } from "./freshness.ts";
import { problemAnswer } from "./problems.ts";

/** Bytes read in one go. */
const PIECE_BYTES = 262_144;

/** A file to answer with. */
export interface AnsweredFile {
  readonly path: string;
  /** How many of its bytes; the file may be longer. */
  readonly bytes: number;
  readonly mediaType: string;
  /** Where a browser is to save it: the name. */
  readonly fileName?: string;
}

/** A part of a file, read as it is taken. */
export function fileStream(
  path: string,
  start: number,
  end: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let file: Deno.FsFile | undefined;
  let at = start;
  const close = (): void => {
    file?.close();
    file = undefined;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        if (at >= end) {
          close();
          controller.close();
          return;
        }
        if (file === undefined) {
          file = await Deno.open(path);
          await file.seek(at, Deno.SeekMode.Start);
        }
        const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
        const count = await file.read(piece);
        if (count === null) throw new Error("A file became shorter while it was sent");
        at += count;
        controller.enqueue(piece.subarray(0, count));
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/** Answers with a file, or with the range of it that is asked for. */
export function fileAnswer(
  context: Context,
  file: AnsweredFile,
  freshness: Freshness,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { path, bytes, mediaType, fileName } = file;
  const condition = context.req.header("if-range");
  const isMeant = condition === undefined || condition === freshness.tag;
  const asked = context.req.method === "GET" && isMeant ? context.req.header("range") : undefined;
  const range = parseByteRange(asked, bytes);
  if (range === "wrong") {
    const problem = new ProblemError("wrong-range", "Ask for bytes that the file has");
    return problemAnswer(context, problem, { "Content-Range": `bytes */${bytes}` });
  }
  const { start, end } = range === "whole" ? { start: 0, end: bytes } : range;
  const body = isHead(context) ? null : fileStream(path, start, end);
  return new Response(body, {
    status: range === "whole" ? 200 : 206,
    headers: {
      "Content-Type": mediaType,
      "Content-Length": String(end - start),
      "Accept-Ranges": "bytes",
      ...freshnessHeaders(freshness),
      ...fileName === undefined ? {} : { "Content-Disposition": attachment(fileName) },
      ...range === "whole" ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${bytes}` },
      ...headers,
    },
  });
}

/** Bytes of a file; `undefined` where there is none. */
export async function fileBytes(path: string): Promise<number | undefined> {
  try {
    const { isFile, size } = await Deno.stat(path);
    return isFile ? size : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
