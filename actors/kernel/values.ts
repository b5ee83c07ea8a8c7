/**
 * Reading plain values back as what they are: procedure variables and answers are plain data, so
 * a step that expects more than a number or a text checks it against a shape first.
 *
 * @module
 */
import { fromHex } from "../../machine/hex.ts";
import type { FileExtent } from "../../machine/formats/ext2/mod.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import { type Grant, grantsField, type Range, rangeShape } from "../../machine/messages/declare.ts";
import { list, natural, type Plain, record, type Shape } from "../../machine/messages/shape.ts";

/** Shape of a list of page runs. */
export const RUNS: Shape<readonly PageRun[]> = list(record({ pfn: natural, count: natural }));

/** Shape of a list of byte ranges. */
export const RANGES: Shape<readonly Range[]> = list(rangeShape);

/** Shape of a file's extents. */
export const EXTENTS: Shape<readonly FileExtent[]> = list(
  record({ fileBlock: natural, block: natural, count: natural }),
);

/** Shape of a list of numbers. */
export const NUMBERS: Shape<readonly number[]> = list(natural);

function fits<T>(shape: Shape<T>, value: unknown): value is T {
  return shape.check(value, "value") === undefined;
}

/**
 * The value as the type its shape stands for.
 *
 * @throws {TypeError} saying what is wrong: a defect of the caller.
 */
export function readAs<T>(shape: Shape<T>, value: Plain | undefined): T {
  if (fits(shape, value)) return value;
  throw new TypeError(shape.check(value, "value") ?? "value does not fit");
}

/** The elements of a list; none of anything else. */
export function listOf(value: Plain | undefined): readonly Plain[] {
  return Array.isArray(value) ? value : [];
}

/** A field of a record, or `undefined`. */
export function fieldOf(value: Plain | undefined, name: string): Plain | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

/** Fields of an answer, as an object. */
export function fieldsOf(answer: Plain): { readonly [name: string]: Plain } {
  return typeof answer === "object" && answer !== null && !Array.isArray(answer)
    ? answer as { readonly [name: string]: Plain }
    : {};
}

/** The bytes of a `memory.data` answer. */
export function bytesOf(answer: Plain): Uint8Array {
  const { bytes } = fieldsOf(answer);
  return fromHex(typeof bytes === "string" ? bytes : "");
}

/** Whether a procedure's value is an error, a negative errno. */
export function isError(value: Plain | undefined): value is number {
  return typeof value === "number" && value < 0;
}

/** The `result` of a `disk.done` or `device.done`. */
export function resultOf(answer: Plain): number {
  const result = fieldOf(answer, "result");
  return typeof result === "number" ? result : 0;
}

/** The grants of an answer. */
export function grantsOf(answer: Plain): readonly Grant[] {
  return readAs(grantsField, fieldOf(answer, "grants"));
}

/** Runs as plain data. */
export function plainRuns(runs: readonly PageRun[]): { pfn: number; count: number }[] {
  return runs.map(({ pfn, count }) => ({ pfn, count }));
}

/** Extents as plain data. */
export function plainExtents(
  extents: readonly FileExtent[],
): { fileBlock: number; block: number; count: number }[] {
  return extents.map(({ fileBlock, block, count }) => ({ fileBlock, block, count }));
}

/** The byte ranges of page runs, none longer than one grant may be. */
export function runRanges(runs: readonly PageRun[]): Range[] {
  return cutRanges(
    runs.map(({ pfn, count }) => ({ start: pfn * PAGE_BYTES, length: count * PAGE_BYTES })),
  );
}
