/**
 * One range of bytes of a file (RFC 9110, 14). Several at once, and units that are unknown, are
 * answered with the whole file, as the RFC allows.
 *
 * @module
 */

/** First byte and the one behind the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The range that a header asks for: `whole` where none counts, `wrong` for one that is not there.
 */
export function parseByteRange(
  header: string | undefined,
  bytes: number,
): ByteRange | "whole" | "wrong" {
  const match = /^bytes=[ \t]*([0-9]{0,16})-([0-9]{0,16})[ \t]*$/i.exec(header ?? "");
  if (match === null) return "whole";
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return "whole";
  if (first === "") {
    const length = Math.min(Number(last), bytes);
    return length === 0 ? "wrong" : { start: bytes - length, end: bytes };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return "whole";
  if (start >= bytes) return "wrong";
  return { start, end: last === "" ? bytes : Math.min(Number(last) + 1, bytes) };
}
