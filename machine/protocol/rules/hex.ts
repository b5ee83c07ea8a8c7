/**
 * Numbers of facts: hexadecimal text with or without `0x`, up to 64 bits wide.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { PAGE_BYTES, type PageRun, rangesToRuns } from "../../formats/page_runs.ts";

/** The number in one spelling: lower case, no prefix, no leading zeros. */
export function plainHex(text: string): string {
  let start = text[0] === "0" && (text[1] === "x" || text[1] === "X") ? 2 : 0;
  while (start < text.length - 1 && text[start] === "0") start++;
  const digits = start === 0 ? text : text.slice(start);
  return digits === "" ? "0" : digits.toLowerCase();
}

/** Whether two texts are one number. */
export function sameNumber(left: string, right: string): boolean {
  return left === right || plainHex(left) === plainHex(right);
}

/** Whether the text is zero. */
export function isZero(text: string): boolean {
  return plainHex(text) === "0";
}

/**
 * The number as a bigint.
 *
 * @throws {FormatError} if the text is not hexadecimal.
 */
export function wideNumber(text: string): bigint {
  const digits = plainHex(text);
  if (!/^[0-9a-f]+$/.test(digits)) throw new FormatError("number", 0, `cannot read '${text}'`);
  return BigInt(`0x${digits}`);
}

/** Digits of numbers that are surely exact without being wide. */
const NARROW_DIGITS = 12;

/** The number as one that may have lost its last digits over 2^53. */
function number(text: string): number {
  const digits = plainHex(text);
  if (digits.length > NARROW_DIGITS) return Number(wideNumber(text));
  if (!/^[0-9a-f]+$/.test(digits)) throw new FormatError("number", 0, `cannot read '${text}'`);
  return Number.parseInt(digits, 16);
}

/**
 * The whole pages of `start-end,…` (bytes, hexadecimal, end excluded).
 *
 * @throws {FormatError} if the text is not that.
 */
export function rangePages(text: string): PageRun[] {
  if (text === "") return [];
  return rangesToRuns(
    text.split(",").map((item) => {
      const [start, end, more] = item.trim().split("-");
      if (start === undefined || end === undefined || more !== undefined) {
        throw new FormatError("memory ranges", 0, `cannot read '${item}'`);
      }
      return { start: number(start), end: number(end) };
    }),
  );
}

/** Pages that a length in bytes takes, the last one possibly in part. */
export function pagesOf(bytes: bigint): bigint {
  const page = BigInt(PAGE_BYTES);
  return (bytes + page - 1n) / page;
}
