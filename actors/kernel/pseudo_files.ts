/**
 * Files that no disk holds: a kernel makes their text when they are read (protocol.md A.3). The
 * previous kernel's memory, `/proc/vmcore`, is no text and has a module of its own.
 *
 * @module
 */
import { emitIomem, iomemFromE820 } from "../../machine/formats/e820.ts";
import { vmcoreinfoBytes } from "./boot.ts";
import type { Kernel } from "./kernel_context.ts";

const FILES: Readonly<Record<string, (kernel: Kernel) => string>> = {
  "/proc/cmdline": ({ state }) => `${state.commandLine}\n`,
  "/proc/iomem": ({ state }) => emitIomem(iomemFromE820(state.map)),
  "/proc/mounts": ({ state }) =>
    state.mounts.map(({ path, partition, readOnly }) =>
      `/dev/sda${partition} ${path} ext2 ${readOnly ? "ro" : "rw"} 0 0\n`
    ).join(""),
  "/proc/sys/kernel/osrelease": ({ profile }) => `${profile.release}\n`,
  "/sys/kernel/kexec_loaded": ({ state }) => `${state.image === null ? 0 : 1}\n`,
  "/sys/kernel/kexec_crash_loaded": () => "0\n",
  "/sys/kernel/vmcoreinfo": (kernel) => {
    const address = kernel.state.layout?.vmcoreinfo ?? 0;
    return `${address.toString(16)} ${vmcoreinfoBytes(kernel).length.toString(16)}\n`;
  },
};

/** The text of a pseudo-file, or `undefined` where there is none of that name. */
export function pseudoFile(kernel: Kernel, path: string): string | undefined {
  return FILES[path]?.(kernel);
}
