/**
 * How far a file of lines goes that somebody writes at the same time.
 *
 * @module
 */

const LINE_FEED = 0x0a;
const PIECE_BYTES = 16_384;

/** Bytes up to the last whole line; 0 where there is no file. */
export async function wholeLineBytes(path: string): Promise<number> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const piece = new Uint8Array(PIECE_BYTES);
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - PIECE_BYTES);
      await file.seek(start, Deno.SeekMode.Start);
      const count = await file.read(piece.subarray(0, end - start)) ?? 0;
      const at = piece.subarray(0, count).lastIndexOf(LINE_FEED);
      if (at >= 0) return start + at + 1;
      end = start;
    }
    return 0;
  } finally {
    file.close();
  }
}
