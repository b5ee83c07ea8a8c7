/**
 * The kernel command line's say in the memory map: `mem=` and `memmap=` (protocol.md A.4, D.1).
 *
 * A malformed item changes nothing, as in the kernel; {@linkcode parseMemmap} shows it, so that a
 * caller can warn.
 *
 * @module
 */
import { E820_TYPE, type E820Entry, endOf, sanitizeE820 } from "./e820_table.ts";

/** One item of the command line that touches the map. Sizes and addresses are bytes. */
export type MemmapItem =
  | { readonly kind: "exactmap" }
  | { readonly kind: "limit"; readonly end: number }
  | { readonly kind: "add"; readonly entry: E820Entry }
  | { readonly kind: "malformed"; readonly text: string };

const SIZE = /^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)([kmgtpe]?)/i;
const SUFFIXES = "kmgtpe";

interface SizeText {
  readonly bytes: number;
  /** What follows the size. */
  readonly rest: string;
}

function takeSize(text: string): SizeText | undefined {
  const match = SIZE.exec(text);
  const digits = match?.[1];
  if (match === null || digits === undefined) return undefined;
  const octal = /^0[0-7]/.test(digits);
  const number = octal ? Number.parseInt(digits, 8) : Number(digits);
  const bytes = number * 1024 ** (SUFFIXES.indexOf((match[2] ?? "").toLowerCase() || "-") + 1);
  if (!Number.isSafeInteger(bytes)) return undefined;
  return { bytes, rest: text.slice(match[0].length) };
}

/**
 * Bytes of a size as the kernel reads one: decimal, octal with a leading 0 or hexadecimal with
 * 0x, and an optional K, M, G, T, P or E (powers of 1024). Undefined if the text is anything else
 * or is 2^53 or more.
 */
export function parseSize(text: string): number | undefined {
  const size = takeSize(text);
  return size === undefined || size.rest !== "" ? undefined : size.bytes;
}

/** `size` + separator + `address`: what the separator makes of the range. */
const SEPARATOR_TYPE: ReadonlyMap<string, number> = new Map<string, number>([
  ["@", E820_TYPE.ram],
  ["#", E820_TYPE.acpi],
  ["$", E820_TYPE.reserved],
  ["!", E820_TYPE.pram],
]);

function memmapItem(text: string): MemmapItem {
  if (text === "exactmap") return { kind: "exactmap" };
  const size = takeSize(text);
  if (size === undefined) return { kind: "malformed", text: `memmap=${text}` };
  if (size.rest === "") return { kind: "limit", end: size.bytes };
  const type = SEPARATOR_TYPE.get(size.rest.charAt(0));
  const start = parseSize(size.rest.slice(1));
  if (type === undefined || start === undefined || !Number.isSafeInteger(start + size.bytes)) {
    return { kind: "malformed", text: `memmap=${text}` };
  }
  return { kind: "add", entry: { start, length: size.bytes, type } };
}

function memItem(text: string): MemmapItem {
  const end = parseSize(text);
  return end === undefined || end === 0
    ? { kind: "malformed", text: `mem=${text}` }
    : { kind: "limit", end };
}

/** Items in the order of the command line; parameters after `--` belong to init. */
export function parseMemmap(commandLine: string): MemmapItem[] {
  const items: MemmapItem[] = [];
  for (const word of commandLine.split(/\s+/)) {
    if (word === "--") break;
    const text = word.replaceAll('"', "");
    if (text.startsWith("mem=")) items.push(memItem(text.slice(4)));
    if (text.startsWith("memmap=")) items.push(...text.slice(7).split(",").map(memmapItem));
  }
  return items;
}

/** Entries with the RAM at and above `end` taken away; other types stay. */
function withoutRamFrom(entries: readonly E820Entry[], end: number): E820Entry[] {
  return entries.flatMap((entry) => {
    if (entry.type !== E820_TYPE.ram || endOf(entry) <= end) return [entry];
    return entry.start >= end ? [] : [{ ...entry, length: end - entry.start }];
  });
}

/**
 * The map a kernel works with: the firmware's, changed by the items of its command line in their
 * order, then made free of overlaps. `exactmap` forgets everything before it, `mem=S` and
 * `memmap=S` cut RAM off at S, the others add a range.
 */
export function applyMemmap(
  commandLine: string,
  firmwareEntries: readonly E820Entry[],
): E820Entry[] {
  let entries: readonly E820Entry[] = firmwareEntries;
  for (const item of parseMemmap(commandLine)) {
    if (item.kind === "exactmap") entries = [];
    if (item.kind === "limit") entries = withoutRamFrom(entries, item.end);
    if (item.kind === "add") entries = [...entries, item.entry];
  }
  return sanitizeE820(entries);
}
