/**
 * Uploads: streamed to a file, counted as they come and again as they are unpacked, so that a
 * small body that unpacks to a huge one ends at the limit. Nothing stays of one that failed.
 *
 * @module
 */
import { SERVER_LIMITS, type ServerLimitName } from "../limits.ts";
import { ProblemError } from "../problem.ts";

/** Limits of uploads as they are sent. */
export type UploadLimit = "traceUploadBytes" | "imageUploadBytes";

/** Limits by name; a test has smaller ones. */
export type Limits = Readonly<Record<ServerLimitName, number>>;

/** Limit of what an upload is unpacked to. */
const UNPACKED: Readonly<Record<UploadLimit, ServerLimitName>> = {
  traceUploadBytes: "unpackedBytes",
  imageUploadBytes: "imageUploadBytes",
};

/** Bytes unpacked in one go, which is at most about a thousand times as many after it. */
const PIECE_BYTES = 4096;

function tooLarge(name: ServerLimitName, max: number, what: string): ProblemError {
  return new ProblemError("too-large", `An upload may have at most ${max} bytes ${what}`, {
    limit: { name, max },
  });
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Passes pieces on and fails when they become too many. */
function counted(
  name: ServerLimitName,
  max: number,
  what: string,
): TransformStream<Bytes, Bytes> {
  let count = 0;
  return new TransformStream({
    transform(piece, controller) {
      count += piece.length;
      if (count > max) throw tooLarge(name, max, what);
      controller.enqueue(piece);
    },
  });
}

/** Passes large pieces on as small ones, because whoever unpacks one hands all of it on at once. */
function divided(): TransformStream<Bytes, Bytes> {
  return new TransformStream({
    transform(piece, controller) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        controller.enqueue(piece.subarray(at, at + PIECE_BYTES));
      }
    },
  });
}

function unpacking(encoding: string | null): DecompressionStream | undefined {
  switch ((encoding ?? "identity").trim().toLowerCase()) {
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return new DecompressionStream("gzip");
    default:
      throw new ProblemError("wrong-media-type", "Upload it as it is, or packed with gzip");
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** What a failure of the streams means; a broken connection is nobody's to be told. */
function meant(error: unknown): unknown {
  if (error instanceof ProblemError || !(error instanceof TypeError)) return error;
  return new ProblemError("not-readable", "The upload says it is packed with gzip but is not");
}

/**
 * Writes a request's body to a new file and returns its length in bytes, unpacked.
 *
 * @param path where to; the caller's choice, never the client's. Must not be there yet.
 * @throws {ProblemError} too-large, wrong-media-type or not-readable; then there is no file.
 */
export async function receiveFile(
  request: Request,
  path: string,
  limitName: UploadLimit,
  encoding: string | null = request.headers.get("content-encoding"),
  limits: Limits = SERVER_LIMITS,
): Promise<number> {
  const max = limits[limitName];
  const unpacker = unpacking(encoding);
  if (Number(request.headers.get("content-length") ?? "0") > max) {
    await request.body?.cancel();
    throw tooLarge(limitName, max, "as it is sent");
  }
  if (request.body === null) throw new ProblemError("bad-request", "The upload is empty");
  const sent = request.body.pipeThrough(counted(limitName, max, "as it is sent"));
  const unpackedName = UNPACKED[limitName];
  const unpacked = unpacker === undefined ? sent : sent.pipeThrough(divided()).pipeThrough(unpacker)
    .pipeThrough(counted(unpackedName, limits[unpackedName], "unpacked"));
  const file = await Deno.open(path, { write: true, createNew: true });
  let length = 0;
  try {
    for await (const piece of unpacked) {
      await writeAll(file, piece);
      length += piece.length;
    }
    if (length === 0) throw new ProblemError("bad-request", "The upload is empty");
  } catch (error) {
    file.close();
    await Deno.remove(path);
    throw unpacker === undefined ? error : meant(error);
  }
  file.close();
  return length;
}
