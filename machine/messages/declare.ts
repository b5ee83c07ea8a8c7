/**
 * How a message type is declared: who sends it to whom, what its body is, which messages answer
 * it. From these declarations come the types, the check at the edge, the documentation and the
 * diagrams (DESIGN.md law 6).
 *
 * @module
 */
import { list, natural, record, type RecordShape, type Shape, text } from "./shape.ts";
import { flag, type Infer } from "./shape.ts";

/** Roles that talk: an actor's behaviour belongs to one. */
export const ROLES = [
  "operator",
  "firmware",
  "loader",
  "memory",
  "cpu",
  "disk",
  "device",
  "kernel",
  "program",
] as const;

/** A role. */
export type Role = typeof ROLES[number];

/** One message type. */
export interface Declaration<S extends RecordShape<{ readonly [name: string]: Shape<unknown> }>> {
  /** What it asks or says, in one sentence. */
  readonly doc: string;
  readonly from: readonly Role[];
  readonly to: readonly Role[];
  readonly body: S;
  /** Types that answer it; empty for a message that has no answer. */
  readonly replies: readonly string[];
  /** Body fields that are physical addresses or masks, shown in hexadecimal. */
  readonly hex?: readonly string[];
}

/** Declares a message type (identity; it fixes the inferred type). */
export function message<S extends RecordShape<{ readonly [name: string]: Shape<unknown> }>>(
  declaration: Declaration<S>,
): Declaration<S> {
  return declaration;
}

/**
 * Leave to touch a range of RAM, opened by the memory controller and carried by messages until
 * it comes back (DESIGN.md 4). `id` is unique in a run.
 */
export const grantShape: RecordShape<{
  readonly id: Shape<number>;
  readonly start: Shape<number>;
  readonly length: Shape<number>;
  readonly write: Shape<boolean>;
}> = record({ id: natural, start: natural, length: natural, write: flag });

/** See {@linkcode grantShape}. */
export type Grant = Infer<typeof grantShape>;

/** The field in which any message may carry grants. */
export const grantsField: Shape<readonly Grant[]> = list(grantShape);

/** A byte range of RAM. */
export const rangeShape: RecordShape<
  { readonly start: Shape<number>; readonly length: Shape<number> }
> = record({ start: natural, length: natural });

/** See {@linkcode rangeShape}. */
export type Range = Infer<typeof rangeShape>;

/** The field by which an answer finds the one who asked: chosen by the asker, echoed as it is. */
export const tagField: Shape<string> = text;
