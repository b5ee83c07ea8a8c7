/**
 * Passages about restoring with a tool that writes another kernel's memory.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const RESTORER_PASSAGES: Passages = {
  F76: "In the prototype and in v7 the restoring kernel may own only memory which the writer had " +
    "as well (B.1.2, B.2.4). The image describes everything else, so a restorer with more " +
    "memory would have to overwrite itself. Mainline's jump has no such rule, since a plain " +
    "kexec moves pages at the very end. Break it, and the tool writes over its own kernel in " +
    "the middle of the restore.",
  F77:
    "The restoring tool writes through /dev/oldmem exactly the ranges in the image, and nothing " +
    "where its own kernel runs; what belongs into low memory goes to the backup area instead " +
    "(B.1.2). One range too many destroys the restorer at work; one page too few leaves the old " +
    "machine's random content, which no checksum covers, because it never was in the file.",
  F80:
    "krestore understands one format: ELF of 64 bits, for which the core headers are made with " +
    "an option of its own at load time (A.2, A.7). Everything else is refused. A 32-bit dump " +
    "has other field widths, so its addresses would be read from the wrong offsets, and the " +
    "tool would write pages all over the machine before anything looked odd.",
};
