/**
 * The code for processors that wake in real mode, which kernels put into low memory at boot: why
 * a kernel that runs beside another one must keep that one's [0,640K) first (protocol.md B.1.1
 * step 5, D.3).
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, type Next, next } from "./procedure.ts";

const TRAMPOLINE = 0x6000;

/** Writes it, in kernels that have it; it names their page table, so that each one's is another. */
export function writeTrampoline(kernel: Kernel, pageTable: number): Next {
  if (!kernel.profile.lowTrampoline) return next;
  const text = `${kernel.name} trampoline, cr3=0x${pageTable.toString(16)}`;
  const bytes = toHex(new TextEncoder().encode(text));
  return ask("memory", "memory.write", { by: kernel.name, address: TRAMPOLINE, bytes });
}
