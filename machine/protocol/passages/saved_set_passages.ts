/**
 * Passages about which pages an image must have.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const SAVED_SET_PASSAGES: Passages = {
  F46: "An image is complete when it has every page with state: all but holes, free pages, those " +
    "marked never to be saved, and the copy itself (D.5). Kernel text that merely looks " +
    "reserved belongs to it. Leaving out one page too many destroys data without any error at " +
    "restore time; saving one that should not be saved, such as firmware's memory, puts stale " +
    "values back over fresh ones.",
  F47: "Filters may make an image smaller by leaving out free pages, and nothing else. " +
    "makedumpfile can drop caches and user data as well, which is fine for a crash dump and " +
    "fatal here (D.6): the restored process finds zeros or leftovers where its heap was. What " +
    "is free is known only to the sleeping kernel's own tables, which the tool must be able to " +
    "read; a note it lacks needs the option to work without.",
  F50:
    "The sleeping kernel had data in the window too. They are not lost: the swap has moved them " +
    "into the source pages of the loaded image, which lie outside the window and are saved like " +
    "all others (C.5). On resume the control code moves them home. A saver that took source " +
    "pages for garbage would produce an image whose kernel returns with a hole of sixteen " +
    "megabytes.",
};
