/**
 * JSON bodies: only as JSON, only so long, only so deep. The length is counted while the body is
 * read and the depth while it is still text, so that neither costs memory or stack.
 *
 * @module
 */
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_RECORD = 0x7b;
const CLOSE_RECORD = 0x7d;

function checkType(headers: Headers): void {
  if (!JSON_TYPE.test(headers.get("content-type") ?? "")) {
    throw new ProblemError("wrong-media-type", "Send JSON with 'Content-Type: application/json'");
  }
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new ProblemError("wrong-media-type", "Send JSON without a Content-Encoding");
  }
}

function tooLong(): ProblemError {
  const max = SERVER_LIMITS.jsonBytes;
  return new ProblemError("too-large", `A JSON body may have at most ${max} bytes`, {
    limit: { name: "jsonBytes", max },
  });
}

/** The whole body; reading stops as soon as it is too long. */
async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? "0") > SERVER_LIMITS.jsonBytes) {
    await request.body?.cancel();
    throw tooLong();
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop by an error cancels the body.
  for await (const piece of request.body ?? []) {
    length += piece.length;
    if (length > SERVER_LIMITS.jsonBytes) throw tooLong();
    pieces.push(piece);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Refuses what is nested deeper than the limit. Whether it is JSON at all is not looked at. */
function checkDepth(bytes: Uint8Array): void {
  const max = SERVER_LIMITS.jsonDepth;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
      continue;
    }
    if (byte === QUOTE) quoted = true;
    else if (byte === OPEN_LIST || byte === OPEN_RECORD) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_RECORD) depth--;
    if (depth > max) {
      throw new ProblemError("too-large", `JSON may be nested at most ${max} deep`, {
        limit: { name: "jsonDepth", max },
        offset: at,
      });
    }
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ProblemError("bad-request", "The body is not UTF-8; JSON is always UTF-8");
  }
}

/** `__proto__` as a key means nothing here, and something to careless code behind. */
function checkKey(key: string, value: unknown): unknown {
  if (key === "__proto__") {
    throw new ProblemError("bad-request", "The key '__proto__' means nothing here; leave it out");
  }
  return value;
}

/**
 * Reads a JSON body.
 *
 * @throws {ProblemError} wrong-media-type, too-large (`jsonBytes`, `jsonDepth`) or bad-request.
 */
export async function readJson(request: Request): Promise<unknown> {
  checkType(request.headers);
  const bytes = await readBytes(request);
  checkDepth(bytes);
  const text = decode(bytes);
  try {
    return JSON.parse(text, checkKey);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError("bad-request", "The body is not JSON");
  }
}
