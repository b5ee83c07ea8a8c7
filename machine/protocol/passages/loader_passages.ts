/**
 * Passages about the loader's last steps, where one kernel overwrites itself with another.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const LOADER_PASSAGES: Passages = {
  F71: "While an image is loaded the loader is still using memory, and many image pages belong " +
    "where it lives. Those wait in frames that the image does not need, called safe, until the " +
    "final copy; others go straight to their place if the loader owns it (B.5.7, D.5). A page " +
    "put anywhere else overwrites the loader's own stack or code in mid-load, and the resume " +
    "ends in a silent crash.",
  F72: "In the last copy everything of the loading kernel disappears, its stack included. So the " +
    "loop keeps to registers, and the page with the loop itself is copied last, or the code " +
    "first moves to a safe page, as 6.1 does (B.5.8, B.5.9). A push at the wrong moment writes " +
    "into restored memory; a loop that overwrites itself goes on with half an instruction.",
  F73:
    "Page tables must never be pulled away from under running code. The loader's own tables are " +
    "overwritten by the copy, so it changes to temporary ones in safe pages first, and the " +
    "restored kernel then loads its own (B.5.8). Each step is mapped in both the old and the " +
    "new tables. Skip one, and the next instruction fetch has no translation: triple fault, " +
    "reset.",
  F74: "The same function returns twice, after the copy and again after the restore, and " +
    "in_suspend tells which it is: 1 for write the image, 0 for you have been restored (B.5.2). " +
    "The variable stands outside the image, so the restored kernel must clear it itself " +
    "(B.5.8). If it were left, a kernel that has just been restored would write an image of " +
    "itself and power off.",
  F75:
    "Restored code finds its saved registers, all but one: the result register is set to 0, so " +
    "that the interrupted call returns success for a second time (B.5.8). With whatever the " +
    "boot kernel left in it, the kernel would take its own resurrection for an error, unwind " +
    "with RECOVER instead of RESTORE, and leave devices in a state that no driver expects.",
  F86: "Memory that firmware keeps, its non-volatile area, reserved ranges and ACPI tables, is " +
    "rebuilt at each power-on. A restore leaves it alone (B.5.1, D.1), for the image has " +
    "yesterday's content. Put back, battery and thermal state are wrong, methods read stale " +
    "buffers, and some machines hang in management mode. What the kernel needs of that area it " +
    "saves and restores by a step of its own.",
};
