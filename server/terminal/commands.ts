/**
 * The commands of the command line and their options, as data.
 *
 * @module
 */
import { KERNEL_PROFILES } from "../../actors/kernel/profiles.ts";
import { COMPARED_SYSTEMS } from "../../actors/scenario/compared.ts";
import { DEFAULT_HARDWARE_PROFILE, HARDWARE_PROFILES } from "../../machine/hardware_profile.ts";
import { EXPORT } from "./export_command.ts";
import type { CommandDeclaration, OptionDeclaration } from "./options.ts";
import { SERVE } from "./serve_command.ts";
import { STOP_POINTS } from "./stop_points.ts";

const MACHINE: readonly OptionDeclaration[] = [
  {
    name: "memory",
    kind: "size",
    value: "SIZE",
    help: "RAM of the machine, in whole MiB",
    otherwise: "what the profiles want, 64M without any",
    min: "1M",
    max: "16G",
  },
  {
    name: "cpus",
    kind: "whole",
    value: "N",
    help: "processors",
    otherwise: "those of the profile",
    min: "1",
    max: "64",
  },
  {
    name: "profile",
    kind: "word",
    value: "NAME",
    help: "hardware",
    words: Object.keys(HARDWARE_PROFILES),
    default: DEFAULT_HARDWARE_PROFILE,
  },
];

const KERNEL_PROFILE: OptionDeclaration = {
  name: "kernel-profile",
  kind: "word",
  value: "NAME",
  help: "kernels and tools of that time",
  words: Object.keys(KERNEL_PROFILES),
  default: "2.6.27",
};

const RUN: readonly OptionDeclaration[] = [
  {
    name: "transport",
    kind: "word",
    value: "NAME",
    help: "one worker for each actor, or all in one thread; the trace is the same",
    words: ["worker", "inline"],
    default: "worker",
  },
  {
    name: "seed",
    kind: "whole",
    value: "N",
    help: "decides all that is random",
    default: "1",
    min: "0",
    max: "4294967295",
  },
];

const PAYLOAD: OptionDeclaration = {
  name: "payload",
  kind: "path",
  value: "FILE",
  help: "data of yours in A's tmpfs, compared byte for byte at the end",
};

const KERNEL: OptionDeclaration = {
  name: "kernel",
  kind: "path",
  value: "FILE",
  help: "a real bzImage as kernel of B and C; takes kernel profile 6.1-cured",
};

const AWAY: OptionDeclaration = {
  name: "away",
  kind: "duration",
  value: "TIME",
  help: "how long the machine is off, as in 90s or 8h",
  default: "0s",
};

const NO_VERIFY: OptionDeclaration = {
  name: "no-verify",
  kind: "flag",
  help: "C loads the image without looking at its sums",
};

function out(otherwise: string): OptionDeclaration {
  return {
    name: "out",
    kind: "path",
    value: "DIR",
    help: "where trace.ndjson, blobs/, disk.img, dump.elf, pages.crc and report.json go",
    otherwise,
  };
}

const PRINTING: readonly OptionDeclaration[] = [
  { name: "json", kind: "flag", help: "print one JSON document instead of the summary" },
  { name: "quiet", kind: "flag", help: "print no progress" },
  { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
  { name: "help", kind: "flag", help: "print this" },
];

/** Whole cycles of systems other than mainline: names of the house's own scenarios. */
export const SYSTEM_SCENARIOS: Readonly<Record<string, string>> = {
  rfc: "rfc-hibernate",
  v4: "v4-jump",
  v7: "v7-hibernate",
  kimgcore: "kimgcore-run",
  swsusp: "swsusp-shutdown",
  tuxonice: "tuxonice",
};

const HIBERNATE: CommandDeclaration = {
  name: "hibernate",
  about: "Boots A, gives it work, hibernates it through a second kernel, switches the machine " +
    "off and on, resumes A and compares everything (protocol.md B.4.3). Or runs scenarios: " +
    "transcripts with their expected output.",
  argument: {
    name: "SCENARIO.md",
    help: "transcripts to run instead, or names of the house's own; '-' for standard input",
    min: 0,
    max: 1000,
  },
  options: [
    ...MACHINE,
    {
      name: "system",
      kind: "word",
      value: "NAME",
      help: "which way of hibernating; all but mainline run the scenario of that name",
      words: ["mainline", ...Object.keys(SYSTEM_SCENARIOS)],
      default: "mainline",
    },
    KERNEL_PROFILE,
    ...RUN,
    PAYLOAD,
    KERNEL,
    {
      name: "stop-at",
      kind: "word",
      value: "POINT",
      help: "end there",
      words: Object.keys(STOP_POINTS),
    },
    {
      name: "cut-power-at",
      kind: "text",
      value: "SEQ[:FATE]",
      help: "pull the plug before the event with that number; the fate of writes in the disk's " +
        "cache is none, all or seeded",
      otherwise: "never; FATE is none",
    },
    AWAY,
    NO_VERIFY,
    out("out"),
    ...PRINTING,
  ],
  notes: [
    "A first half alone: --stop-at power-off; 'resume --disk DIR/disk.img' is the second.",
    "With scenarios only --transport, --out, --json, --quiet and --stack; 'deno task scenarios' " +
    "lists them.",
  ],
};

const RESUME: CommandDeclaration = {
  name: "resume",
  about: "Switches on the machine whose disk is given, in place, and resumes the A that " +
    "hibernated on it; nothing else is handed over.",
  options: [
    { name: "disk", kind: "path", value: "FILE", help: "the machine's disk", required: true },
    {
      name: "reference",
      kind: "path",
      value: "FILE",
      help: "pages.crc of the hibernation: every frame is compared with it",
    },
    {
      name: "trace",
      kind: "path",
      value: "FILE",
      help: "trace.ndjson of the hibernation: the new trace goes on from it, both are judged",
    },
    ...MACHINE.map(({ name, kind, value, words, min, max }): OptionDeclaration => ({
      name,
      kind,
      ...(value === undefined ? {} : { value }),
      help: "refused unless it is the machine's",
      ...(words === undefined ? {} : { words }),
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      otherwise: "as the disk's NVRAM says",
    })),
    ...RUN,
    AWAY,
    NO_VERIFY,
    out("a folder 'resume' beside the disk"),
    ...PRINTING,
  ],
};

const JUMP: CommandDeclaration = {
  name: "jump",
  about: "The warm round trip: A jumps to B and back, twice, and nothing is switched off " +
    "(protocol.md B.4.4).",
  options: [...MACHINE, KERNEL_PROFILE, ...RUN, PAYLOAD, KERNEL, out("out"), ...PRINTING],
};

const CHECK: CommandDeclaration = {
  name: "check",
  about:
    "Judges traces by the rules of protocol.md F; recordings of a real Linux as well: serial " +
    "consoles with printk times, ftrace, monitor (QMP) events.",
  argument: {
    name: "TRACE",
    help: "traces or recordings, in order; recordings one behind the other are one story",
    min: 1,
    max: 1000,
  },
  options: [
    {
      name: "format",
      kind: "word",
      value: "NAME",
      help: "form of the report",
      words: ["text", "json", "junit", "markdown"],
      default: "text",
    },
    {
      name: "systems",
      kind: "text",
      value: "NAME",
      help: "rules of this system: letters of R V G M S T, or rfc, v7, kimgcore, swsusp …",
      otherwise: "by the scenario's name",
    },
    {
      name: "only",
      kind: "text",
      value: "IDS",
      help: "only these rules, as in F23,F24",
      otherwise: "all that apply",
    },
    {
      name: "blobs",
      kind: "path",
      value: "DIR",
      help: "folder of the blobs",
      otherwise: "'blobs' beside each trace",
    },
    { name: "json", kind: "flag", help: "the same as --format json" },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
};

const INSPECT: CommandDeclaration = {
  name: "inspect",
  about: "Says what a file is (ELF image, disk, trace, bzImage) and prints its headers.",
  argument: { name: "FILE", help: "the file to look at", min: 1, max: 1 },
  options: [
    { name: "json", kind: "flag", help: "print JSON" },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
};

const SCENARIOS: CommandDeclaration = {
  name: "scenarios",
  about:
    "Lists the transcripts of a folder: name, system, one line each; 'hibernate FILE' runs one.",
  argument: {
    name: "FOLDER",
    help: "where they are: fixtures/scenarios unless given",
    min: 0,
    max: 1,
  },
  options: [
    { name: "json", kind: "flag", help: "print JSON" },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
};

const CONSOLE: CommandDeclaration = {
  name: "console",
  about: "Sits you down at the machine: type at the prompts of its kernels, press its buttons, " +
    "pull the plug; '# help' says how. Lines may come from a pipe, too.",
  argument: {
    name: "SCENARIO.md",
    help: "a transcript whose machine it is to be",
    min: 0,
    max: 1,
  },
  options: [
    ...MACHINE,
    KERNEL_PROFILE,
    {
      name: "layout",
      kind: "word",
      value: "NAME",
      help: "how the disk is divided",
      words: ["standard", "workshop"],
      default: "standard",
    },
    ...RUN.map((option): OptionDeclaration =>
      option.name === "transport" ? { ...option, default: "inline" } : option
    ),
    { name: "play", kind: "flag", help: "first do what stands in the transcript" },
    { name: "trace", kind: "flag", help: "print every event as it happens" },
    {
      name: "out",
      kind: "path",
      value: "DIR",
      help: "where trace.ndjson, choices.json, blobs/ and disk.img go",
      otherwise: "out/console",
    },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
};

const COMPARE: CommandDeclaration = {
  name: "compare",
  about: "Runs every system on one machine and workload, over the memory in use, and prints what " +
    "the authors argued about: boots, times, sizes, what a loss of power leaves (protocol.md A.9).",
  options: [
    ...MACHINE.map((option): OptionDeclaration => {
      if (option.name === "profile") return { ...option, default: "t42" };
      return { ...option, otherwise: option.name === "memory" ? "64M" : "1" };
    }),
    {
      name: "systems",
      kind: "text",
      value: "NAMES",
      help: `only these, with commas between: ${COMPARED_SYSTEMS.map(({ id }) => id).join(", ")}`,
      otherwise: "all",
    },
    {
      name: "used",
      kind: "text",
      value: "PERCENTS",
      help: "shares of the memory that the workload holds, with commas between",
      otherwise: "10,20,30,40,50,60,70,80,90,95",
    },
    { name: "no-cuts", kind: "flag", help: "leave out what becomes of a loss of power" },
    RUN[1] ?? { name: "seed", kind: "whole", help: "decides all that is random" },
    {
      name: "out",
      kind: "path",
      value: "DIR",
      help: "where compare.csv, compare.json and compare.svg go",
      otherwise: "nowhere",
    },
    ...PRINTING,
  ],
};

/** All commands by name. */
export const COMMANDS: Readonly<Record<string, CommandDeclaration>> = {
  hibernate: HIBERNATE,
  resume: RESUME,
  jump: JUMP,
  check: CHECK,
  inspect: INSPECT,
  scenarios: SCENARIOS,
  console: CONSOLE,
  compare: COMPARE,
  export: EXPORT,
  serve: SERVE,
};
