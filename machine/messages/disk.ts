/**
 * The conversation with the disk. Sectors have 512 bytes; data moves through grants over RAM
 * whose lengths add up to the sectors asked for, in order.
 *
 * @module
 */
import { type Declaration, grantsField, message, tagField } from "./declare.ts";
import { flag, integer, natural, optional, record, text } from "./shape.ts";

/**
 * `bios`: asked through the firmware's own service (INT 13h, or SMM), which needs no driver's
 * registers. `fua`: a write that goes past the cache to the medium, and touches nothing else
 * that waits there. `kick`: the driver starts a drive that was quiesced, for it knows nothing of
 * that.
 */
const transfer = record({
  tag: tagField,
  by: text,
  sector: natural,
  count: natural,
  grants: grantsField,
  bios: optional(flag),
  fua: optional(flag),
  kick: optional(flag),
});

export const DISK_MESSAGES = {
  "disk.identify": message({
    doc: "Asks for the drive's size.",
    from: ["firmware", "loader", "kernel"],
    to: ["disk"],
    body: record({ tag: tagField }),
    replies: ["disk.identity"],
  }),
  "disk.identity": message({
    doc: "The drive's size in sectors.",
    from: ["disk"],
    to: ["firmware", "loader", "kernel"],
    body: record({ tag: tagField, sectors: natural }),
    replies: [],
  }),
  "disk.read": message({
    doc: "Reads sectors into the granted ranges.",
    from: ["firmware", "loader", "kernel"],
    to: ["disk"],
    body: transfer,
    replies: ["disk.done"],
  }),
  "disk.write": message({
    doc: "Hands sectors over; they may stay in the volatile cache until a flush.",
    from: ["firmware", "loader", "kernel"],
    to: ["disk"],
    body: transfer,
    replies: ["disk.done"],
  }),
  "disk.flush": message({
    doc: "Asks that all earlier writes be on the medium.",
    from: ["firmware", "loader", "kernel"],
    to: ["disk"],
    body: record({ tag: tagField, by: text, bios: optional(flag), kick: optional(flag) }),
    replies: ["disk.done"],
  }),
  "disk.done": message({
    doc: "A transfer or flush ended; `result` is 0 or a negative errno; grants come back.",
    from: ["disk"],
    to: ["firmware", "loader", "kernel"],
    body: record({ tag: tagField, result: integer, grants: grantsField }),
    replies: [],
  }),
} as const satisfies Record<string, Declaration<ReturnType<typeof record>>>;
