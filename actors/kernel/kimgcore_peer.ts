/**
 * A's jump-back entry as a kernel that was entered knows it. A kernel that was booted by the jump
 * has it from purgatory, on its command line. One that was resumed, out of /proc/kimgcore's image
 * or by a second jump, has the word its own jump returned (protocol.md C.7 step 15); its command
 * line then dates from another session and may name a page where A's control page is no more
 * (B.2.3 step 5, G.4).
 *
 * @module
 */
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { parameter } from "./boot.ts";
import type { Kernel } from "./kernel_context.ts";

/** The two words; `undefined` where there is none. */
export interface JumpBackEntries {
  /** `kexec_jump_back_entry=` of the command line. */
  readonly commandLine: number | undefined;
  /** The word the last return from a jump brought. */
  readonly peer: number | undefined;
}

/** Both words this kernel has. */
export function jumpBackEntries(kernel: Kernel): JumpBackEntries {
  const text = parameter(kernel.state.commandLine, "kexec_jump_back_entry");
  const value = Number(text ?? "");
  const { peerEntry } = kernel.state;
  return {
    commandLine: text === undefined || !Number.isSafeInteger(value) ? undefined : value,
    // 0 is what a plain jump leaves: nobody to go back to.
    peer: peerEntry === undefined || peerEntry === 0 ? undefined : peerEntry,
  };
}

/** The entry to go back by, as text with `0x`: the peer's word where there is one. */
export function freshEntry(kernel: Kernel): string | undefined {
  const { commandLine, peer } = jumpBackEntries(kernel);
  const entry = peer ?? commandLine;
  return entry === undefined ? undefined : `0x${entry.toString(16)}`;
}

/** A sentence about a command line that names another entry than the peer's; "" for none. */
export function staleWarning(kernel: Kernel): string {
  const { commandLine, peer } = jumpBackEntries(kernel);
  if (commandLine === undefined || peer === undefined || commandLine === peer) return "";
  return `kexec_jump_back_entry=0x${commandLine.toString(16)} on the command line is stale; ` +
    `the jump came from 0x${peer.toString(16)}`;
}

/**
 * Why an entry is refused: it is not in the control page that the last jump came from. A real
 * machine would go there and crash (protocol.md G.4).
 */
export function staleEntry(kernel: Kernel, entry: number): string | undefined {
  const { peer } = jumpBackEntries(kernel);
  if (peer === undefined || Math.floor(peer / PAGE_BYTES) === Math.floor(entry / PAGE_BYTES)) {
    return undefined;
  }
  return `entry 0x${entry.toString(16)} is not in the control page the jump came from ` +
    `(0x${(Math.floor(peer / PAGE_BYTES) * PAGE_BYTES).toString(16)}): a stale jump-back entry`;
}
