/**
 * The short form in which a message stands in the trace: its scalars, large or address-like
 * numbers in hexadecimal, lists as counts, long texts as digests.
 *
 * @module
 */
import { crc32Hex } from "./digest.ts";
import { LIMITS } from "./limits.ts";
import { messageFacts } from "./message_table.ts";
import type { Plain } from "./messages/shape.ts";

import type { Scalar, Summary } from "./trace/event.ts";

const encoder = new TextEncoder();
const TEXT_MAX = 96;

function shortText(value: string): string {
  if (value.length <= TEXT_MAX) return value;
  return `${value.slice(0, 48)}…(${value.length} characters, crc ${
    crc32Hex(encoder.encode(value))
  })`;
}

function rangesText(items: readonly Plain[]): string | undefined {
  const parts: string[] = [];
  for (const item of items) {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
    const start: unknown = Reflect.get(item, "start");
    const length: unknown = Reflect.get(item, "length");
    if (typeof start !== "number" || typeof length !== "number") return undefined;
    parts.push(`${start.toString(16)}+${length.toString(16)}`);
  }
  const all = parts.join(",");
  return all.length <= TEXT_MAX ? all : `${parts.length} ranges from ${parts[0]}`;
}

function shortValue(value: Plain, hexadecimal: boolean): Scalar | undefined {
  if (typeof value === "number") return hexadecimal ? `0x${value.toString(16)}` : value;
  if (typeof value === "string") return shortText(value);
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return rangesText(value) ?? value.length;
  return value === null ? undefined : shortText(JSON.stringify(value));
}

/** Longest JSON text of a summary, without writing it. */
function lengthBound(summary: Summary): number {
  let bound = 2;
  for (const name in summary) {
    const value = summary[name];
    // A character of text takes at most 6 in JSON, a number at most 24.
    bound += name.length + 4 + (typeof value === "string" ? value.length * 6 : 24);
  }
  return bound;
}

/** Whether a summary's JSON text is longer than its limit. */
function isLong(summary: Summary): boolean {
  return lengthBound(summary) > LIMITS.summaryBytes &&
    JSON.stringify(summary).length > LIMITS.summaryBytes;
}

/** The summary of a message's body. */
export function summarise(type: string, body: Plain): Summary {
  if (!isRecord(body)) return {};
  const summary: Record<string, Scalar> = {};
  const hex = messageFacts(type)?.hex;
  for (const name in body) {
    const value = body[name];
    if (value === undefined) continue;
    const short = shortValue(value, hex?.has(name) === true);
    if (short !== undefined) summary[name] = short;
  }
  if (!isLong(summary)) return summary;
  const whole = JSON.stringify(body);
  return { bytes: whole.length, crc: crc32Hex(encoder.encode(whole)) };
}

function isRecord(value: Plain): value is { readonly [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
