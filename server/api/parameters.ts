/**
 * Parameters that several paths take, with their form and an example for the document.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

/** A whole number as it stands in an address. */
export function whole(options: {
  readonly min: number;
  readonly max: number;
  readonly example: number;
  readonly description: string;
}): z.ZodType<number, string> {
  const { min, max, example, description } = options;
  return z.string().transform((text, context): number => {
    const value = /^(?:0|-?[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: `Wanted a whole number from ${min} to ${max}` });
    return z.NEVER;
  }).openapi({ type: "integer", minimum: min, maximum: max, example, description });
}

/** Identity of a run, in a path. */
export const RunParameter = z.object({
  run: z.string().regex(/^[0-9a-f]{16,64}$/).openapi({
    description: "Identity of the run.",
    example: "df701ee5dfec7ae1",
  }),
});

/** Number of an event, in a path. */
export const SeqParameter = z.object({
  seq: whole({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    example: 1042,
    description: "Number of the event.",
  }),
});

/** A moment, in a query. */
export const MomentQuery = z.strictObject({
  at: whole({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    example: 1042,
    description: "Number of the event; the last that there is unless given.",
  }).optional(),
});

/** Headers of requests, for the document. */
export const RangeHeaders = z.object({
  "Range": z.string().optional().openapi({
    description: "One range of bytes (RFC 9110).",
    example: "bytes=0-1023",
  }),
  "If-Range": z.string().optional().openapi({
    description: "The tag for which the range is meant; the whole file if it is another.",
  }),
  "If-None-Match": z.string().optional().openapi({
    description: "Tags of what the client has; 304 if it is still that.",
  }),
});

/** See {@linkcode RangeHeaders}. */
export const TagHeaders = RangeHeaders.pick({ "If-None-Match": true });
