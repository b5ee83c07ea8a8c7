/**
 * The conversations with devices: registers, power-management callbacks, interrupts; and the
 * console's text in both directions.
 *
 * @module
 */
import { type Declaration, message, tagField } from "./declare.ts";
import { flag, integer, natural, optional, plain, record, text } from "./shape.ts";

export const DEVICE_MESSAGES = {
  "device.probe": message({
    doc: "A driver programs the device's registers for its kernel.",
    from: ["kernel"],
    to: ["device", "disk"],
    body: record({
      tag: tagField,
      by: text,
      registers: plain,
      // Whether a device in low power is turned on first; without it that is so.
      power_on: optional(flag),
    }),
    replies: ["device.done"],
  }),
  "device.phase": message({
    doc: "One power-management callback reaches the hardware; up phases bring saved registers.",
    from: ["kernel"],
    to: ["device", "disk"],
    body: record({
      tag: tagField,
      by: text,
      phase: text,
      event: text,
      registers: optional(plain),
      // Whether a suspend callback takes the power away; without it it does.
      low_power: optional(flag),
    }),
    replies: ["device.done"],
  }),
  "device.use": message({
    doc: "A self-test: the device does the smallest thing it is for.",
    from: ["kernel"],
    to: ["device", "disk"],
    body: record({ tag: tagField, by: text }),
    replies: ["device.done"],
  }),
  "device.done": message({
    doc: "The callback's errno, the registers as they were, power and wake state.",
    from: ["device", "disk"],
    to: ["kernel"],
    body: record({
      tag: tagField,
      result: integer,
      registers: plain,
      powered: flag,
      wake_armed: flag,
      value: optional(text),
    }),
    replies: [],
  }),
  "timer.arm": message({
    doc: "Asks the timer for one interrupt after `delay_ns`.",
    from: ["kernel"],
    to: ["device"],
    body: record({ tag: tagField, delay_ns: natural }),
    replies: ["timer.fired"],
  }),
  "timer.fired": message({
    doc: "The time has come.",
    from: ["device"],
    to: ["kernel"],
    body: record({ tag: tagField }),
    replies: [],
  }),
  "rtc.read": message({
    doc: "Asks for the wall clock.",
    from: ["kernel"],
    to: ["device"],
    body: record({ tag: tagField }),
    replies: ["rtc.time"],
  }),
  "rtc.time": message({
    doc: "Wall clock in ns since 1970, as text (it passes 2^53).",
    from: ["device"],
    to: ["kernel"],
    body: record({ tag: tagField, real_us: natural }),
    replies: [],
  }),
  "console.write": message({
    doc: "A kernel or program prints.",
    from: ["kernel", "program", "loader", "firmware"],
    to: ["device"],
    body: record({ by: text, text: text, prompt: flag }),
    replies: [],
  }),
  "console.shown": message({
    doc: "A person sees text, or a prompt that waits.",
    from: ["device"],
    to: ["operator"],
    body: record({ by: text, text: text, prompt: flag }),
    replies: [],
  }),
  "console.type": message({
    doc: "A person types a line.",
    from: ["operator"],
    to: ["device"],
    body: record({ line: text }),
    replies: [],
  }),
  "console.line": message({
    doc: "A typed line reaches the running kernel.",
    from: ["device"],
    to: ["kernel"],
    body: record({ line: text }),
    replies: [],
  }),
  "console.call": message({
    doc: "A terminal program that a person works with asks the shell behind the prompt.",
    from: ["operator"],
    to: ["device"],
    body: record({ id: natural, call: plain }),
    replies: ["console.answer"],
  }),
  "console.request": message({
    doc: "The call reaches the running kernel's shell.",
    from: ["device"],
    to: ["kernel"],
    body: record({ id: natural, call: plain }),
    replies: ["console.result"],
  }),
  "console.result": message({
    doc: "What the shell's call came to.",
    from: ["kernel"],
    to: ["device"],
    body: record({ id: natural, by: text, value: plain }),
    replies: [],
  }),
  "console.answer": message({
    doc: "The answer reaches the person's terminal program.",
    from: ["device"],
    to: ["operator"],
    body: record({ id: natural, by: text, value: plain }),
    replies: [],
  }),
} as const satisfies Record<string, Declaration<ReturnType<typeof record>>>;
