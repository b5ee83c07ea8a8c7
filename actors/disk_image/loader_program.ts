/**
 * The bytes of the boot loader in the master boot record: a stamp, by which the CPU knows it, and
 * a short body. What it does is the actor `boot_loader`.
 *
 * @module
 */
import { BOOT_CODE_BYTES } from "../../machine/formats/mbr.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";

/** Version number in the stamp; another one is another behaviour. */
export const BOOT_LOADER_VERSION = 1;

/** `cli; hlt; jmp` back to `hlt`: what real hardware would do with it. */
const HALT = [0xfa, 0xf4, 0xeb, 0xfd];

/** The 440 bytes of boot code, zero behind the program. */
export function bootLoaderCode(): Uint8Array {
  const body = Uint8Array.from([...HALT, ...new TextEncoder().encode("kjump boot loader 1\0")]);
  const program = stampProgram({
    kind: STAMP_KIND.bootLoader,
    version: BOOT_LOADER_VERSION,
    body,
  });
  const code = new Uint8Array(BOOT_CODE_BYTES);
  code.set(program);
  return code;
}
