/**
 * Facts of tasks, programs and what a kernel says of itself (see `../facts.ts` for what a fact is).
 *
 * @module
 */
import { integer, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Facts of tasks, programs and what a kernel says of itself. */
export const SOFTWARE_FACTS = {
  /** Tasks stopped; `what` is user or kernel threads. */
  freeze: record({ k: text, what: oneOf("user", "kthreads"), result: integer }),
  /** Tasks go on. */
  thaw: record({ k: text, what: oneOf("user", "kthreads", "all") }),
  /** A program ended. */
  tool: record({
    k: text,
    program: text,
    arguments: text,
    status: integer,
    message: optional(text),
  }),
  /** A kernel's own check of itself: what it expects and what it finds. */
  selftest: record({
    k: text,
    what: oneOf("process", "file", "device", "state"),
    name: text,
    expected: text,
    actual: text,
  }),
  /** A kernel stopped for good. */
  panic: record({ k: text, reason: text }),
  /** The flag that tells the two returns of the copy apart (B.5.2, B.5.8). */
  in_suspend: record({
    k: text,
    value: natural,
    at: oneOf("copy", "first return", "second return"),
    returned: optional(integer),
  }),
} as const;
