/**
 * A vmcore as 6.1's core headers make it: the kernel's text a second time, a range that ends
 * within a page.
 */
import { toHex } from "../../machine/digest.ts";
import { EM_X86_64 } from "../../machine/formats/elf.ts";
import { buildCoreHeaders, LINEAR_OFFSET, vmcoreLayout } from "../../machine/formats/vmcore.ts";
import type { Vmcore } from "../../actors/kernel/vmcore.ts";

/** The core headers. */
export function rawCore(): Uint8Array {
  return buildCoreHeaders({
    class: 64,
    machine: EM_X86_64,
    ramRanges: [{ start: 0x1000, end: 0x9_fc00 }, { start: 0x10_0000, end: 0x80_0000 }],
    excluded: [{ start: 0x40_0000, end: 0x80_0000 }],
    notes: [],
    linearOffset: LINEAR_OFFSET.x86_64,
    lowmemLimit: Number.MAX_SAFE_INTEGER,
    kernelText: { start: 0x10_0000, end: 0x10_2000, vaddr: 0xffff_ffff_8100_0000n },
  });
}

/** What `vmcore_open` makes of them. */
export function vmcoreValue(coreHeaders: Uint8Array): Vmcore {
  const layout = vmcoreLayout(coreHeaders, new Uint8Array());
  return {
    class: 64,
    machine: EM_X86_64,
    header: toHex(layout.header),
    notes: "",
    noteOffset: layout.noteOffset,
    fileLength: layout.fileLength,
    segments: layout.segments.map((segment) => ({ ...segment })),
  };
}
