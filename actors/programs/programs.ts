/**
 * The programs of an initramfs, in one list.
 *
 * @module
 */
import type { Procedure } from "../kernel/procedure.ts";

/** Procedures of all programs but kexec. */
export const PROGRAM_PROCEDURES: readonly Procedure[] = [];
