/**
 * The generations of kexec(8), and which of them knew which option and which reboot command
 * (protocol.md 0.1, A.5, A.7, B.2.7): one table, from which the tool takes what it accepts and
 * what it says about an option of another generation.
 *
 * Generations that no kernel profile stands for (v2, v5, v6) are in the table too: their options
 * and commands are known by name only.
 *
 * @module
 */
import type { ToolGeneration } from "../kernel/profiles.ts";

/** All generations, those of kernel profiles among them, in the order of time. */
export const GENERATIONS = ["v2", "rfc", "v4", "v5", "v6", "v7", "jump", "modern"] as const;

/** See {@linkcode GENERATIONS}. */
export type Generation = typeof GENERATIONS[number];

/** What people call a generation. */
export const GENERATION_NAMES: Readonly<Record<Generation, string>> = {
  v2: "kexec jump v2 (2007)",
  rfc: "the RFC of August 2007 (v3)",
  v4: "kexec jump v4 (September 2007)",
  v5: "kexec jump v5 (2007)",
  v6: "khibernation v6 (2007)",
  v7: "khibernation v7 (December 2007)",
  jump: "mainline kexec jump (2008)",
  modern: "kexec-tools 2.0.25",
};

/** What an option sets. */
export type OptionEffect =
  | "load"
  | "load-panic"
  | "exec"
  | "unload"
  | "jump-to"
  | "jump-back"
  | "load-jump-back"
  | "load-preserve-context"
  | "load-jump-back-helper"
  | "help"
  | "version"
  | "status"
  | "append"
  | "initrd"
  | "entry"
  | "flags"
  | "command"
  | "mem-min"
  | "mem-max"
  | "args-none"
  | "elf64"
  | "reuse-command-line"
  | "file-syscall"
  | "no-reserve"
  | "no-ifdown"
  | "no-sync"
  | "nothing";

/** An option: its spellings, whether it wants a value, who knew it. */
export interface ToolOption {
  readonly spellings: readonly string[];
  readonly value: boolean;
  readonly effect: OptionEffect;
  readonly generations: readonly Generation[];
  /** What it is for, in the usage text. */
  readonly text: string;
}

const ALL: readonly Generation[] = GENERATIONS;
/** From the generation named on. */
function since(first: Generation): readonly Generation[] {
  return GENERATIONS.slice(GENERATIONS.indexOf(first));
}

function option(
  spellings: string,
  effect: OptionEffect,
  generations: readonly Generation[],
  text: string,
  value = false,
): ToolOption {
  return { spellings: spellings.split(" "), value, effect, generations, text };
}

/** Every option of every generation. `-c` stands twice: it changed its meaning. */
export const TOOL_OPTIONS: readonly ToolOption[] = [
  option("-h --help", "help", ALL, "Print this help."),
  option("-v --version", "version", ALL, "Print the version of kexec."),
  option("-d --debug", "nothing", ALL, "Enable debugging of a broken load."),
  option("-f --force", "nothing", ALL, "Do not call shutdown before the jump."),
  option("-x --no-ifdown", "no-ifdown", ALL, "Do not bring down network interfaces."),
  option("-t --type", "nothing", ALL, "Specify the kernel's file type.", true),
  option("-l --load", "load", ALL, "Load the new kernel into the current kernel."),
  option("-p --load-panic", "load-panic", ALL, "Load into the reserved region."),
  option("-u --unload", "unload", ALL, "Unload what is loaded."),
  option("-e --exec", "exec", ALL, "Execute the loaded kernel."),
  option("--append --command-line", "append", ALL, "Set the kernel's command line.", true),
  option("--initrd --ramdisk", "initrd", ALL, "Use the file as initial ramdisk.", true),
  option("--elf64-core-headers", "elf64", ALL, "Make the core headers ELF64."),
  option("-j --jump-to", "jump-to", ["rfc", "v4"], "Jump to the loaded kernel."),
  option("-b --jump-back", "jump-back", ["rfc", "v4"], "Jump back to the original kernel."),
  option("-n --no-reserve", "no-reserve", ["v4"], "With -p: without a reserved region."),
  option("--mem-min", "mem-min", since("v4"), "Lowest address to load code at.", true),
  option("--mem-max", "mem-max", since("v4"), "Highest address to load code at.", true),
  option("--load-jump-back", "load-jump-back", ["v5", "v6", "v7"], "Load a kernel to jump to."),
  option("--args-none", "args-none", since("v5"), "Pass no arguments to the loaded code."),
  option("--entry", "entry", since("v5"), "Address to enter at.", true),
  option("--flags", "flags", ["v7"], "Flags of the load: which state is kept.", true),
  option("-c --command", "command", ["v7"], "With -e: command that goes with the jump.", true),
  option(
    "--load-preserve-context",
    "load-preserve-context",
    since("jump"),
    "Load a kernel and preserve the context of this one.",
  ),
  option(
    "--load-jump-back-helper",
    "load-jump-back-helper",
    since("jump"),
    "Load the helper that jumps back.",
  ),
  option("--reuse-cmdline", "reuse-command-line", since("jump"), "Use /proc/cmdline."),
  option("-c --kexec-syscall", "nothing", ["modern"], "Use the kexec_load system call."),
  option("-s --kexec-file-syscall", "file-syscall", ["modern"], "Use kexec_file_load."),
  option("-S --status", "status", ["modern"], "Say whether anything is loaded."),
  option("-y --no-sync", "no-sync", ["modern"], "Do not sync file systems."),
];

/** The option of that spelling that a generation knows. */
export function optionOf(word: string, generation: ToolGeneration): ToolOption | undefined {
  return TOOL_OPTIONS.find((each) =>
    each.spellings.includes(word) && each.generations.includes(generation)
  );
}

/** Names of generations, as a sentence has them. */
export function namesOf(generations: readonly Generation[]): string {
  const names = generations.map((each) => GENERATION_NAMES[each]);
  const last = names.pop() ?? "";
  return names.length === 0 ? last : `${names.join(", ")} and ${last}`;
}

/** A reboot(2) command; `value` is null where no source says it. */
export interface RebootCommand {
  readonly name: string;
  readonly value: number | null;
  readonly generations: readonly Generation[];
  readonly effect: "kexec" | "kjump-to" | "kjump-back" | "kjump" | "power-off";
}

/** The commands of protocol.md A.5 that have to do with a jump, or end one. */
export const REBOOT_COMMANDS: readonly RebootCommand[] = [
  {
    name: "LINUX_REBOOT_CMD_POWER_OFF",
    value: 0x4321_fedc,
    generations: ALL,
    effect: "power-off",
  },
  { name: "LINUX_REBOOT_CMD_KEXEC", value: 0x4558_4543, generations: ALL, effect: "kexec" },
  {
    name: "LINUX_REBOOT_CMD_KJUMP_TO",
    value: 0x3928_a5fd,
    generations: ["rfc"],
    effect: "kjump-to",
  },
  {
    name: "LINUX_REBOOT_CMD_KJUMP_BACK",
    value: 0x4a39_b60e,
    generations: ["rfc"],
    effect: "kjump-back",
  },
  { name: "LINUX_REBOOT_CMD_KJUMP", value: null, generations: ["v2", "v4"], effect: "kjump" },
];

/** What the tool says of an option (or command) that its own generation does not know. */
export function foreign(what: string, had: readonly Generation[], tool: ToolGeneration): string {
  return `kexec: ${what} is of ${namesOf(had)}; this is the tool of ${GENERATION_NAMES[tool]}`;
}
