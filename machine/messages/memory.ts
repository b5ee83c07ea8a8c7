/**
 * The conversation with the memory controller, which alone owns RAM. Bulk data moves through
 * grants (asked for, used by whoever the message went to, given back); a few bytes travel in
 * the message itself.
 *
 * @module
 */
import { type Declaration, grantsField, message, rangeShape, tagField } from "./declare.ts";
import { flag, hexBytes, list, natural, optional, record, text } from "./shape.ts";

export const MEMORY_MESSAGES = {
  "memory.acquire": message({
    doc: "Asks for leave to read or write ranges; `by` is the kernel on whose behalf.",
    from: ["firmware", "loader", "cpu", "device", "disk", "kernel", "program"],
    to: ["memory"],
    body: record({ tag: tagField, by: text, ranges: list(rangeShape), write: flag }),
    replies: ["memory.granted"],
  }),
  "memory.granted": message({
    doc: "Opens one grant for each range asked for.",
    from: ["memory"],
    to: ["firmware", "loader", "cpu", "device", "disk", "kernel", "program"],
    body: record({ tag: tagField, grants: grantsField }),
    replies: [],
  }),
  "memory.release": message({
    doc: "Gives grants back; the controller closes them.",
    from: ["firmware", "loader", "cpu", "device", "disk", "kernel", "program"],
    to: ["memory"],
    body: record({ grants: grantsField }),
    replies: [],
  }),
  "memory.read": message({
    doc: "Reads at most 4096 bytes into the answer.",
    from: ["firmware", "loader", "cpu", "device", "kernel", "program"],
    to: ["memory"],
    body: record({ tag: tagField, by: text, address: natural, length: natural }),
    replies: ["memory.data"],
    hex: ["address"],
  }),
  "memory.data": message({
    doc: "The bytes that were read.",
    from: ["memory"],
    to: ["firmware", "loader", "cpu", "device", "kernel", "program"],
    body: record({ tag: tagField, bytes: hexBytes }),
    replies: [],
  }),
  "memory.write": message({
    doc: "Writes at most 4096 bytes given in the message.",
    from: ["firmware", "loader", "cpu", "device", "kernel", "program"],
    to: ["memory"],
    body: record({ tag: tagField, by: text, address: natural, bytes: hexBytes }),
    replies: ["memory.done"],
    hex: ["address"],
  }),
  "memory.copy": message({
    doc: "Copies page runs `target:source+count` (in order), with `zero` clears `runs`, with " +
      "`bytes` copies byte ranges `target:source+length`.",
    from: ["kernel", "program", "loader", "cpu"],
    to: ["memory"],
    body: record({
      tag: tagField,
      by: text,
      pairs: optional(text),
      zero: optional(text),
      bytes: optional(text),
    }),
    replies: ["memory.done"],
  }),
  "memory.exchange": message({
    doc: "Exchanges pages `destination:source+count`, at most 256 pairs, through the scratch page.",
    from: ["cpu"],
    to: ["memory"],
    body: record({ tag: tagField, by: text, pairs: text, temporary: natural }),
    replies: ["memory.done"],
    hex: ["temporary"],
  }),
  "memory.done": message({
    doc: "A write, copy or exchange is complete.",
    from: ["memory"],
    to: ["firmware", "loader", "cpu", "device", "kernel", "program"],
    body: record({ tag: tagField }),
    replies: [],
  }),
} as const satisfies Record<string, Declaration<ReturnType<typeof record>>>;
