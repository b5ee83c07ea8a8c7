/**
 * All procedures of hibernation into swap, in one list.
 *
 * @module
 */
import { FREEZE_THREADS_PROCEDURES } from "./freeze_threads.ts";
import { NOTIFIER_PROCEDURES } from "./notifiers.ts";
import type { Procedure } from "./procedure.ts";
import { SWSUSP_ARCH_PROCEDURES } from "./swsusp_arch.ts";
import { SWSUSP_FILE_PROCEDURES } from "./swsusp_files.ts";
import { SWSUSP_HEADER_PROCEDURES } from "./swsusp_header.ts";
import { SWSUSP_MEMORY_PROCEDURES } from "./swsusp_memory.ts";
import { SWSUSP_PLACE_PROCEDURES } from "./swsusp_place.ts";
import { SWSUSP_POWER_PROCEDURES } from "./swsusp_power.ts";
import { SWSUSP_RESTORE_PROCEDURES } from "./swsusp_restore.ts";
import { SWSUSP_RESUME_PROCEDURES } from "./swsusp_resume.ts";
import { SWSUSP_SNAPSHOT_PROCEDURES } from "./swsusp_snapshot.ts";
import { SWSUSP_USER_PROCEDURES } from "./swsusp_user.ts";
import { SWSUSP_PROCEDURES } from "./swsusp.ts";

/** See the module's header; those of swsusp_io.ts come beside them. */
export const HIBERNATION_PROCEDURES: readonly Procedure[] = [
  ...FREEZE_THREADS_PROCEDURES,
  ...NOTIFIER_PROCEDURES,
  ...SWSUSP_ARCH_PROCEDURES,
  ...SWSUSP_FILE_PROCEDURES,
  ...SWSUSP_HEADER_PROCEDURES,
  ...SWSUSP_MEMORY_PROCEDURES,
  ...SWSUSP_PLACE_PROCEDURES,
  ...SWSUSP_POWER_PROCEDURES,
  ...SWSUSP_RESTORE_PROCEDURES,
  ...SWSUSP_RESUME_PROCEDURES,
  ...SWSUSP_SNAPSHOT_PROCEDURES,
  ...SWSUSP_USER_PROCEDURES,
  ...SWSUSP_PROCEDURES,
];
