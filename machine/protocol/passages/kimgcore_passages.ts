/**
 * Passages about kimgcore: a booted kernel kept as a file.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const KIMGCORE_PASSAGES: Passages = {
  F06: "kimgcore is the loaded image as a file, so without an image there is nothing to open: " +
    "ENOENT, and the lock that was taken to look is given back (B.3.1). The second half is " +
    "easily forgotten in an error path. A lock that stays taken makes every later load, jump " +
    "and crash entry answer EBUSY until the next reboot, because of somebody who only looked.",
  F07: "As long as kimgcore is open its reader holds the kexec lock, so that the image stays the " +
    "same under a copy of many reads (B.3.1). Closing gives it back, once. If the lock went " +
    "earlier, a load in the middle of a cp would yield a file that is half one kernel and half " +
    "another; if it were given back twice, somebody else's jump would lose its protection.",
  F08:
    "Opening checks in order: somebody busy, nothing loaded, no memory for the header (B.3.1). " +
    "The lock comes first because only under it the question for the image means anything; " +
    "memory comes last because its size follows from the image. A different order answers " +
    "ENOENT while a load is just under way, and a script that trusts it prepares everything " +
    "anew.",
  F09:
    "The file is an ELF header, one program header for each segment, and behind them the bytes " +
    "of all segments in list order (B.3.2, E.3). A read gives what is left and no more. Sizes " +
    "are kept in 32 bits, so an image of four GiB wraps round. A reader that gets a byte too " +
    "few, or pages in another order, saves a kernel that will fault as soon as it is entered.",
  F10: "The entry in kimgcore's header is the image's start at the moment of opening (B.3.2). " +
    "After a jump there and back this is no longer the boot entry but the place where the " +
    "second kernel waits, and just this makes the file worth having. A header with the old " +
    "entry would boot a kernel from its half-used memory, which cannot work: its initial data " +
    "are gone.",
  F11:
    "After a visit the source pages hold the other kernel as it left the window, for the second " +
    "walk of the list has put it there (C.5). kimgcore reads those pages, so the file is a " +
    "booted kernel, devices found and tools ready. Should it hold the bytes that were once " +
    "loaded instead, the swap back never happened, or the file was read from the wrong pages.",
  F12: "Loading kimgcore and jumping resumes the kernel in it: no decompressing, no probing, no " +
    "boot messages (B.3.4). The boot was paid once for each configuration of hardware, which is " +
    "the whole gain. A second boot means that the entry was wrong or the state was not " +
    "preserved, and hibernation takes seconds longer than was promised. Mind its command line: " +
    "it dates from the preparation.",
  F13: "A kernel kept in kimgcore knows the machine on which it booted. Change a disk, a card or " +
    "the memory, and its drivers and its core header describe hardware that is not there " +
    "(B.2.2, B.2.5). So the file is made anew after any change. Used all the same, it may write " +
    "the image to a wrong place or save a memory map with holes; nothing in the postings checks " +
    "it, the user must.",
};
