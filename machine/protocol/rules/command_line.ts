/**
 * What the rules read out of command lines and device names: kernel parameters, options of
 * tools, partition numbers (protocol.md A.4, A.7).
 *
 * @module
 */

/** Words of a command line. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** Whether one of the options is there, as `NAME` or `NAME=VALUE`. */
export function hasOption(words: readonly string[], ...names: readonly string[]): boolean {
  return words.some((word) => names.some((name) => word === name || word.startsWith(`${name}=`)));
}

/** The value of `--name=VALUE` or `--name VALUE`. */
export function optionValue(words: readonly string[], name: string): string | undefined {
  for (const [index, word] of words.entries()) {
    if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
    if (word === name) return words[index + 1];
  }
  return undefined;
}

/** The last value of a kernel parameter, `""` where it stands alone, undefined where it is not. */
export function parameter(cmdline: string, name: string): string | undefined {
  let value: string | undefined;
  for (const word of wordsOf(cmdline)) {
    if (word === name) value = "";
    else if (word.startsWith(`${name}=`)) value = word.slice(name.length + 1);
  }
  return value;
}

const UNITS: { readonly [unit: string]: number } = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Bytes of `16M`, `640K`, `0x1000`; undefined for anything else. */
export function sizeOf(text: string): number | undefined {
  const [, digits, unit] = /^(0x[0-9a-f]+|[0-9]+)([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const bytes = Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A range of bytes, end excluded. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

/** The region of `crashkernel=SIZE@BASE`, if it is reserved so (protocol.md A.4, D.4). */
export function crashRegion(cmdline: string): Region | undefined {
  const [size, base] = (parameter(cmdline, "crashkernel") ?? "").split("@").map(sizeOf);
  return size === undefined || base === undefined ? undefined : { start: base, end: base + size };
}

/** Number of the partition that `/dev/hda7`, `sda7`, `hda7`, `3:7` or `8:7` names. */
export function partitionOf(device: string): number | undefined {
  const match = /^(?:\/dev\/)?[hs]da([0-9]+)$/.exec(device) ?? /^[38]:([0-9]+)$/.exec(device);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** One spelling for every name of a partition; other names stay as they are. */
export function plainDevice(device: string): string {
  const partition = partitionOf(device);
  return partition === undefined ? device.replace(/^\/dev\//, "") : `partition ${partition}`;
}
