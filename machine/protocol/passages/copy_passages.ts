/**
 * Passages about copies of memory in memory, and the devices around them.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const COPY_PASSAGES: Passages = {
  F98:
    "swsusp copies memory within memory, so an image has at most half of what is usable, less a " +
    "reserve for its own writing (B.5.5). What is over it must be reclaimed, or the attempt " +
    "ends with ENOMEM, and that before any device was touched. A kernel that finds out later " +
    "has to undo a half-made hibernation with no memory left to do it in; jumping to another " +
    "kernel avoids the limit.",
  F99:
    "TuxOnIce splits memory. The page cache, which nothing changes meanwhile, is written first; " +
    "its frames then take the copy of everything else, and at resume it is read back last " +
    "(B.6). So an image can be nearly as large as RAM. After the copy no sync may happen, as " +
    "cached metadata have been overwritten, and a cancelled cycle must read the cache again " +
    "before any task goes on.",
  F104: "A restored kernel cannot know what the boot kernel did to its devices, least of all to " +
    "those the boot kernel has no driver for. So each device frozen for the copy is reset by a " +
    "RESTORE callback and then has to work (B.5.3). Recorded resumes of 6.1 show the callbacks. " +
    "A driver that treats it like a thaw sends commands to a device which has lost its queues.",
};
