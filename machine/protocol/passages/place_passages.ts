/**
 * Passages about where images lie and who may touch disks in the meantime.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const PLACE_PASSAGES: Passages = {
  F56: "An image needs a place that nobody else believes to be his. swsusp takes an active swap " +
    "area and exchanges its signature; khibernation takes a raw partition without a file system " +
    "(B.5.6, B.2.6). Linux refuses an area without a swap signature with ENODEV. Written to a " +
    "partition with files, the image would overwrite them; written to an area that another " +
    "system formats as swap, it would be gone by morning.",
  F57: "The partition for khibernation's images serves nothing else (B.2.6 issue 2). The kernel " +
    "that writes it is not the one that mounts things, so no lock and no mount table warns " +
    "anybody: what the sleeping kernel keeps there would be overwritten behind its back while " +
    "its caches still believe in it. The authors wanted to write into a file by a list of " +
    "blocks instead, which never was posted.",
  F58:
    "Between the commit and the return no other kernel may touch what the sleeper has mounted, " +
    "not even to read: replaying a journal is a write (B.5.1, G.2). None of the systems detects " +
    "it, all must prevent it by keeping to other partitions, as the prototype does with a " +
    "second and a third root. The sleeper returns with its cached metadata, writes them over " +
    "what has changed, and the file system is corrupt.",
  F59:
    "A booting kernel looks for an image before it mounts anything. Later is too late: mounting " +
    "replays the journal and updates superblocks, and an image found afterwards belongs to a " +
    "disk that has moved on. Only the file system which holds the image, or a root the sleeper " +
    "never had, may come first (B.1.2). That is why swsusp looks late in the initcalls, in " +
    "front of mounting the root.",
  F62: "noresume means: forget the image. The kernel does not read it (B.5.7), but it must not " +
    "leave it alive either, for it is about to use the swap area and mount the file systems. " +
    "Were the image found again at the next boot, a kernel would come back that knows nothing " +
    "of what happened since. Recordings of Linux 6.1 booted with noresume show an ordinary " +
    "start.",
};
