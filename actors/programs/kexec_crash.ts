/**
 * What `kexec -p` does otherwise than a load into a window (protocol.md B.1.1 step 2, D.3, D.4):
 * everything goes into the region that the kernel reserved, low memory gets a backup segment
 * there, and the new kernel is told of it.
 *
 * @module
 */
import { COMMAND_LINE_BYTES } from "../../machine/formats/boot_params.ts";
import { parseIomem } from "../../machine/formats/e820.ts";
import { FormatError } from "../../machine/errors.ts";
import { LOW_BYTES } from "../kernel/jump_buffer_reboot.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { pseudoFile } from "../kernel/pseudo_files.ts";

/** Bytes, `end` exclusive. */
export interface CrashRegion {
  readonly start: number;
  readonly end: number;
}

/** The region as /proc/iomem has it; undefined where there is none. */
export function crashRegion(kernel: Kernel): CrashRegion | undefined {
  try {
    const lines = parseIomem(pseudoFile(kernel, "/proc/iomem") ?? "");
    const line = lines.find(({ name }) => name === "Crash kernel");
    return line === undefined ? undefined : { start: line.start, end: line.end + 1 };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** What the tool says without a region. */
export const NO_REGION = "Memory for crashkernel is not reserved\n" +
  'Please reserve memory by passing "crashkernel=X@Y" parameter to the kernel\n' +
  "Then try loading the kernel again";

/** Where low memory is copied to: the region's last 640 KiB. */
export function backupStart({ end }: CrashRegion): number {
  return end - LOW_BYTES;
}

/**
 * The `memmap=` items of a kernel in a region or window: low memory, and the region without what
 * is to stay.
 */
export function crashMemmap(
  region: CrashRegion,
  kept: readonly CrashRegion[],
  low: { readonly start: number; readonly end: number },
): string[] {
  const items = ["memmap=exactmap", `memmap=${(low.end - low.start) / 1024}K@${low.start / 1024}K`];
  let at = region.start;
  const holes = [...kept].sort((one, other) => one.start - other.start);
  for (const { start, end } of [...holes, { start: region.end, end: region.end }]) {
    if (start > at) items.push(`memmap=${(start - at) / 1024}K@${at / 1024}K`);
    at = Math.max(at, end);
  }
  return items;
}

/** What became of a command line. */
export type BackupLine =
  | { readonly kind: "added"; readonly line: string }
  /** The helper returned -1, which its caller ignores: the parameter is just missing. */
  | { readonly kind: "unaligned" }
  | { readonly kind: "overflow" };

/** Appends ` kexec_backup=NK`, behind `memmap=` and `elfcorehdr=`. */
export function addBackup(line: string, address: number): BackupLine {
  if (address % 1024 !== 0) return { kind: "unaligned" };
  const whole = `${line} kexec_backup=${address / 1024}K`;
  return whole.length > COMMAND_LINE_BYTES - 1
    ? { kind: "overflow" }
    : { kind: "added", line: whole };
}
