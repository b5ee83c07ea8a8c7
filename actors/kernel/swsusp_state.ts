/**
 * swsusp's part of a kernel's state with its defaults, what the command line says to it, and where
 * in the kernel's text its code stands.
 *
 * @module
 */
import { ramRanges } from "../../machine/formats/e820.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { canSleepDeep } from "./acpi_sleep.ts";
import { layoutOf, parameter } from "./boot.ts";
import type { Kernel } from "./kernel_context.ts";
import type { SwsuspState } from "./swsusp_types.ts";

/** RAM in bytes as this kernel has it. */
export function ramBytes(kernel: Kernel): number {
  return ramRanges(kernel.state.map).reduce((sum, { length }) => sum + length, 0);
}

const RESERVED_BYTES = 1_048_576;

/** The state of swsusp, made with its defaults where there is none yet. */
export function swsuspOf(kernel: Kernel): SwsuspState {
  kernel.state.swsusp ??= {
    mode: canSleepDeep(kernel) ? "platform" : "shutdown",
    device: parameter(kernel.state.commandLine, "resume") ?? "",
    resumeOffset: Number(parameter(kernel.state.commandLine, "resume_offset") ?? 0),
    imageSize: Math.floor(ramBytes(kernel) * 2 / 5),
    reservedSize: RESERVED_BYTES,
    owner: "",
    locked: false,
    nosavePfn: 0,
    inSuspend: 0,
    bitmaps: [],
    copies: [],
    saved: [],
  };
  return kernel.state.swsusp;
}

function hasWord(kernel: Kernel, word: string): boolean {
  return kernel.state.commandLine.split(/\s+/).includes(word);
}

/** Whether this kernel is built with hibernation at all. */
export function hasHibernation(kernel: Kernel): boolean {
  return kernel.profile.restoreRecord !== "none";
}

/** hibernation_available(): `nohibernate`, `hibernate=no` and lockdown forbid it. */
export function hibernationAvailable(kernel: Kernel): boolean {
  const lockdown = parameter(kernel.state.commandLine, "lockdown") ?? "none";
  return hasHibernation(kernel) && !hasWord(kernel, "nohibernate") &&
    parameter(kernel.state.commandLine, "hibernate") !== "no" && lockdown === "none";
}

/** Whether the command line forbids looking for an image. */
export function resumeForbidden(kernel: Kernel): boolean {
  return hasWord(kernel, "noresume") ||
    parameter(kernel.state.commandLine, "hibernate") === "noresume";
}

/** Whether images are written as they are. */
export function isUncompressed(kernel: Kernel): boolean {
  // The kernels of 2007 knew no compression.
  return kernel.profile.restoreRecord === "seed" ||
    parameter(kernel.state.commandLine, "hibernate") === "nocompress";
}

/** Flags of frames that no image may have: image pages, the nosave section. */
export const NOSAVE: number = FRAME.kernel | FRAME.nosave;

/** Physical address of the word `in_suspend`, whose page is made now if there is none. */
export function inSuspendAddress(kernel: Kernel): number {
  const swsusp = swsuspOf(kernel);
  if (swsusp.nosavePfn === 0) {
    const run = kernel.allocate({ pages: 1, flags: NOSAVE, owner: 0, from: kernel.windowEndPfn() });
    swsusp.nosavePfn = run?.[0]?.pfn ?? 0;
  }
  return swsusp.nosavePfn * PAGE_BYTES;
}

/** Pages of text before those of the restore code: the file's body ends there. */
const CODE_PAGES = 0x200;
const SPREAD = 64;

/**
 * The two code pages of restoring in a kernel's text (protocol.md B.5.8): different kernels have
 * them at different places, as compilers leave them.
 */
export function restoreCodePages(kernel: Kernel): {
  readonly restoreImage: number;
  readonly restoreRegisters: number;
} {
  const { text } = layoutOf(kernel);
  const first = text.pfn + Math.min(CODE_PAGES, Math.max(0, text.count - 2 * SPREAD));
  const place = kernel.profile.version % SPREAD;
  return {
    restoreImage: (first + place) * PAGE_BYTES,
    restoreRegisters: (first + SPREAD + place) * PAGE_BYTES,
  };
}
