/**
 * Hibernation into swap on the inline transport, as a test tells it: one machine with a swap area,
 * a menu of kernels, and a person who hibernates it and switches it on again.
 */
import { type } from "../../actors/scenario/script_words.ts";
import { BLOCK_BYTES } from "../../machine/formats/ext2/mod.ts";
import { logicalLayout } from "../../machine/formats/disk_layout.ts";
import { FIRST_LOGICAL } from "../../machine/formats/ebr.ts";
import { parseSwapHeader } from "../../machine/formats/swap_header.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { bytesOf, type Run } from "./run_kit.ts";

const MIB = 1024 ** 2;
const SWAP = 6;

/** Command line of a kernel that looks for an image on the swap area. */
export const APPEND = "root=/dev/sda2 console=ttyS0 resume=/dev/sda6";

/** Command line of the kernel that is to resume it, and mounts nothing of A's. */
const BOOT_APPEND = "root=/dev/ram0 console=ttyS0 resume=/dev/sda6";

/** What a hibernation is to be; what is left out is a small machine of 6.1-cured. */
export interface HibernationOptions extends Partial<Omit<MachineOptions, "script">> {
  /** Mode of /sys/power/disk. */
  readonly mode?: string;
  /** More on A's command line. */
  readonly append?: string;
  /** More on the boot kernel's command line. */
  readonly bootAppend?: string;
  /** Which line of the menu is chosen for the resume: C, or D that knows of no image. */
  readonly entry?: "C" | "D";
  /** Path of the boot kernel; A's own unless given. */
  readonly bootKernel?: string;
  /** Path of A's kernel; the machine's own unless given. */
  readonly imageKernel?: string;
  /** What is typed before hibernating. */
  readonly before?: readonly string[];
}

/** The boot menu: A, and C that is to resume it. */
export function menuOf(options: HibernationOptions): MachineOptions["menu"] {
  const { append = "", bootKernel, imageKernel } = options;
  return [
    {
      name: "A",
      append: `hostname=A ${APPEND} ${append}`.trim(),
      ...(imageKernel === undefined ? {} : { kernel: imageKernel }),
    },
    {
      name: "C",
      append: `hostname=C ${BOOT_APPEND}`,
      ...(bootKernel === undefined ? {} : { kernel: bootKernel }),
    },
    { name: "D", append: "hostname=C root=/dev/ram0 console=ttyS0" },
  ];
}

/** A works and has its swap area in use. */
export function working(options: HibernationOptions): OperatorStep[] {
  const before = options.before ?? ["work 64 2", "swapon /dev/sda6"];
  return [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    ...before.map((line) => type("A", line)),
  ];
}

/** A hibernates. */
export function hibernating(options: HibernationOptions): OperatorStep[] {
  return [type("A", `pm-hibernate ${options.mode ?? "shutdown"}`)];
}

/** The machine is switched on, and whoever comes up is asked to look at himself. */
export function resuming({ entry = "C", bootAppend = "" }: HibernationOptions): OperatorStep[] {
  return [
    { do: "power_on" },
    { do: "choose", entry, append: bootAppend },
    {
      do: "type",
      at: "A",
      line: "check",
      otherwise: { at: "C", outcome: "booted without an image" },
    },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ];
}

/** Runs a script on a machine made for hibernating. */
export function hibernation(options: HibernationOptions, script: readonly OperatorStep[]): Run {
  const {
    mode: _mode,
    append: _append,
    bootAppend: _bootAppend,
    entry: _entry,
    bootKernel: _bootKernel,
    imageKernel: _imageKernel,
    before: _before,
    ...machine
  } = options;
  return runMachine({
    profile: "6.1-cured",
    memoryMiB: 64,
    layout: "workshop",
    hardware: "t42",
    scenario: "swsusp",
    menu: menuOf(options) ?? [],
    ...machine,
    script,
  });
}

/** A whole cycle: A hibernates, the machine is off, C resumes it. */
export function cycle(options: HibernationOptions = {}): Run {
  return hibernation(options, [
    ...working(options),
    ...hibernating(options),
    { do: "off" },
    ...resuming(options),
  ]);
}

/** The first half: its disk has the image. */
export function hibernated(options: HibernationOptions = {}): Run {
  return hibernation(options, [
    ...working(options),
    ...hibernating(options),
    { do: "off" },
    { do: "finish", outcome: "hibernated" },
  ]);
}

/** The second half, on a disk. */
export function resumed(disk: Uint8Array, options: HibernationOptions = {}): Run {
  return hibernation({ ...options, disk }, resuming(options));
}

/** A hibernation that does not come about: A is asked to look at itself afterwards. */
export function failing(options: HibernationOptions = {}): Run {
  return hibernation(options, [
    ...working(options),
    ...hibernating(options),
    type("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "goes on" },
  ]);
}

/** Offset in bytes of a page of the swap area. */
export function swapOffset(memoryMiB = 64, page = 0): number {
  const place = logicalLayout({ memoryBytes: memoryMiB * MIB, layout: "workshop" });
  return (place[SWAP - FIRST_LOGICAL]?.firstSector ?? 0) * 512 + page * BLOCK_BYTES;
}

/** The swap area's first page. */
export function swapHeader(disk: Uint8Array, memoryMiB = 64): ReturnType<typeof parseSwapHeader> {
  return parseSwapHeader(disk.subarray(swapOffset(memoryMiB), swapOffset(memoryMiB, 1)));
}

/** Page of the swap area in which page `index` of the image's stream stands. */
export function streamPage(disk: Uint8Array, index: number, memoryMiB = 64): number {
  const map = swapOffset(memoryMiB, swapHeader(disk, memoryMiB).image);
  const view = new DataView(disk.buffer, disk.byteOffset + map, BLOCK_BYTES);
  return Number(view.getBigUint64(index * 8, true));
}

/** A copy of a run's disk with page `index` of the image's stream changed. */
export function damaged(
  run: Run,
  index: number,
  change: (page: DataView) => void,
  memoryMiB = 64,
): Uint8Array {
  const disk = bytesOf(run.medium);
  const at = swapOffset(memoryMiB, streamPage(disk, index, memoryMiB));
  change(new DataView(disk.buffer, disk.byteOffset + at, BLOCK_BYTES));
  return disk;
}

/** Whether a line was shown on the console. */
export function said(run: Run, part: string): boolean {
  return run.lines.some((line) => line.includes(part));
}
