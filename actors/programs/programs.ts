/**
 * The programs of an initramfs, in one list.
 *
 * @module
 */
import type { Procedure } from "../kernel/procedure.ts";
import { CAT_PROCEDURES } from "./cat.ts";
import { DUMP_WRITE_PROCEDURES } from "./dump_write.ts";
import { FILE_TOOL_PROCEDURES } from "./file_tools.ts";
import { MAKEDUMPFILE_PROCEDURES } from "./makedumpfile.ts";
import { RESTORE_IMAGE_PROCEDURES } from "./restore_image.ts";
import { SAVE_IMAGE_PROCEDURES } from "./save_image.ts";
import { WORK_PROCEDURES } from "./work.ts";

/** Procedures of all programs but kexec. */
export const PROGRAM_PROCEDURES: readonly Procedure[] = [
  ...CAT_PROCEDURES,
  ...DUMP_WRITE_PROCEDURES,
  ...FILE_TOOL_PROCEDURES,
  ...MAKEDUMPFILE_PROCEDURES,
  ...RESTORE_IMAGE_PROCEDURES,
  ...SAVE_IMAGE_PROCEDURES,
  ...WORK_PROCEDURES,
];
