/**
 * The programs of an initramfs, in one list.
 *
 * @module
 */
import type { Procedure } from "../kernel/procedure.ts";
import { BLOCK_LIST_PROCEDURES } from "./block_list.ts";
import { BLOCK_LIST_RESUME_PROCEDURES } from "./block_list_resume.ts";
import { BLOCK_LIST_SAVE_PROCEDURES } from "./block_list_save.ts";
import { CAT_PROCEDURES } from "./cat.ts";
import { DD_PROCEDURES } from "./dd.ts";
import { DUMP_COMPRESS_PROCEDURES } from "./dump_compress.ts";
import { DUMP_KDUMP_PROCEDURES } from "./dump_kdump.ts";
import { DUMP_WRITE_PROCEDURES } from "./dump_write.ts";
import { FILE_LIST_PROCEDURES } from "./file_lists.ts";
import { FILE_TOOL_PROCEDURES } from "./file_tools.ts";
import { KIMGCORE_COPY_PROCEDURES } from "./kimgcore_copy.ts";
import { KRESTORE_PROCEDURES } from "./krestore.ts";
import { GO_TO_HIBERNATE_PROCEDURES } from "./go_to_hibernate.ts";
import { GO_TO_RESUME_PROCEDURES } from "./go_to_resume.ts";
import { KJUMP_BACK_PARAM_PROCEDURES } from "./kjump_back_param.ts";
import { MAKEDUMPFILE_PROCEDURES } from "./makedumpfile.ts";
import { PSEUDO_COPY_PROCEDURES } from "./pseudo_copy.ts";
import { PM_TOOL_PROCEDURES } from "./pm_tools.ts";
import { RESTORE_IMAGE_PROCEDURES } from "./restore_image.ts";
import { SAVE_IMAGE_PROCEDURES } from "./save_image.ts";
import { SYSTEM_TOOL_PROCEDURES } from "./system_tools.ts";
import { TICKER_PROCEDURES } from "./ticker.ts";
import { SWAP_TOOL_PROCEDURES } from "./swap_tools.ts";
import { TUXONICE_TOOL_PROCEDURES } from "./tuxonice_tool.ts";
import { WORK_PROCEDURES } from "./work.ts";

/** Procedures of all programs but kexec. */
export const PROGRAM_PROCEDURES: readonly Procedure[] = [
  ...BLOCK_LIST_PROCEDURES,
  ...BLOCK_LIST_RESUME_PROCEDURES,
  ...BLOCK_LIST_SAVE_PROCEDURES,
  ...CAT_PROCEDURES,
  ...DD_PROCEDURES,
  ...DUMP_COMPRESS_PROCEDURES,
  ...DUMP_KDUMP_PROCEDURES,
  ...DUMP_WRITE_PROCEDURES,
  ...FILE_LIST_PROCEDURES,
  ...FILE_TOOL_PROCEDURES,
  ...KIMGCORE_COPY_PROCEDURES,
  ...KRESTORE_PROCEDURES,
  ...GO_TO_HIBERNATE_PROCEDURES,
  ...GO_TO_RESUME_PROCEDURES,
  ...KJUMP_BACK_PARAM_PROCEDURES,
  ...MAKEDUMPFILE_PROCEDURES,
  ...PSEUDO_COPY_PROCEDURES,
  ...PM_TOOL_PROCEDURES,
  ...RESTORE_IMAGE_PROCEDURES,
  ...SAVE_IMAGE_PROCEDURES,
  ...SYSTEM_TOOL_PROCEDURES,
  ...TICKER_PROCEDURES,
  ...SWAP_TOOL_PROCEDURES,
  ...TUXONICE_TOOL_PROCEDURES,
  ...WORK_PROCEDURES,
];
