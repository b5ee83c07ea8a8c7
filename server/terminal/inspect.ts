/**
 * `inspect`: says what a file is and prints its headers. What it is, its first bytes decide.
 *
 * @module
 */
import { EXIT, UsageError } from "../../machine/errors.ts";
import { Ext2Error } from "../../machine/formats/ext2/mod.ts";
import { isKimgcore } from "../../machine/formats/kimgcore.ts";
import { isLzoContainer } from "../../machine/formats/lzo_container.ts";
import { SWAP_SIGNATURE } from "../../machine/formats/swap_header.ts";
import { TUXONICE_SIGNATURE } from "../../machine/formats/tuxonice_header.ts";
import { DiskFile } from "./disk_file.ts";
import { inspectBzImage } from "./inspect_bzimage.ts";
import { inspectDisk } from "./inspect_disk.ts";
import { inspectElf } from "./inspect_elf.ts";
import { inspectKhdev, inspectKimgcore, inspectLzo, inspectTuxOnIce } from "./inspect_images.ts";
import { inspectKdump } from "./inspect_kdump.ts";
import { inspectSwap } from "./inspect_swap.ts";
import { inspectTrace } from "./inspect_trace.ts";
import { type Inspection, inspectionJson, inspectionText } from "./inspection.ts";
import type { GivenOptions } from "./options.ts";
import { userFormat } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** Where a swap area has its signature, with or without an image. */
const SWAP_AT = 4086;
const SWAP_SIGNATURES = [...Object.values(SWAP_SIGNATURE), TUXONICE_SIGNATURE];
const HEAD_BYTES = 4096;

function startsWith(head: Uint8Array, at: number, text: string): boolean {
  return new TextDecoder("latin1").decode(head.slice(at, at + text.length)) === text;
}

/** Which inspection fits a file that begins like this. */
function inspectorOf(head: Uint8Array): ((file: DiskFile) => Inspection) | undefined {
  if (startsWith(head, 0, "\x7fELF")) return isKimgcore(head) ? inspectKimgcore : inspectElf;
  if (startsWith(head, 0, "KDUMP   ")) return inspectKdump;
  if (startsWith(head, 0, "KJKHDEV1")) return inspectKhdev;
  if (startsWith(head, 0, "TUXONICE")) return inspectTuxOnIce;
  if (isLzoContainer(head)) return inspectLzo;
  if (startsWith(head, 0x202, "HdrS")) return inspectBzImage;
  if (startsWith(head, 510, "\x55\xaa")) return inspectDisk;
  if (SWAP_SIGNATURES.some((text) => startsWith(head, SWAP_AT, text))) return inspectSwap;
  return startsWith(head, 0, '{"v":') ? inspectTrace : undefined;
}

/**
 * Looks at a file.
 *
 * @throws {UsageError} if it is none of the known kinds, or not a whole one.
 */
export function inspectFile(path: string): Inspection {
  using file = new DiskFile(path);
  const head = file.read(0, HEAD_BYTES);
  const inspect = inspectorOf(head);
  if (inspect === undefined) {
    const what = head.length === 0
      ? "it is empty"
      : `it begins with ${[...head.subarray(0, 4)].map(hexByte).join(" ")}`;
    throw new UsageError(
      `'${path}' is none of what is known here (ELF, kimgcore, kdump, khdev, LZO container, ` +
        `swap area, TuxOnIce, disk image, trace, bzImage): ${what}`,
    );
  }
  try {
    return userFormat(path, () => inspect(file));
  } catch (error) {
    if (!(error instanceof Ext2Error)) throw error;
    throw new UsageError(`'${path}': ${error.message}`, { cause: error });
  }
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Runs `inspect` and gives the exit code. */
export function runInspect(options: GivenOptions, terminal: Terminal): number {
  const path = options.rest[0] ?? "";
  const inspection = inspectFile(path);
  terminal.out(
    options.flag("json") ? inspectionJson(path, inspection) : inspectionText(path, inspection),
  );
  return EXIT.ok;
}
