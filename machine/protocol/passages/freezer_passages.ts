/**
 * Passages about freezing tasks and telling those who want to know.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const FREEZER_PASSAGES: Passages = {
  F42: "User tasks stop first, kernel threads after them, and all go on together at the end " +
    "(B.5.2). A user task that stops in the middle of a write needs the kernel's threads to " +
    "finish it. The other order dead-locks: a task waits for a thread that is frozen already, " +
    "and the freezer gives up after twenty seconds. Recorded consoles of 6.1 show both lines in " +
    "this order.",
  F43: "File systems are written back before tasks are frozen (B.5.2 step 4). Should the image " +
    "never be resumed, because of a flat battery or changed hardware, the disk then holds " +
    "nearly everything. Afterwards it is too late: writing needs threads that no longer run. A " +
    "kernel that leaves the sync out loses minutes of work at each failed resume, where only " +
    "seconds had to be lost.",
  F44: "Who is told that a hibernation begins must be told that it is over, once, on success and " +
    "failure alike (B.5.2). Drivers load firmware or stop services on the first call and undo " +
    "it on the second. The one that refused is not told, since it began nothing. A lost end " +
    "leaves a service stopped for ever; a doubled one starts it twice or frees what is free.",
};
