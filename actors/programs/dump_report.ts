/**
 * What makedumpfile says of its work: progress, the report of what it left out, its usage. The
 * tool of 2008 and the one of 2022 (1.7.2) word it differently. Progress is said once it is done,
 * without the turning mark and the time to go; the empty lines between are left out.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { numberOf } from "../kernel/kernel_context.ts";
import { fieldOf } from "../kernel/values.ts";

/** What `-v` says. */
export const VERSION_LINES: readonly string[] = [
  "makedumpfile: version 1.7.2 (released on 20 Oct 2022)",
  "lzo\tenabled",
  "snappy\tdisabled",
  "zstd\tdisabled",
];

/** What `-h` says: the options this laboratory has. */
export const USAGE_LINES: readonly string[] = [
  "Usage: makedumpfile [-c|-l|-p|-z|-E] [-d DL] [-x VMLINUX|-i VMCOREINFO] VMCORE DUMPFILE",
  "       makedumpfile -g VMCOREINFO -x VMLINUX",
  "  -c, -l   compress each page with zlib, with LZO; -p (snappy), -z (zstd) are not built in",
  "  -E       write ELF, which kexec loads; --edit: and only what kexec takes",
  "  -d DL    leave out: 1 zero, 2 cache, 4 cache + private, 8 user, 16 free pages",
  "  -i, -x   what says where the pages' table is, if the vmcore does not",
  "  -f       overwrite DUMPFILE",
  "  --message-level ML   1 progress, 2 common, 4 error, 8 debug, 16 report (default 7)",
];

/** What is said of an option for a compression that is not built in. */
export function disabledLines(option: "-z" | "-p"): string[] {
  const [name, use] = option === "-z" ? ["zstd", "USEZSTD"] : ["snappy", "USESNAPPY"];
  return [
    `'${option}' option is disabled, because this binary doesn't support ${name} compression.`,
    `Try \`make ${use}=on\` when building.`,
  ];
}

/** Progress, complete. */
export function progressLines(modern: boolean, filtered: boolean): string[] {
  if (!modern) return [`${"Copying data".padEnd(35)}: [100 %]`];
  const steps = ["Checking for memory holes", "Copying data"];
  if (filtered) steps.splice(1, 0, "Excluding unnecessary pages");
  return steps.map((step) => `${step.padEnd(50)}: [100.0 %]`);
}

function hex(count: number): string {
  return `0x${count.toString(16).padStart(16, "0")}`;
}

/** The report of `dump_write`'s counts; original pages count a range named twice twice. */
export function reportLines(answer: Plain, modern: boolean): string[] {
  const counts = fieldOf(answer, "counts") ?? null;
  const of = (name: string) => numberOf(fieldOf(counts, name));
  const left = (name: string) => numberOf(fieldOf(fieldOf(counts, "left") ?? null, name) ?? 0);
  const original = of("original");
  const frames = of("frames");
  const zero = of("zero");
  const classes = [zero, left("cache"), left("cachePrivate"), left("user"), left("free")];
  const excluded = classes.reduce((sum, count) => sum + count, 0);
  const remaining = original - excluded;
  const names = modern
    ? ["Non-private cache pages", "Private cache pages"]
    : ["Cache pages", "Cache pages + private"];
  const rows = ["Pages filled with zero", ...names, "User process data pages", "Free pages"];
  const more = modern ? ["Hwpoison pages", "Offline pages"] : [];
  const percent = original === 0 ? 0 : Math.floor(remaining * 100 / original);
  return [
    `Original pages  : ${hex(original)}`,
    `  Excluded pages   : ${hex(excluded)}`,
    ...[...rows, ...more].map((row, at) => `    ${row.padEnd(24)}: ${hex(classes[at] ?? 0)}`),
    `  Remaining pages  : ${hex(remaining)}`,
    `  (The number of pages is reduced to ${percent}%.)`,
    `Memory Hole     : ${hex(Math.max(0, frames - original))}`,
    "-".repeat(50),
    `Total pages     : ${hex(frames)}`,
    ...(modern ? [`Write bytes     : ${numberOf(fieldOf(answer, "dataBytes"))}`] : []),
  ];
}
