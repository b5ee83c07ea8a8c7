/**
 * The code a kernel copies into its control page before a jump (protocol.md C.6): the relocate
 * code at its start, and at the jump-back entry the code that finds everything again by its own
 * address. Stamped programs, as all of ours are.
 *
 * @module
 */
import {
  CONTROL_DATA_OFFSET,
  REENTRY_OFFSET,
  RELOCATE_OFFSET,
} from "../../machine/formats/control_page.ts";
import type { KimageArch } from "../../machine/formats/kimage.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";

/** Bits of a stamp's flags: x86_64, and whether what is called is pushed before (C.7 P1). */
const X86_64 = 1;
const PUSHES_ENTRY = 2;

/**
 * What the processor does at each place, byte by byte: 1 save registers, 2 identity mapping,
 * 3 walk the list, 4 push the return address, 5 call; then 6 read the peer, 7 walk, 8 restore.
 */
const RELOCATE_BODY = new Uint8Array([1, 2, 3, 4, 5]);
const REENTRY_BODY = new Uint8Array([6, 7, 8]);

/**
 * Code bytes of a control page; `state` is where the kernel's state pages begin, `pushesEntry`
 * whether the relocate code is the cured one.
 */
export function controlCode(
  arch: KimageArch,
  version: number,
  state: number,
  pushesEntry = false,
): Uint8Array {
  const bytes = new Uint8Array(CONTROL_DATA_OFFSET);
  const flags = (arch === "x86_64" ? X86_64 : 0) + (pushesEntry ? PUSHES_ENTRY : 0);
  bytes.set(
    stampProgram({ kind: STAMP_KIND.relocate, version, body: RELOCATE_BODY, flags }),
    RELOCATE_OFFSET,
  );
  bytes.set(
    stampProgram({
      kind: STAMP_KIND.reentry,
      version,
      body: REENTRY_BODY,
      flags,
      argument: state,
    }),
    REENTRY_OFFSET,
  );
  return bytes;
}
