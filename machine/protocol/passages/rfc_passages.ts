/**
 * Passages about the prototype of August 2007.
 *
 * @module
 */
import type { Passages } from "./passage.ts";

/** Passages by rule. */
export const RFC_PASSAGES: Passages = {
  F02: "The prototype's jump command asks the kernel first whether a crash image is loaded, and " +
    "gives up only when it reads a clear zero; where the file cannot be read it goes on, and " +
    "the kernel itself answers EINVAL (B.1.1, A.7). So an old kernel without that file can " +
    "still be used. A tool that took silence for consent in the kernel as well would jump into " +
    "an empty reserved region.",
  F18: "The prototype runs its second kernel in memory that was reserved when the first one " +
    "booted. All segments and the entry must lie in there; the kernel says EADDRNOTAVAIL " +
    "otherwise (C.2). The first kernel never uses the region, so nothing has to be swapped. A " +
    "segment outside would be copied straight over live data, for a crash image goes to its " +
    "place at load time, not at the jump.",
  F48: "The first prototype copied all memory, free pages included, everything but the reserved " +
    "region (B.1.1, B.1.5 limit 4). That was slow, and the image as large as RAM, but it needed " +
    "no knowledge of what is free. It is held here as a fact of that system: an image with less " +
    "would show that something was filtered without a tool that could know what may be left " +
    "out.",
  F79:
    "The prototype's way home is a jump buffer: a page whose number the sleeping kernel exports " +
    "and the user saves beside the image (B.1.2). Before jumping back, that number has to be " +
    "written into the restoring kernel, which otherwise knows only its own. With another number " +
    "control goes to a page of arbitrary content. No check stands in the way; the laboratory " +
    "refuses where the real machine would crash.",
  F88: "The prototype works only without ACPI in both kernels (B.1.5 limit 2). Its way to quiet " +
    "devices is the suspend path, which with ACPI puts them into low-power states that the next " +
    "kernel cannot get them out of while booting. A kernel told acpi=off will do as well. " +
    "Otherwise the second kernel hangs on its first disk; separate callbacks for freezing were " +
    "the lasting cure.",
};
