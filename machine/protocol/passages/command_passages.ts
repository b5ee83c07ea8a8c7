/**
 * Passages about v7's jumps that carry a command.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const COMMAND_PASSAGES: Passages = {
  F89:
    "In v7 a jump carries a command, offered to a chain of callbacks; whoever knows it handles " +
    "it and stops the chain, and where nobody does, the default saving and restoring takes " +
    "place (B.2.1). So new purposes need no change in the jump itself. A chain that goes on " +
    "after it was handled saves states twice, and one that stops without handling leaves " +
    "devices running across the jump.",
  F90: "The callbacks before a jump run in the kernel that leaves, those after it in the kernel " +
    "that is entered, and both see the same command (B.2.1). One prepares a snapshot, the other " +
    "prepares to write it. If the command changes on its way, the entered kernel restores its " +
    "devices as after a resume while it should have got ready for writing, or the other way " +
    "round.",
  F91:
    "For S4 the sleep methods have to run in the kernel that is hibernated, before it jumps to " +
    "the writer (B.2.3, B.3.4). Its drivers know the devices, and it is the kernel that will " +
    "run the wake methods later. Run by the writer, firmware's idea of the machine and the " +
    "sleeping kernel's would differ; left out, the machine may come back from S4 with devices " +
    "nobody has initialised.",
  F92: "The small kernels of v7 work unattended: one booted with go_to_hibernate jumps back as " +
    "soon as it is ready, one with go_to_resume restores the image and jumps into it (B.2.2, " +
    "B.2.4). Nobody sits there to type. If such a kernel merely stops at a prompt, preparation " +
    "or resume hangs half-way, with the session of the user waiting behind it.",
};
