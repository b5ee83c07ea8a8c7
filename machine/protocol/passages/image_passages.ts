/**
 * Passages about the life of an image: begun, filled, committed, used up.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const IMAGE_PASSAGES: Passages = {
  F51:
    "An image counts only when all of it is there. So it is begun, filled, and committed by one " +
    "small write at the end: a signature, or a rename (G.1). Linux 6.1 writes the signature " +
    "before the last page of its map (B.5.6 Q3). If power goes in between, the next boot " +
    "believes an image that has no end. A checksum catches most of it, luck the rest.",
  F52: "A drive says done when data are in its cache. Before the commit a flush must make the " +
    "pages durable, and after it another one the commit itself (G.2); only then may power go. " +
    "Linux 6.1 sends no flush in the writer and relies on the disk driver's last callback. A " +
    "power cut before it leaves a signature on the medium and holes where pages should be.",
  F53:
    "A kernel that set out to hibernate turns the machine off only when the image is committed " +
    "and durable (B.7.4), and whoever asked is never told of success without one. Linux 6.1 " +
    "breaks the second half: a wake-up event seen just before the copy makes hibernate() return " +
    "0 with nothing saved (B.5.2 Q1). A script that trusts it pulls the plug, and the session " +
    "is gone.",
  F54: "If writing fails, hibernation is over and life goes on: nothing is committed, no sleep " +
    "state is entered, the blocks are given back, tasks thaw and the caller gets the error " +
    "(B.5.6). A full swap area is the usual cause, and compressed images find out only in the " +
    "middle. Powering off in spite of the error turns a nuisance into the loss of everything " +
    "unsaved.",
  F55: "Behind the commit the kernel in the image has one thing left to do: go down (B.5.4). Any " +
    "write to a file system now makes the image a lie, since it remembers an older state. If " +
    "the machine cannot sleep after all, the image has to be invalidated before work goes on. " +
    "Linux would rather halt and ask the user to cut power than continue with a valid image " +
    "behind it.",
  F60: "Before the restored kernel gets the processor, its image must be dead on disk, durably " +
    "(G.1). It will write its file systems at once, and a second resume of the same image would " +
    "bring back caches that no longer fit the disk. Linux takes the signature away first, but " +
    "6.1 flushes nothing behind it; the postings of v7 and of mainline jump do not speak of " +
    "invalidating at all.",
  F61:
    "An image is a photograph of caches over a disk that moves on. Entered once, it is history: " +
    "the kernel in it changes the file systems it has mounted. Entering it again mixes old " +
    "metadata with new blocks, and the file system is destroyed more thoroughly than by any " +
    "crash. Everything about invalidation serves this one sentence (G.1); where nobody " +
    "invalidates, a power cut during resume is enough to break it.",
};
