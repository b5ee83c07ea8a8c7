/**
 * Passages about the exchange of pages and the two addresses of a jump.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const JUMP_PASSAGES: Passages = {
  F21:
    "The relocation code exchanges pages two by two, so no page may play in two pairs (C.4). A " +
    "source page is therefore either its own destination or nobody's, and the pages that hold " +
    "the code, the list and the spare page are destinations of nobody. Break that, and walking " +
    "the list twice no longer undoes itself: after the return a page of the sleeping kernel " +
    "holds bytes of the other one.",
  F22:
    "One list of pairs is the whole backup (C.5). Walked before the jump it puts the image into " +
    "the window and the old content into the source pages; walked again on return it puts both " +
    "back. There is no other copy. If a pair is missed, doubled or changed in between, exactly " +
    "that page comes back wrong. It is always the sleeping kernel's own code which swaps back, " +
    "whoever made the jump.",
  F25: "When a kernel jumps away it calls the other side like a function, and the return address " +
    "stands on top of the stack at the end of the swap page (C.7). That address, inside the " +
    "caller's own control page, is the way back: the tools write it down and load it with the " +
    "image. No symbol and no table exports it. Any other address lands in code that knows " +
    "nothing of the pages to swap back.",
  F26: "A returning jump carries one word home: what the other kernel left on its stack becomes " +
    "the new start of the image, so that the next exec enters that kernel where it stopped " +
    "(C.7). After a plain exec the word is 0, and code that merely returns leaves an arbitrary " +
    "word behind, a quirk of real 6.1 (P1). A kernel that keeps the old start boots the other " +
    "one afresh and loses its state.",
  F28: "The word on top of the stack tells the entered code where it came from: an address when " +
    "the kernel behind it was preserved, zero when it is gone (C.7). Purgatory always reads it. " +
    "A zero on a preserving jump hides the way home, and the first kernel sleeps for ever; a " +
    "stray value on a plain exec invites somebody to return into memory that has long been " +
    "overwritten.",
  F29: "The entered kernel learns the way back from its command line: purgatory appends the " +
    "jump-back entry exactly when the stack held one (B.4.3, C.7 P4). User space cuts it out " +
    "there and stores it beside the dump. Where the word was not pushed, crash kernels showed a " +
    "bogus entry. Beware of a kernel that comes from kimgcore: its command line is that of the " +
    "preparation, and the entry on it is stale.",
};
