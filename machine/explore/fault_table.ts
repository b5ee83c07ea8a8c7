/**
 * The fault table for loss of power (protocol.md G.1), in prose first: what is going on when the
 * power goes, what the disk then holds, and what the next boot must show. Every row is a stretch
 * of a hibernation with resume; `begins` says by which event of a trace it begins, `after` in
 * which rows that event means so. It is one table for all systems: A saves itself where there is
 * no B, so a row may be missing; the words are those of the kexec jump.
 *
 * Where a row lets either happen, the sectors that survived decide; whichever it is, it must be
 * one of the two whole: an ordinary boot, or a resume in which nothing is lost (F23, F30, F60).
 *
 * What file systems are like afterwards. The root file system of the kernel that is lost stays
 * marked as not unmounted: the next boot that mounts it sees that, as after any crash. The
 * partition that images are on is ext2 without a journal, and a saver's metadata reach the disk
 * in no order but that of its flushes, so a cut leaves it unclean and, in the rows in which it
 * is written to, possibly with bitmaps and counts that `e2fsck` would want to correct. That is
 * what ext2 promises and is accepted. Not accepted is a name that is given to an image which is
 * not whole: at all times `dump.elf` is absent, or complete and equal to its sums. A saver that
 * finds the partition unclean must be able to save all the same.
 *
 * @module
 */
import type { TraceEvent } from "../trace/event.ts";

/** What the boot after a cut must show. */
export type NextBoot = "ordinary" | "resume" | "either";

/** A row. */
export interface PowerLoss {
  readonly id: string;
  /** What is going on. */
  readonly during: string;
  /** What is on the disk. */
  readonly disk: string;
  readonly next: NextBoot;
  /** Rows that it may follow, by id; the first row follows none. */
  readonly after: readonly string[];
  /** Whether the stretch begins with this event, if one of `after` is the stretch so far. */
  readonly begins: (event: TraceEvent) => boolean;
}

function isFact(event: TraceEvent, name: string, op?: string): boolean {
  return event.kind === "note" && event.type === `fact.${name}` &&
    (op === undefined || event.summary?.["op"] === op);
}

/** The rows, in the order in which a hibernation with resume comes to them. */
export const POWER_LOSS_TABLE: readonly PowerLoss[] = [
  {
    id: "runs",
    during: "A boots and runs, before anything",
    disk: "no image",
    next: "ordinary",
    after: ["leaves", "saver boots"],
    begins: (event) => isFact(event, "power", "on"),
  },
  {
    id: "leaves",
    during: "A freezes, stands still, jumps; its list is walked",
    disk: "no image; what was not synced is lost as in a crash",
    next: "ordinary",
    after: ["runs"],
    begins: (event) => isFact(event, "exec") || isFact(event, "freeze"),
  },
  {
    id: "saver boots",
    during: "B boots, mounts the image's partition and removes an earlier image",
    disk: "no image",
    next: "ordinary",
    after: ["leaves"],
    begins: (event) => isFact(event, "jump"),
  },
  {
    id: "pages",
    during: "the image's pages, sums and manifest are written",
    disk: "partial, under a name that is not valid",
    next: "ordinary",
    after: ["runs", "leaves", "saver boots"],
    begins: (event) => isFact(event, "image", "begin"),
  },
  {
    id: "commit",
    during: "the image gets its valid name, until the flush behind it is done",
    disk: "complete; the name is in the disk's cache",
    next: "either",
    after: ["pages"],
    begins: (event) => isFact(event, "image", "commit"),
  },
  {
    id: "committed",
    during: "B unmounts and switches off",
    disk: "a valid image",
    next: "resume",
    after: ["commit"],
    begins: (event) => isFact(event, "flush", "done"),
  },
  {
    id: "resumer boots",
    during: "C boots, looks for the image, checks and loads it",
    disk: "a valid image",
    next: "resume",
    after: ["committed"],
    begins: (event) => isFact(event, "power", "on"),
  },
  {
    id: "invalidation",
    during: "the image's name is taken away, until the flush behind that is done",
    disk: "a valid image; its loss of the name is in the disk's cache",
    next: "either",
    after: ["resumer boots"],
    begins: (event) => isFact(event, "image", "invalidate"),
  },
  {
    id: "invalidated",
    during: "C unmounts and executes; its list is walked",
    disk: "no valid image: A is lost, file systems are as synced before it left",
    next: "ordinary",
    after: ["invalidation"],
    begins: (event) => isFact(event, "flush", "done"),
  },
  {
    id: "runs again",
    during: "A's first steps, and A runs",
    disk: "no valid image",
    next: "ordinary",
    after: ["invalidated", "resumer boots"],
    begins: (event) => isFact(event, "resumed"),
  },
];
