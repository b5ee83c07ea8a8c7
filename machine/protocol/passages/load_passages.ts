/**
 * Passages about loading: which images kexec_load takes and what it answers to others.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const LOAD_PASSAGES: Passages = {
  F14:
    "kexec_load examines a request in a fixed order: permission, flags, number of segments, the " +
    "lock, addresses, overlaps, sizes, the half-of-RAM limit, then memory (C.2). The first " +
    "check that fails decides the errno. Tools rely on it, for EBUSY means try again and " +
    "EADDRNOTAVAIL means choose another place. The numbers were measured on a real 6.1; a " +
    "kernel that checks in another order answers a doubly wrong request with another error.",
  F15: "The interface has room for sixteen segments and no more. Dumps of a machine that dropped " +
    "its free pages easily have hundreds of ranges, so such an image cannot be loaded in one " +
    "call (B.4.7). Its author planned a flag for several calls, which never came into mainline. " +
    "Ranges must be merged until they fit. A load that claimed to succeed with more would " +
    "silently leave part of the memory where it was.",
  F16: "A segment is whole pages at a place of its own: aligned at both ends, below the " +
    "architecture's limit, apart from all others, with no more content than room (C.2). The " +
    "copy works on pages and knows no order between segments. If two overlap, the later one " +
    "wins by accident; if one is not aligned, the bytes next to it are wiped out. Either way " +
    "the entered kernel finds itself damaged.",
  F17: "Linux 6.1 refuses a load that would take more than half of the machine's pages, by one " +
    "segment or by all together; 2.6.27 knows no such limit (C.2). Source pages and " +
    "destinations both need room, so a larger image can drive the loading kernel out of memory. " +
    "The price: a saved image above half of RAM can be written but not loaded again on 6.1, and " +
    "resuming fails with EINVAL.",
  F19:
    "A new image is built completely before it replaces the old one, so that a load which fails " +
    "leaves the machine as ready as before (C.1). The crash slot is the exception: its region " +
    "holds only one image, and the old one is gone once copying may begin. Whoever reloads a " +
    "crash kernel and fails has none; whoever reloads a jump image and fails still can jump. " +
    "Mixing the two up loses the way back.",
  F20:
    "Asking for zero segments means: take out what is loaded. It succeeds even when nothing is " +
    "loaded, because the wish is already true (C.1). Scripts unload before they load without " +
    "looking first, and an error would stop them for no reason. An unload that answered well " +
    "and left the image in place would be worse: the next exec would enter a kernel that its " +
    "owner believed was gone.",
};
