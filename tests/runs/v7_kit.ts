/**
 * Runs of khibernation v7 as a person makes them: what is typed, what the menu says.
 */
import { boot, type, until as finishAt } from "../../actors/scenario/script_words.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { machineDisk, planMachine } from "../../actors/scenario/machine_plan.ts";
import { type Alteration, alteredRegistry } from "../../actors/scenario/sabotage_tools.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { logicalLayout } from "../../machine/formats/disk_layout.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { type MachineOptions, machineSettings, runMachine } from "./machine_kit.ts";
import { type Run, runPlan } from "./run_kit.ts";

export { boot, finishAt, type };

/** Command line of C, as in the posting, with the name it has in facts. */
export const C_APPEND = "memmap=exactmap memmap=640K@0K memmap=15M@1M mem=16M go_to_resume " +
  "khdev=3:7 hostname=C root=/dev/ram0";

/** The command by which A loads B; the posting's, and B's name. */
export function loadB(more = ""): string {
  return "kexec --load-jump-back /boot/bzImage --mem-min=0x100000 --mem-max=0xffffff " +
    `--elf64-core-headers --append="hostname=B khdev=3:7 go_to_hibernate${more}"`;
}

/** What is typed to save A. */
export const HIBERNATE = "kexec -e -c 0x6b630001";

/** A boots, works, and B is prepared: loaded, booted, back in A (B.3.3 steps 1 to 4). */
export function prepared(more = ""): OperatorStep[] {
  return [...boot("A"), type("A", "work 16 1"), type("A", loadB(more)), type("A", "kexec -e")];
}

/** The whole cycle, B loaded afresh. */
export const CYCLE: readonly OperatorStep[] = [
  ...prepared(),
  type("A", HIBERNATE),
  { do: "off" },
  ...boot("C"),
  type("A", "check"),
  ...finishAt("A", "resumed"),
];

/** A machine of v7. */
export function runV7(options: Partial<MachineOptions> = {}): Run {
  return runMachine({
    profile: "2.6.24-v7",
    scenario: "v7",
    layout: "workshop",
    script: CYCLE,
    menu: menu(),
    ...options,
  });
}

/** The menu, with more words for A and for C. */
export function menu(a = "", c = ""): { name: string; append: string }[] {
  return [
    { name: "A", append: `hostname=A root=/dev/hda2 console=ttyS0${a}` },
    { name: "C", append: `${C_APPEND}${c}` },
  ];
}

/** A run in a house whose procedures were altered. */
export function runAltered(
  alter: Alteration,
  script: readonly OperatorStep[],
  options: Partial<MachineOptions> = {},
): Run {
  const settings = machineSettings({
    profile: "2.6.24-v7",
    layout: "workshop",
    menu: menu(),
    ...options,
    script,
  });
  const { byteLength, writes } = machineDisk(settings);
  const medium = new MemoryMedium(FlatStore.make(byteLength));
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  const plan = { ...planMachine(settings), registry: alteredRegistry(alter, {}) };
  return runPlan(plan, {
    medium,
    header: {
      ...{ v: 1, run: "0123456789abcdef", scenario: "v7", seed: 1, profile: "2.6.24-v7/small-vm" },
      ...{ version: "0.0.0", actors: [], clock: "virtual", order: "total" },
    },
  });
}

/** ACPI's side of a run as words: methods with argument and kernel, sleep and wake. */
export function firmwareStory(run: Pick<Run, "events">): string[] {
  return run.events.flatMap(({ type, summary = {} }) => {
    const { k, method, argument, op, state, register, value } = summary;
    if (type === "fact.power") return [`${op}${state === undefined ? "" : ` ${state}`}`];
    if (type !== "fact.acpi") return [];
    if (method !== undefined) return [`${k} ${method}(${argument})`];
    return register === "PM1a_CNT" ? [`${k} PM1a_CNT ${value}`] : [];
  });
}

/** First sector of the raw partition. */
export const KHDEV_SECTOR: number =
  logicalLayout({ memoryBytes: 64 * 1024 ** 2, layout: "workshop" })[2]?.firstSector ?? 0;
