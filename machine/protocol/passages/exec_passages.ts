/**
 * Passages about executing an image: who may, with what loaded, under which lock.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const EXEC_PASSAGES: Passages = {
  F01: "An exec needs something to enter. The kernel looks into its slot and refuses when nobody " +
    "loaded an image, or somebody unloaded it since (B.4.1). A jump that preserves its kernel " +
    "keeps the image, because the way back runs through the same page list; a plain exec gives " +
    "the machine away for good. A kernel that jumped without an image would send the processor " +
    "to whatever bytes happen to lie there, and the machine would reset without a word.",
  F03:
    "Reaching for an image that is not there must be harmless: the call answers EINVAL and the " +
    "kernel goes on as if nobody had asked (B.4.1 step 2). The check therefore stands in front " +
    "of the console, the freezer and the devices. A kernel that checks later has stopped half " +
    "the machine before it finds that there is nowhere to go, and has to wake everything up " +
    "again for nothing.",
  F04: "Loading, unloading, executing, reading kimgcore and the crash path all touch the same " +
    "image, so one lock serves them all (B.4.1 step 1). If two of them run together, a page " +
    "list is freed while the other walks it, and the copy at the jump overwrites memory that " +
    "belongs to somebody else by then. The lock must also be given back by its taker; a lock " +
    "freed by a stranger protects nobody.",
  F05: "Whoever finds the kexec lock taken is told EBUSY and leaves at once (B.4.1 step 1). " +
    "Nothing waits, because the holder may be a jump that ends in another kernel or an open " +
    "file that its reader never closes. Recorded Linux 6.1 answers the same way. A caller that " +
    "changed something before asking would leave half a load behind that nobody undoes.",
  F27:
    "After a jump the start address of an image is whatever the other side left, and it can be " +
    "useless: 0 after a resume from a dump, and the first word of a foreign page after " +
    "physical-mode code simply returned (C.7 P1, P3). Linux 6.1 does not look and would enter " +
    "it. The tool of this laboratory refuses such an image; real hardware would fault three " +
    "times and reset.",
};
