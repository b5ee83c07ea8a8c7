/**
 * Passages about whose memory is whose while kernels take turns.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const MEMORY_PASSAGES: Passages = {
  F23: "This is the heart of the matter: a kernel that comes back finds each page as it left it, " +
    "whoever ran in the meantime and however often (B.4.3). The observer of this laboratory " +
    "notes a checksum of every frame at the jump and compares at the return. A single page that " +
    "differs is a file with foreign bytes in it, or a kernel structure that leads nowhere, " +
    "noticed hours later. Low memory left unprotected breaks it.",
  F24: "While a kernel sleeps, its memory is untouchable except for the pages that its own image " +
    "traded in (C.4). The other kernel is given a window and told that there is nothing else. " +
    "Linux 6.1 with a stock tool gives the second kernel all of RAM, and low memory is " +
    "protected by nobody (D.3): both overwrite the sleeper. It comes back, runs a little and " +
    "dies of something that looks like bad hardware.",
  F49:
    "A saver sees the previous kernel's memory through /proc/vmcore. Its own window must not be " +
    "in it, since what lies there now is the saver itself (B.4.3 step 3). Included, the image " +
    "would hold a page of the wrong kernel under the right address, and a restore would plant " +
    "it. What the sleeper had there is saved elsewhere: as source pages of its loaded image.",
  F78:
    "The lowest 640 KiB are special: firmware data lie there, and a starting kernel uses it for " +
    "its first code. The prototype copies it to a backup and back; the tools for preserved " +
    "context of 2008 protect it in no way when the window starts at one MiB (D.3), and stock " +
    "6.1 shows the same. Unless it is back in place, the returning kernel finds its low pages " +
    "full of the other's boot code.",
};
