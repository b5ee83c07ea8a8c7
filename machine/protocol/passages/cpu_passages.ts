/**
 * Passages about the processor: what is saved, when interrupts go, who is online.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const CPU_PASSAGES: Passages = {
  F30: "A kernel that comes back must find its processor as it left it: control registers, " +
    "descriptor tables, segments, FPU, model-specific registers; and its devices with the " +
    "registers their drivers saved (C.8). Linux 6.1 does not load its GDT again after a jump " +
    "from a kernel, and the first segment load faults (C.7 P2); mainline cured that in 2024. " +
    "The machine then resets in the middle of the return, and everything unsaved is lost.",
  F31: "Saving the processor belongs before the jump, restoring it after the return and before " +
    "interrupts come back (C.7). Between these moments the registers are the other kernel's. A " +
    "kernel that lets an interrupt in before restoring runs its handler on foreign descriptor " +
    "tables and a foreign stack. One that saves too late saves nothing: the code behind the " +
    "jump belongs to the next kernel already.",
  F32: "From well before the jump until its registers are back a kernel takes no interrupt (C.7 " +
    "step 2). The pages under a handler are being exchanged, and its tables are marked invalid. " +
    "The same holds while memory is copied for an image: an interrupt would change what was " +
    "copied a moment ago, and the image would show a state that never existed.",
  F33:
    "Only the boot processor may be awake when memory changes hands (B.4.1). Another one would " +
    "go on executing code and writing data while pages are exchanged below it, or spin in a " +
    "kernel that is no longer there. So the others are taken offline first and brought back " +
    "after the return. Recordings of Linux 6.1 with several processors show exactly this; the " +
    "one-processor runs have no occasion for it.",
  F96:
    "Before a preserving jump the I/O interrupt controller is put back into the mode in which a " +
    "PC starts (C.7 step 3). The entered kernel boots like any other and waits for a timer tick " +
    "over the old lines while it calibrates itself. Left in the mode of the first kernel, the " +
    "tick never arrives, and the second kernel hangs early in its boot without having printed " +
    "why.",
  F97: "Once the machine-specific part of an exec has begun there is no way to fail: interrupts " +
    "are off, devices stand still, pages are about to move (B.4.2). Everything that needs " +
    "memory must have been taken before, when the image was loaded. An allocation here could " +
    "sleep or reclaim pages that are being exchanged, and an error would have nobody to return " +
    "to.",
};
