/**
 * A kernel's state in its own pages: how it is written on leaving the processor and read back on
 * return (DESIGN.md law 2). A header, then JSON; a flipped bit is found by the CRC and named by
 * its page.
 *
 * @module
 */
import { crc32 } from "../../machine/digest.ts";
import {
  emitKernelStateHeader,
  type KernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { Kernel } from "./kernel_context.ts";
import type { KernelState } from "./state.ts";
import { layoutOf } from "./boot.ts";

const encoder = new TextEncoder();

/**
 * The state as it will be found: the process that leaves waits for the return at the step after
 * the one it stands at.
 */
function stateAtReturn(kernel: Kernel, leaveStep: number): KernelState {
  const { state, process } = kernel;
  return {
    ...state,
    label: "running",
    processes: state.processes.map((other) => {
      if (other.pid !== process.pid) return other;
      const frames = other.frames.map((frame, index) =>
        index === other.frames.length - 1 ? { ...frame, step: leaveStep } : frame
      );
      return { ...other, frames, wait: { kind: "return" } as const };
    }),
  };
}

/** Header and text of the state, as they are to stand at the start of the state pages. */
export function encodeState(kernel: Kernel, leaveStep: number): Uint8Array {
  const layout = layoutOf(kernel);
  const text = encoder.encode(JSON.stringify(stateAtReturn(kernel, leaveStep)));
  const header = emitKernelStateHeader({
    name: kernel.name,
    version: kernel.profile.version,
    length: text.length,
    crc: crc32(text),
    memMap: layout.memMap,
    frames: layout.frameCount,
  });
  const bytes = new Uint8Array(STATE_HEADER_BYTES + text.length);
  bytes.set(header);
  bytes.set(text, STATE_HEADER_BYTES);
  return bytes;
}

/** Pages the state would need now, with room for what a few more steps add. */
export function statePagesNeeded(kernel: Kernel): number {
  const length = encoder.encode(JSON.stringify(kernel.state)).length;
  return Math.ceil((STATE_HEADER_BYTES + length * 1.25) / PAGE_BYTES) + 4;
}

/** Puts bytes into ranges that were granted for writing. */
export function fillRanges(
  write: (start: number, content: Uint8Array) => void,
  start: number,
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length; at += LIMITS.grantBytes) {
    write(start + at, bytes.subarray(at, Math.min(at + LIMITS.grantBytes, bytes.length)));
  }
}

/** What reading the state back gave. */
export type DecodedState =
  | { readonly kind: "ok"; readonly state: KernelState }
  | { readonly kind: "damaged"; readonly reason: string };

/** Reads a state back; `text` is what stands behind the header. */
export function decodeState(
  address: number,
  header: KernelStateHeader,
  text: Uint8Array,
): DecodedState {
  const actual = crc32(text);
  if (actual !== header.crc) {
    const from = address.toString(16);
    const to = (address + STATE_HEADER_BYTES + header.length).toString(16);
    return {
      kind: "damaged",
      reason: `state pages 0x${from}-0x${to}: checksum 0x${actual.toString(16)}, ` +
        `saved 0x${header.crc.toString(16)}`,
    };
  }
  // The CRC vouches that these are the bytes this code wrote.
  return { kind: "ok", state: JSON.parse(new TextDecoder().decode(text)) as KernelState };
}
