/**
 * The conversations with the firmware: ACPI registers and methods, non-volatile settings, and
 * the boot loader's menu.
 *
 * @module
 */
import { type Declaration, message, tagField } from "./declare.ts";
import { integer, list, natural, record, text } from "./shape.ts";

export const FIRMWARE_MESSAGES = {
  "firmware.reset": message({
    doc: "The reset line: a triple fault, or the reset register.",
    from: ["cpu", "kernel"],
    to: ["firmware"],
    body: record({ reason: text }),
    replies: [],
  }),
  "acpi.evaluate": message({
    doc: "Runs a control method of the DSDT.",
    from: ["kernel"],
    to: ["firmware"],
    body: record({ tag: tagField, by: text, method: text, argument: natural }),
    replies: ["acpi.done"],
  }),
  "acpi.write": message({
    doc: "Writes a fixed-hardware register by its port (protocol.md E.6.4).",
    from: ["kernel"],
    to: ["firmware"],
    body: record({ tag: tagField, by: text, port: natural, value: natural }),
    replies: ["acpi.done"],
    hex: ["port", "value"],
  }),
  "acpi.read": message({
    doc: "Reads a fixed-hardware register by its port.",
    from: ["kernel"],
    to: ["firmware"],
    body: record({ tag: tagField, by: text, port: natural }),
    replies: ["acpi.value"],
    hex: ["port"],
  }),
  "acpi.value": message({
    doc: "A register's content.",
    from: ["firmware"],
    to: ["kernel"],
    body: record({ tag: tagField, value: natural }),
    replies: [],
    hex: ["value"],
  }),
  "acpi.done": message({
    doc: "The method or write is complete.",
    from: ["firmware"],
    to: ["kernel"],
    body: record({ tag: tagField, result: integer }),
    replies: [],
  }),
  "loader.menu": message({
    doc: "The boot loader shows its entries and waits.",
    from: ["loader"],
    to: ["operator"],
    body: record({ entries: list(text), preselected: text }),
    replies: ["loader.choose"],
  }),
  "loader.choose": message({
    doc: "A person picks an entry, or leaves the preselected one to the time-out.",
    from: ["operator"],
    to: ["loader"],
    body: record({ entry: text, append: text }),
    replies: [],
  }),
  "machine.power": message({
    doc: "What a person sees of the machine's power: on, off, reset.",
    from: ["firmware"],
    to: ["operator"],
    body: record({ op: text, state: text }),
    replies: [],
  }),
} as const satisfies Record<string, Declaration<ReturnType<typeof record>>>;
