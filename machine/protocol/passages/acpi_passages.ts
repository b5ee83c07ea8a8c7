/**
 * Passages about firmware: the methods around S4 and their order.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const ACPI_PASSAGES: Passages = {
  F81: "_PTS tells firmware that a sleep is near. It runs after the drivers have been told and " +
    "with interrupts on, because it may use the embedded controller, and before the sleep " +
    "registers are written (E.6.5). Recorded platform cycles of Linux 6.1 show it in that " +
    "place. Too early, drivers find hardware that firmware already put away; with interrupts " +
    "off, the method waits for an event that cannot come.",
  F82:
    "After waking from S4 the kernel in the image runs _WAK, once for that sleep and before its " +
    "drivers wake. The kernel that merely booted runs neither sleep nor wake methods, since it " +
    "knows nothing of the sleep (B.5.11). Linux 6.1 misses it where mode suspend falls back to " +
    "S4 on an image that was not made for it: the firmware is never told that its machine is " +
    "awake.",
  F83: "_GTS and _BFS frame the sleep most tightly: the last method before the switch, the first " +
    "after the wake (E.6.5). They ran with interrupts off, and the specification dropped them " +
    "after 5.0; Linux of today never runs them. Where they are run, nothing may come between, " +
    "since firmware uses them for settings that any later method assumes to be in place.",
  F84:
    "The sleep type goes to the register first, then again together with the enable bit; before " +
    "it, the old wake status is cleared and the events that may wake are enabled (E.6.5). Some " +
    "chipsets take a single write wrongly. With stale status set the machine wakes as soon as " +
    "it sleeps; with no event enabled it sleeps until somebody pulls the plug.",
  F85: "Firmware's non-volatile memory is not part of the image, but firmware changes it while " +
    "booting. Linux saves it before the copy and restores it after the return, in front of _WAK " +
    "(B.5.11), so that methods find the values they left. Recorded platform cycles do so. " +
    "Without it some laptops come back with a dead battery display or hang in the wake method; " +
    "an option turns it off for those that dislike it.",
};
