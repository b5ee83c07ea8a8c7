/**
 * Passages about kernels that take turns, clocks, power and the tools around.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const TURNS_PASSAGES: Passages = {
  F87: "The simple hibernation of mainline jump tells the firmware nothing. No method prepares a " +
    "sleep, nothing is armed to wake, power goes off by S5, and on resume no wake method runs, " +
    "for the machine never slept (B.4.3). Running half of the ACPI dance would be worse than " +
    "none: firmware that was told of S4 expects a wake, keeps devices powered and answers the " +
    "next boot strangely.",
  F93:
    "Two kernels with one image can change places as often as they like, and each goes on where " +
    "it stopped; the boot is paid once (B.4.4, B.4.5). Recorded Linux 6.1 with its two cures " +
    "did so several times in a row. If a second turn boots again, the start address was not " +
    "taken over at the return; the peer's session, with all it had open, is lost without a " +
    "message.",
  F94: "A kernel that has jumped away is memory and nothing more. It answers no interrupt, no " +
    "packet and no message until it is entered again, and never do two kernels run at one time " +
    "(B.7). In a machine of actors this must be said, for a sleeping actor could easily be " +
    "handed a letter. A kernel that acts in its sleep writes over memory which is being saved.",
  F95: "For the sleeping kernel no time passes: its monotonic clock goes on from where it stood. " +
    "The world outside did not wait, so the wall clock is read from hardware again on return " +
    "(G.4); recordings of real kernels show it. With a monotonic clock that leaps, every " +
    "timeout fires at once and watchdogs bite; with a wall clock that stands still, files come " +
    "from the past and certificates are not yet valid.",
  F100:
    "Cut the power at any moment, turn it on again: the machine either boots as after a crash " +
    "or resumes whole, with its memory, its registers and a used-up image (G.1). There is no " +
    "third outcome. A half-written image that is entered, or an image entered a second time, is " +
    "a mixture of two moments. This laboratory cuts at each event in turn, which is the hardest " +
    "examination a design can have.",
  F101:
    "Purgatory runs between two kernels and checks by SHA-256 that what it is about to enter is " +
    "what was loaded (B.4.3 step 5). If a digest differs it loops for ever: nothing else is " +
    "left to trust. Something wrote into the image meanwhile, a stray DMA or a wrong pointer. " +
    "Entering it anyway would let damaged code run over the memory of the sleeping kernel and " +
    "over its disk.",
  F102:
    "For the way back the tool loads a helper: one empty segment whose entry is the sleeper's " +
    "re-entry point (A.7). It refuses an entry of zero, which leads nowhere, and it refuses " +
    "while something is loaded, since that image would be replaced and its sleeping peer " +
    "forgotten. Without these checks a typing error ends both kernels at once, the one that " +
    "jumps and the one that waits.",
  F103: "Preserving a context needs a bound for the second kernel's memory, or everything would " +
    "have to be exchanged; so kexec insists on --mem-max (A.7). The newer system call that " +
    "takes a file cannot preserve at all and is refused as well, as recordings show. Let " +
    "through, the second kernel would settle in pages that nobody swaps, and the first would " +
    "find them taken on its return.",
};
