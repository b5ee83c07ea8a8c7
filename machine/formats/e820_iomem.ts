/**
 * The text of /proc/iomem: the memory map that kexec-tools reads.
 *
 * A line is two blanks per level, `start-end : name` with at least eight hexadecimal digits, the
 * end inclusive. Names are kept as they stand; {@linkcode e820FromIomem} turns those of memory
 * types back into entries and leaves out the others (buses, devices, kernel text).
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { E820_TYPE, type E820Entry, endOf } from "./e820_table.ts";

const FORMAT = "iomem text";

/** One line: [start, end] with `end` inclusive; `level` 0 is the outermost. */
export interface IomemResource {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly level: number;
}

const NAMES: readonly (readonly [number, string])[] = [
  [E820_TYPE.ram, "System RAM"],
  [E820_TYPE.reservedKernel, "System RAM"],
  [E820_TYPE.acpi, "ACPI Tables"],
  [E820_TYPE.nvs, "ACPI Non-volatile Storage"],
  [E820_TYPE.unusable, "Unusable memory"],
  [E820_TYPE.pram, "Persistent Memory (legacy)"],
  [E820_TYPE.pmem, "Persistent Memory"],
  [E820_TYPE.reserved, "Reserved"],
  [E820_TYPE.softReserved, "Soft Reserved"],
];

function nameOf(type: number): string {
  return NAMES.find(([number]) => number === type)?.[1] ?? "Unknown E820 type";
}

/** Type of a line's name; kernels of 2007 wrote "reserved". Undefined if it is no memory type. */
function typeOf(name: string): number | undefined {
  return NAMES.find(([, text]) => text.toLowerCase() === name.toLowerCase())?.[0];
}

/** Lines of a map, one per entry that is not empty, all at level 0. */
export function iomemFromE820(entries: readonly E820Entry[]): IomemResource[] {
  return entries.filter((entry) => entry.length > 0).map((entry) => ({
    start: entry.start,
    end: endOf(entry) - 1,
    name: nameOf(entry.type),
    level: 0,
  }));
}

/** Entries of the lines that name a memory type, in the order of the text. */
export function e820FromIomem(resources: readonly IomemResource[]): E820Entry[] {
  return resources.flatMap(({ start, end, name, level }) => {
    const type = level === 0 ? typeOf(name) : undefined;
    return type === undefined ? [] : [{ start, length: end - start + 1, type }];
  });
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** The text, each line ended by a newline. */
export function emitIomem(resources: readonly IomemResource[]): string {
  return resources.map(({ start, end, name, level }) =>
    `${"  ".repeat(level)}${hex8(start)}-${hex8(end)} : ${name}\n`
  ).join("");
}

const LINE = /^((?: {2})*)([0-9a-f]+)-([0-9a-f]+) : (.+)$/;

/**
 * The resources of a text.
 *
 * @throws {FormatError} with the offset of a line that has another form, ends before it starts,
 * or has an address above 2^53 - 1.
 */
export function parseIomem(text: string): IomemResource[] {
  const resources: IomemResource[] = [];
  let offset = 0;
  for (const line of text.split("\n")) {
    if (line !== "") {
      const match = LINE.exec(line);
      if (match === null) throw new FormatError(FORMAT, offset, `line '${line.slice(0, 80)}'`);
      const [, indent = "", startText = "", endText = "", name = ""] = match;
      const start = Number.parseInt(startText, 16);
      const end = Number.parseInt(endText, 16);
      if (end < start || !Number.isSafeInteger(end + 1)) {
        throw new FormatError(FORMAT, offset, `range ${startText}-${endText}`);
      }
      resources.push({ start, end, name, level: indent.length / 2 });
    }
    offset += line.length + 1;
  }
  return resources;
}
