/**
 * The fenced block `machine` of a transcript: lines `key: value`, each key once unless said
 * otherwise. What is left out is as in the default run.
 *
 * @module
 */
import { KERNEL_PROFILES } from "../../actors/kernel/profiles.ts";
import { checkChoice, type Choice } from "../../machine/choices.ts";
import { systemsOfScenario } from "../../machine/conformance/systems.ts";
import {
  DEFAULT_HARDWARE_PROFILE,
  HARDWARE_PROFILES,
  IMAGE_TARGETS,
  type ImageTarget,
} from "../../machine/hardware_profile.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { nearest } from "../terminal/nearest.ts";
import { parseSize, parseWhole } from "../terminal/values.ts";
import type { MenuEntry } from "../../actors/scenario/machine_plan.ts";
import type { TranscriptKernel, TranscriptMachine } from "./transcript.ts";

/** Keys, and what their values are. */
export const MACHINE_KEYS: Readonly<Record<string, string>> = {
  system: "whose rules judge it: mainline, rfc, v4, v7, kimgcore, swsusp, tuxonice",
  kernel: `kernel profile: ${Object.keys(KERNEL_PROFILES).join(", ")}`,
  memory: "RAM, as in 64M",
  cpus: "processors",
  hardware: `hardware profile: ${Object.keys(HARDWARE_PROFILES).join(", ")}`,
  layout: "standard or workshop: how the disk is divided",
  target: "where images go: the machine's own drive (ide), usb or nfs",
  seed: "a whole number",
  order: "seeded: ties are broken by the seed",
  menu: "NAME COMMAND LINE, NAME kernel PATH COMMAND LINE, or NAME resume PATH: an entry of the " +
    "boot menu; may come again",
  bzimage: "PATH PROFILE [ADDRESS], as in `/vmlinuz-far 6.1 48M`: one more kernel on the boot " +
    "partition, which asks to be loaded there; may come again",
  refuse: "DEVICE PHASE TIME ERRNO, as in `disk freeze 1 -5`; may come again",
  choice: "a choice as JSON; may come again",
  network: "broken: the card goes on with DMA after a freeze",
  setup: "switches of the hardware as JSON",
  file: "PATH SIZE: a file in A's root; may come again",
  breaks: "ids of the rules that this run breaks, as in F23 F24",
};

/** A key that may come again. */
const REPEATED = new Set(["bzimage", "menu", "refuse", "choice", "file"]);
const MEMORY_SMALL = 64 * 1024 ** 2;
const MEMORY_BIG = 512 * 1024 ** 2;

/** A line of the block. */
interface Entry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Raises an error at a line. */
export type Complain = (line: number, message: string) => never;

function entriesOf(lines: readonly { text: string; line: number }[], complain: Complain): Entry[] {
  const entries: Entry[] = [];
  for (const { text, line } of lines) {
    if (text.trim() === "" || text.startsWith("#")) continue;
    const match = /^([a-z]+):\s*(.*?)\s*$/.exec(text);
    if (match === null) complain(line, `'${text}' is no line of a machine: write 'key: value'`);
    const [, key = "", value = ""] = match ?? [];
    if (!Object.hasOwn(MACHINE_KEYS, key)) {
      const near = nearest(key, Object.keys(MACHINE_KEYS));
      const hint = near === undefined
        ? `there are ${Object.keys(MACHINE_KEYS).join(", ")}`
        : `did you mean '${near}'?`;
      complain(line, `unknown key '${key}'; ${hint}`);
    }
    const before = entries.find((other) => other.key === key);
    if (before !== undefined && !REPEATED.has(key)) {
      complain(line, `'${key}' stands in line ${before.line} already`);
    }
    entries.push({ key, value, line });
  }
  return entries;
}

function wordOf(
  entry: Entry | undefined,
  words: readonly string[],
  otherwise: string,
  complain: Complain,
): string {
  if (entry === undefined) return otherwise;
  if (words.includes(entry.value)) return entry.value;
  return complain(entry.line, `${entry.key}: '${entry.value}' is none of ${words.join(", ")}`);
}

function numberOf(
  entry: Entry | undefined,
  otherwise: number,
  read: (text: string) => number,
  complain: Complain,
): number {
  if (entry === undefined) return otherwise;
  try {
    return read(entry.value);
  } catch (error) {
    return complain(entry.line, error instanceof Error ? error.message : String(error));
  }
}

function isElsewhere(word: string): word is Exclude<ImageTarget, "ide"> {
  return Object.hasOwn(IMAGE_TARGETS, word);
}

/** The class of the device that images go to; nothing where it is the machine's own drive. */
function targetOf(
  entry: Entry | undefined,
  complain: Complain,
): Pick<TranscriptMachine, "imageTarget"> {
  const word = wordOf(entry, ["ide", ...Object.keys(IMAGE_TARGETS)], "ide", complain);
  return isElsewhere(word) ? { imageTarget: word } : {};
}

function json(entry: Entry, complain: Complain): Plain {
  try {
    return JSON.parse(entry.value);
  } catch {
    return complain(entry.line, `${entry.key}: '${entry.value}' is no JSON`);
  }
}

function isChoice(value: Plain): value is Plain & Choice {
  return checkChoice(value, "choice") === undefined;
}

function choiceOf(entry: Entry, complain: Complain): Choice {
  if (entry.key === "choice") {
    const value = json(entry, complain);
    if (isChoice(value)) return value;
    return complain(entry.line, checkChoice(value, "choice") ?? "no choice");
  }
  const [device = "", phase = "", time = "", result = "", more] = entry.value.split(/\s+/);
  const isWhole = /^[1-9]\d*$/.test(time) && /^-\d+$/.test(result);
  if (!isWhole || more !== undefined) {
    complain(entry.line, `refuse: write ${MACHINE_KEYS["refuse"]}`);
  }
  return { kind: "refuse", device, phase, time: Number(time), result: Number(result) };
}

function splitEntry(entry: Entry, complain: Complain): readonly [string, string] {
  const match = /^(\S+)\s+(.+)$/.exec(entry.value);
  if (match === null) return complain(entry.line, `${entry.key}: write ${MACHINE_KEYS[entry.key]}`);
  return [match[1] ?? "", match[2] ?? ""];
}

function setupOf(
  entry: Entry | undefined,
  complain: Complain,
): { readonly [name: string]: unknown } {
  if (entry === undefined) return {};
  const value = json(entry, complain);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return complain(entry.line, "setup: the JSON is no object");
  }
  return { ...value };
}

/** Systems that no letter of protocol.md F.0 stands for: what holds for all is judged. */
const UNLETTERED: ReadonlySet<string> = new Set(["v4"]);

function systemOf(entry: Entry | undefined, complain: Complain): string {
  if (entry === undefined) return "mainline";
  if (systemsOfScenario(entry.value) !== "" || UNLETTERED.has(entry.value)) return entry.value;
  return complain(entry.line, `system: '${entry.value}' is none; ${MACHINE_KEYS["system"]}`);
}

function menuEntry(entry: Entry, complain: Complain): MenuEntry {
  const [name, words] = splitEntry(entry, complain);
  const resume = /^resume (\/\S+)$/.exec(words)?.[1];
  if (resume !== undefined) return { name, append: "", resume };
  const [, kernel, append = ""] = /^kernel (\/\S+)(?:\s+(.*))?$/.exec(words) ?? [];
  return kernel === undefined ? { name, append: words } : { name, append, kernel };
}

const KERNEL_STEP = 2 * 1024 ** 2;

function kernelFile(entry: Entry, complain: Complain): TranscriptKernel {
  const [path = "", profile = "", place, more] = entry.value.split(/\s+/);
  if (!path.startsWith("/") || profile === "" || more !== undefined) {
    complain(entry.line, `bzimage: write ${MACHINE_KEYS["bzimage"]}`);
  }
  wordOf({ ...entry, value: profile }, Object.keys(KERNEL_PROFILES), "", complain);
  if (place === undefined) return { path, profile };
  const address = numberOf({ ...entry, value: place }, 0, parseSize, complain);
  if (address % KERNEL_STEP !== 0) {
    complain(entry.line, `bzimage: a kernel is loaded at a multiple of 2 MiB, not at ${place}`);
  }
  return { path, profile, address };
}

const DEFAULT_MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
];

/** Reads the block. */
export function readMachine(
  lines: readonly { text: string; line: number }[],
  complain: Complain,
): TranscriptMachine {
  const entries = entriesOf(lines, complain);
  const one = (key: string): Entry | undefined => entries.find((entry) => entry.key === key);
  const all = (key: string): Entry[] => entries.filter((entry) => entry.key === key);
  const kernel = wordOf(one("kernel"), Object.keys(KERNEL_PROFILES), "2.6.27", complain);
  const isBig = KERNEL_PROFILES[kernel]?.arch === "x86_64";
  const hardware = wordOf(
    one("hardware"),
    Object.keys(HARDWARE_PROFILES),
    DEFAULT_HARDWARE_PROFILE,
    complain,
  );
  const menu = all("menu").map((entry) => menuEntry(entry, complain));
  const kernels = all("bzimage").map((entry) => kernelFile(entry, complain));
  const layout = wordOf(one("layout"), ["standard", "workshop"], "standard", complain);
  return {
    system: systemOf(one("system"), complain),
    kernel,
    memoryBytes: numberOf(one("memory"), isBig ? MEMORY_BIG : MEMORY_SMALL, parseSize, complain),
    cpus: numberOf(one("cpus"), 1, parseWhole, complain),
    hardware,
    layout: layout === "workshop" ? "workshop" : "standard",
    ...targetOf(one("target"), complain),
    seed: numberOf(one("seed"), 1, parseWhole, complain),
    seededOrder: wordOf(one("order"), ["seeded", "fixed"], "fixed", complain) === "seeded",
    menu: menu.length === 0 ? DEFAULT_MENU : menu,
    ...(kernels.length === 0 ? {} : { kernels }),
    choices: [...all("refuse"), ...all("choice")].map((entry) => choiceOf(entry, complain)),
    brokenNetwork: wordOf(one("network"), ["broken", "good"], "good", complain) === "broken",
    setup: setupOf(one("setup"), complain),
    files: all("file").map((entry) => {
      const [path, size] = splitEntry(entry, complain);
      return { path, bytes: numberOf({ ...entry, value: size }, 0, parseSize, complain) };
    }),
    breaks: (one("breaks")?.value ?? "").split(/[\s,]+/).filter((id) => id !== ""),
  };
}
