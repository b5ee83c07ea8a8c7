/** A machine in which B dumps A's memory in every format. */
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { runMachine } from "./machine_kit.ts";
import { type Run, settingsOf } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

/** Files on the hibernating partition, and the options that make them. */
export const DUMPS = {
  "/d16.elf": "--edit -d 16",
  "/d16.kdump": "-d 16",
  "/d16z.kdump": "-c -d 16",
  "/d16l.kdump": "-l -d 16",
  "/d31l.kdump": "-l -d 31",
} as const;

/** A works, jumps to B, which writes {@linkcode DUMPS} and then has `more` typed. */
export function dumpAll(profile: string, memoryMiB: number, more: readonly string[] = []): Run {
  return runMachine({
    profile,
    memoryMiB,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 64 1 1 2"),
      typed("A", loadCommand(settingsOf({ profile }).mainline)),
      typed("A", "kexec -e"),
      typed("B", "mount /dev/sda3 /mnt"),
      ...Object.entries(DUMPS).map(([path, options]) =>
        typed("B", `makedumpfile ${options} /proc/vmcore /mnt${path}`)
      ),
      ...more.map((line) => typed("B", line)),
      typed("B", "umount /mnt"),
      { do: "prompt", at: "B" },
      { do: "finish", outcome: "dumped" },
    ],
  });
}
