/**
 * A kernel's own jump buffer (protocol.md B.1, A.3): the pages it exports by number so that
 * another kernel can enter it again, and the file in which the number stands.
 *
 * The layout of the page is the laboratory's own (`machine/formats/jump_buffer.ts`). In a kernel
 * that was given another one's number on its command line the file shows that one, and a restoring
 * kernel is told the number of the image by writing it (protocol.md B.1.2 step 3).
 *
 * @module
 */
import {
  emitJumpBuffer,
  JUMP_BUFFER_OFFSET,
  jumpBufferAt,
} from "../../machine/formats/jump_buffer.ts";
import { IND_DONE } from "../../machine/formats/kimage.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { crashImage } from "./crash_slot.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { done, fail, type Next } from "./procedure.ts";
import type { JumpBufferFrames } from "./state.ts";

/** Path of the file. */
export const JUMP_BUFFER_FILE = "/sys/kernel/kexec_jump_buf_pfn";

/** A page frame number as facts have it. */
export function pfnText(pfn: number): string {
  return `0x${pfn.toString(16)}`;
}

/** A number of the file or of the command line: decimal, or hexadecimal with 0x. */
function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^(?:0x[0-9a-f]+|\d+)$/i.test(text.trim())
    ? Number(text.trim())
    : undefined;
}

/**
 * Takes the pages at boot, in kernels that have a jump buffer; `given` is what
 * `kexec_jump_buf_pfn=` says. False where there is no memory for them.
 */
export function setUpJumpBuffer(kernel: Kernel, given: string | undefined): boolean {
  if (!kernel.profile.jumpBuffer) return true;
  const from = kernel.windowEndPfn();
  const run = kernel.allocate({
    pages: 2,
    flags: FRAME.kimage,
    owner: 0,
    from,
    contiguous: true,
  })?.[0];
  if (run === undefined) return false;
  const shown = numberIn(given) ?? run.pfn;
  kernel.state.jumpBuffer = { pfn: run.pfn, stackPfn: run.pfn + 1, shown };
  return true;
}

/** Says which number this kernel exports, where it shows its own. */
export function announceJumpBuffer(kernel: Kernel): void {
  const { jumpBuffer } = kernel.state;
  if (jumpBuffer === undefined || jumpBuffer.shown !== jumpBuffer.pfn) return;
  kernel.fact("jump_buffer", { op: "export", pfn: pfnText(jumpBuffer.pfn) });
}

/** The pages; they are there in a kernel with a jump buffer from boot on. */
export function jumpBufferOf(kernel: Kernel): JumpBufferFrames {
  const { jumpBuffer } = kernel.state;
  if (jumpBuffer === undefined) throw new Error(`Kernel ${kernel.name} has no jump buffer`);
  return jumpBuffer;
}

/** What the processor is told when a kernel leaves; addresses are physical. */
export interface Departure {
  readonly control: number;
  readonly head: number;
  readonly start: number;
  readonly swap: number;
  readonly preserve: boolean;
}

/** Leaving through the jump buffer: no page is exchanged, what runs next stands in the region. */
export function jumpBufferDeparture(kernel: Kernel): Departure {
  const { pfn, stackPfn } = jumpBufferOf(kernel);
  return {
    control: pfn * PAGE_BYTES,
    head: IND_DONE,
    start: crashImage(kernel)?.start ?? 0,
    swap: stackPfn * PAGE_BYTES,
    preserve: true,
  };
}

/** The page as it is left behind: the code of a control page, and the record of the buffer. */
export function jumpBufferPage(
  kernel: Kernel,
  code: Uint8Array,
  places: { readonly state: number; readonly context: number },
): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  const address = jumpBufferOf(kernel).pfn * PAGE_BYTES;
  page.set(code);
  const { version } = kernel.profile;
  const record = jumpBufferAt(address, { version, name: kernel.name, ...places });
  page.set(emitJumpBuffer(record), JUMP_BUFFER_OFFSET);
  return page;
}

/** Writes the file; EINVAL for what is no number of a page frame. */
export function writeJumpBufferFile(kernel: Kernel, text: string): Next {
  const { jumpBuffer } = kernel.state;
  const pfn = numberIn(text);
  if (jumpBuffer === undefined) return fail(ERRNO.ENOENT);
  if (pfn === undefined || !Number.isSafeInteger(pfn * PAGE_BYTES)) return fail(ERRNO.EINVAL);
  jumpBuffer.shown = pfn;
  kernel.fact("jump_buffer", { op: "write", pfn: pfnText(pfn) });
  return done(0);
}

/** Writes v4's /sys/kernel/kexec_jump_back_entry. */
export function writeJumpBackEntry(kernel: Kernel, text: string): Next {
  const entry = numberIn(text);
  if (entry === undefined || !Number.isSafeInteger(entry)) return fail(ERRNO.EINVAL);
  kernel.state.jumpBackEntry = entry;
  return done(0);
}
