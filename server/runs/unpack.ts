/**
 * Uploaded files that are packed: gzip and zstd, known by their first bytes, unpacked once and
 * piece by piece into a file, up to a limit. What is packed inside of that stays packed.
 *
 * @module
 */
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ProblemError } from "../problem.ts";
import { writeAll } from "./files.ts";
import { isWholeZstd } from "./zstd_frames.ts";

const PIECE_BYTES = 0x1_0000;

/** A packed form. */
export type Packing = "gzip" | "zstd";

/** How a file is packed; `undefined` where it is not. */
export function packingOf(path: string): Packing | undefined {
  using file = Deno.openSync(path, { read: true });
  const bytes = new Uint8Array(4);
  const count = file.readSync(bytes) ?? 0;
  const word = count < 4 ? 0 : new DataView(bytes.buffer).getUint32(0);
  if (word === 0x28b5_2ffd) return "zstd";
  return word >>> 16 === 0x1f8b ? "gzip" : undefined;
}

/** The error of a file that is larger than it may be. */
export function tooLarge(max: number): ProblemError {
  return new ProblemError(
    "too-large",
    `The file has more than ${max} bytes when it is unpacked; take a shorter recording.`,
    { limit: { name: "unpackedBytes", max } },
  );
}

function notPacked(packing: Packing): ProblemError {
  return new ProblemError(
    "not-readable",
    `The file begins like ${packing} but cannot be unpacked; pack it again, or send it unpacked.`,
  );
}

/**
 * Has the errors that the host's unpacker throws into the event loop, where nobody could catch
 * them, go to the given function, until it is disposed of.
 */
function strayErrors(take: (error: unknown) => void): Disposable {
  const listener = (event: ErrorEvent): void => {
    event.preventDefault();
    take(event.error);
  };
  globalThis.addEventListener("error", listener);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("error", listener) };
}

/**
 * Unpacks a file into another one.
 *
 * @param turn called between two pieces; may throw to stop.
 * @throws {ProblemError} `too-large` at the limit, `not-readable` where it is not packed rightly.
 */
export async function unpack(
  path: string,
  packing: Packing,
  target: string,
  bytesMax: number,
  turn: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  if (packing === "zstd" && !await isWholeZstd(path, turn)) throw notPacked(packing);
  using source = Deno.openSync(path, { read: true });
  using file = Deno.openSync(target, { write: true, createNew: true });
  const stream = packing === "gzip" ? createGunzip() : createZstdDecompress();
  let bytes = 0;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  stream.on("data", (piece: Uint8Array) => {
    bytes += piece.length;
    if (bytes > bytesMax) stream.destroy(tooLarge(bytesMax));
    else writeAll(file, piece);
  });
  stream.on("end", resolve);
  stream.on("error", reject);
  let failed = false;
  const watched = done.catch((error: unknown) => {
    failed = true;
    throw error;
  });
  watched.catch(() => {});
  using _stray = strayErrors(reject);
  for (;;) {
    const piece = new Uint8Array(PIECE_BYTES);
    const count = source.readSync(piece);
    if (failed) break;
    if (count === null) {
      stream.end();
      break;
    }
    // The next piece is read when this one is unpacked, so that a bomb cannot run ahead.
    await new Promise<void>((next) => {
      stream.write(piece.subarray(0, count), () => next());
      done.catch(() => next());
    });
    await turn();
  }
  try {
    await watched;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw notPacked(packing);
  }
}
