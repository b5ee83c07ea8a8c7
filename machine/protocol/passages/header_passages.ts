/**
 * Passages about the checks in front of a restore.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const HEADER_PASSAGES: Passages = {
  F63: "No signature, no image: the look ends with EINVAL, and the machine boots as always " +
    "(B.5.7). That is by far the most frequent case, at each ordinary power-on, so it must cost " +
    "nothing and touch nothing. A recorded 6.1 with a spoiled signature does just that. A " +
    "loader which read pages first and asked later would fill memory with the content of an " +
    "ordinary swap area.",
  F64:
    "Before a single page is loaded, the header is compared with the machine: the magic of the " +
    "restore procedure, the memory map, the number of page frames (B.5.7, B.5.9). A difference " +
    "is reported as EPERM. Recordings with another memory size show the refusal. Without it " +
    "pages are restored to frames that do not exist or belong to firmware, and the error shows " +
    "only when the wrong kernel is already running.",
  F65:
    "The first x86_64 record for arbitrary boot kernels has two words: where to jump, and that " +
    "address combined by XOR with a magic number (B.5.8). If the second does not fit the first, " +
    "the answer is EINVAL. It tells an image of another procedure from a valid one, and a " +
    "flipped bit in the address as well. Jumping on an unchecked word enters the restored " +
    "memory at a random place.",
  F66: "The architecture's record shares one page with the general header. Where the room it is " +
    "given is too small, saving has to say EOVERFLOW (B.5.8) and the hibernation fails early, " +
    "with nothing lost. Writing anyway would run over the fields behind it, such as page counts " +
    "or version, and the image would be refused or, worse, misread at the next boot.",
  F67: "The kernel that loads an image need not be the one in it: only the magic of the restore " +
    "procedure has to agree, not the version (B.5.8). This is what lets a boot loader's kernel " +
    "resume any installed one. Comparing version strings, as was done before, forced users to " +
    "keep the very same binary; not comparing the magic lets two kernels disagree on who copies " +
    "what.",
  F68:
    "The memory map that firmware reports must be the same at both ends; Linux keeps a checksum " +
    "of it in the header and answers ENODEV otherwise (B.5.9). Change a memory module, or let " +
    "an update move a reserved range, and pages would be restored over firmware's own data. The " +
    "map in question is the one as given, not the kernel's edited copy, which differs with the " +
    "command line.",
  F69: "Firmware offers a hardware signature to tell whether the machine was changed while it " +
    "slept. ACPI asks systems to obey it; Linux merely warns unless told otherwise, and where " +
    "it obeys, EINVAL comes after the signature on disk was taken away already, so the image is " +
    "lost (B.5.7). Safe, but surprising. Ignored without a word, drivers would wake on hardware " +
    "that has moved.",
  F70: "Compressed images carry a checksum over their pages. A stream that does not add up is " +
    "ENODATA and is never entered (B.5.7). A recording with a damaged image shows Linux " +
    "refusing it and going on to boot. One flipped bit may lie in a page table or a return " +
    "address; restoring it means a machine that fails hours later, and writes wrong blocks in " +
    "between.",
};
