/**
 * Passages about devices, the console and tasks on the way down and up again.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const DEVICE_PASSAGES: Passages = {
  F34:
    "Devices go down in steps, each with other rights: first no new children, then no new work, " +
    "then no interrupts, at last the system devices, and only then the jump or the copy (B.4.1, " +
    "B.5.3). Each driver relies on what the step before has stopped. A phase that comes too " +
    "early takes the bus away from drivers which still need it, and one left out leaves a " +
    "device running.",
  F35:
    "The way up is the way down reversed: system devices, then those needed without interrupts, " +
    "early ones, all others, and completion at last (B.4.1). Timers and interrupt controllers " +
    "must live before a disk driver can wait for its drive. Linux 6.1 was recorded doing just " +
    "this after copies and jumps. In the wrong order a driver wakes before its bus and times " +
    "out.",
  F36:
    "A device needs its parent to be awake. So children freeze before parents and parents thaw " +
    "before children; preparing goes from the root down, completing from the leaves up (B.5.3). " +
    "Tracers of real kernels show it device by device. If a bus sleeps before its disk, the " +
    "disk's last commands never leave, and its freeze callback fails or hangs.",
  F37:
    "Quiescent means that nothing of a sleeping kernel moves any more: no DMA, no interrupt, no " +
    "transfer, from its last phase down until its first phase up (B.5.3). A broken driver that " +
    "leaves a ring buffer armed lets the network card write into pages which belong to the next " +
    "kernel or were copied a moment ago. No checksum notices, for the image is made after the " +
    "damage.",
  F38:
    "Standing still is not sleeping. A freeze stops DMA and interrupts but leaves power on and " +
    "arms nothing to wake the machine (B.5.3). The v7 postings used suspend callbacks to be " +
    "quiet, their first known issue (B.2.6): devices were powered down and up at every jump, " +
    "slowly and sometimes for good. The prototype did likewise, which is why it needed ACPI " +
    "left out.",
  F39: "The message tells a driver what happened to its hardware. After a copy the state is the " +
    "driver's own: THAW. After a restore another kernel has touched the device: RESTORE, " +
    "perhaps a full reset. After a failure: RECOVER (B.5.3). A driver that is told THAW where " +
    "RESTORE was right trusts registers that a boot kernel has programmed, and talks to " +
    "hardware that is not where it thinks.",
  F40:
    "When a device refuses to go down, the whole transition is off: what was done is undone in " +
    "reverse, and the caller hears that device's error (B.4.2). Linux 6.1 breaks this at a " +
    "jump: if the first phases fail it skips the resume and leaves the devices that were frozen " +
    "already as they are. The machine looks alive, yet its disk or network no longer answers.",
  F41: "A jump freezes tasks first, and if one will not stop, exec reports EBUSY, whatever the " +
    "reason was (B.4.1 step 5). The tasks already frozen go on, and the console is given back. " +
    "Without the undoing a machine with one stubborn process stays mute: every other task waits " +
    "in the freezer for a thaw that nobody sends.",
  F45: "The console is taken care of before tasks and devices are touched and handed back after " +
    "all of them (B.4.1, B.5.2). Graphics may hold a lock that only a running task can release, " +
    "so switching to a text console must come while tasks still run. Given back too early, " +
    "messages are sent to a device that is still asleep; forgotten, the user's screen stays " +
    "dark after a perfect resume.",
};
