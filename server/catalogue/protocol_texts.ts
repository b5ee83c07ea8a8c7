/**
 * The systems of the postings, told in a paragraph each.
 *
 * @module
 */

/** A system as it is told. */
export interface ProtocolText {
  /** Beginning of its scenarios' names. */
  readonly name: string;
  /** Its own letter of protocol.md F.0; empty for one that has none. */
  readonly letter: string;
  /** For people, where the letter's name does not say it. */
  readonly title?: string;
  readonly summary: string;
}

/** The systems, oldest first. */
export const PROTOCOL_TEXTS: readonly ProtocolText[] = [
  {
    name: "rfc",
    letter: "R",
    summary:
      "The prototype. A second kernel waits in memory that was reserved when the first one " +
      "booted, as for a crash. A jump leaves the first kernel asleep in RAM; the second " +
      "copies all of it, free pages too, through /proc/vmcore into a file and powers off. " +
      "To resume, a third kernel boots and jumps to a fourth in the same region, whose " +
      "krestore writes the old memory back and jumps through a page whose number was saved " +
      "beside the image. ACPI has to stay out of it.",
  },
  {
    name: "v4",
    letter: "",
    title: "Kexec jump v4",
    summary: "The step after the prototype: nothing is reserved any more. What stands where the " +
      "second kernel will run is exchanged with its image page by page, and the same " +
      "exchange undoes itself on the way back. One reboot command serves both directions, " +
      "and a kernel that was left is entered where it left, so that two of them can take " +
      "turns.",
  },
  {
    name: "v7",
    letter: "V",
    summary:
      "Hibernation with ACPI S4 by jumps that carry a command. The pre chain of the kernel " +
      "that leaves takes a snapshot in the manner of swsusp's platform mode, the post chain " +
      "of the one that is entered prepares to write. The second kernel drops free pages " +
      "with makedumpfile, writes to a raw partition and enters S4. A kernel booted in the " +
      "same narrow window restores the image and jumps back with the command to resume.",
  },
  {
    name: "kimgcore",
    letter: "G",
    title: "kimgcore, a kernel kept as a file",
    summary: "The loaded image as a file. After a jump there and back the source pages of the " +
      "image hold a second kernel that has booted, found its devices and waits. Read from " +
      "/proc/kimgcore and kept, it is loaded again at each hibernation and simply goes on, " +
      "so that its boot is paid once for each configuration of hardware. While the file is " +
      "open nobody else may load or jump.",
  },
  {
    name: "mainline",
    letter: "M",
    summary: "What Linux took in 2.6.27: kexec with preserved context. The relocation code " +
      "exchanges the window's pages, calls the new kernel like a function, and takes the " +
      "old one up again when that call returns. Hibernation is one use of it: the second " +
      "kernel saves /proc/vmcore as an ELF file and shuts down to S5; at the next power-on " +
      "any kernel loads that file with plain kexec. Debugging by snapshots, kernels side by " +
      "side and calls of physical-mode code are others.",
  },
  {
    name: "swsusp",
    letter: "S",
    summary: "Hibernation within one kernel, as Linux does it to this day. Tasks are frozen, " +
      "devices quiesced, memory is copied within memory, devices come back, and the copy " +
      "goes to the swap area with a signature at last. A booting kernel that finds the " +
      "signature loads the pages, makes itself small and overwrites itself in one last " +
      "copy. The image can be half of RAM at most.",
  },
  {
    name: "tuxonice",
    letter: "T",
    summary: "swsusp's rival outside of the tree. It splits memory in two: the page cache, which " +
      "nothing changes meanwhile, is written first, and its frames then take the atomic " +
      "copy of all the rest. So an image can be nearly as large as RAM. At resume the rest " +
      "is read and restored first and the cache is read back behind it, before any task " +
      "goes on.",
  },
];
