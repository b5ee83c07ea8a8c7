/**
 * The recorded experiments as scenarios of the laboratory: what the experimenters typed, said in
 * its words, on a kernel of 6.1 with or without the cures they made.
 */
import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { type MachineOptions, runMachine } from "../runs/machine_kit.ts";
import { bytesOf, fieldsOf, type Run, runMainline, settingsOf } from "../runs/run_kit.ts";
import {
  damaged,
  failing,
  hibernated,
  hibernating,
  hibernation,
  type HibernationOptions,
  resumed,
  resuming,
  swapOffset,
  working,
} from "../runs/swsusp_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
];

/** Two processors, as the machine of the recordings had. */
const TWO: HibernationOptions = { cpus: 2 };

/** A machine whose A works and then does what the script says, up to an outcome. */
function machine(
  options: Partial<MachineOptions> & { readonly outcome: string },
  script: readonly OperatorStep[],
  at: string,
): Run {
  const { outcome, profile = "6.1-cured", ...rest } = options;
  const run = runMachine({
    profile,
    memoryMiB: 256,
    menu: MENU,
    ...rest,
    script: [
      { do: "power_on" },
      { do: "choose", entry: at === "C" ? "C" : "A", append: "" },
      ...script,
      { do: "prompt", at },
      { do: "finish", outcome },
    ],
  });
  assert.equal(run.outcome, outcome, run.lines.slice(-4).join("\n"));
  return run;
}

/** The command that loads B, which has as many processors as the machine. */
export const LOAD_B = loadCommand(settingsOf({ profile: "6.1-cured" }).mainline)
  .replace(" maxcpus=1", "");

/** A jumps to B that often; B jumps back each time. */
export function roundTrips(cpus: number, count: number): Run[] {
  const trips: OperatorStep[] = [];
  for (let trip = 0; trip < count; trip++) {
    trips.push(typed("A", "kexec -e"), typed("B", trip === 0 ? "jump-back" : "kexec -e"));
  }
  return [
    machine({ cpus, memoryMiB: 512, outcome: "returned" }, [
      typed("A", "work 64 2"),
      typed("A", LOAD_B),
      ...trips,
    ], "A"),
  ];
}

/** Stock 6.1 with a memory map for B made by hand: A is reached and faults (fact 21). */
function stockJump(): Run[] {
  const exact = "memmap=exactmap memmap=0x9efff@0x1000 memmap=0x3ffc000@0x4000000";
  return [runMachine({
    profile: "6.1",
    memoryMiB: 512,
    menu: MENU,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 64 2"),
      typed("A", LOAD_B.replace("root=/dev/ram0", `root=/dev/ram0 ${exact}`)),
      typed("A", "kexec -e"),
      typed("B", "jump-back"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  })];
}

function plainKexec(): Run[] {
  return [
    machine({ outcome: "left" }, [
      typed("A", "work 64 2"),
      typed(
        "A",
        'kexec -l /boot/bzImage --initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"',
      ),
      typed("A", "kexec -e"),
    ], "B"),
  ];
}

/** A is saved by B with the command given, and the machine switched off. */
export function savedByB(command: string): Run {
  return runMachine({
    profile: "6.1-cured",
    memoryMiB: 256,
    menu: MENU,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 200 2 1 8"),
      typed("A", LOAD_B),
      typed("A", "kexec -e"),
      typed("B", "mount /dev/sda3 /hibernate"),
      typed("B", command),
      typed("B", "umount /hibernate"),
      typed("B", "poweroff"),
      { do: "off" },
      { do: "finish", outcome: "saved" },
    ],
  });
}

/** C boots on a disk and is typed lines; it stays. */
export function sessionInC(disk: Uint8Array, lines: readonly string[]): Run {
  return machine({ disk, outcome: "refused" }, lines.map((line) => typed("C", line)), "C");
}

/** C is asked to load an image of too many segments and to enter it all the same. */
function tooManySegments(): Run[] {
  const saved = savedByB("makedumpfile --edit -d 17 /proc/vmcore /hibernate/dump.elf");
  const entry = String(fieldsOf(saved, "jump")[0]?.["word"]);
  const refused = sessionInC(bytesOf(saved.medium), [
    "mount /dev/sda3 /hibernate",
    `kexec -l --args-none --entry=${entry} /hibernate/dump.elf`,
    "kexec -e",
  ]);
  return [saved, refused];
}

/** C is asked to load a vmcore that nobody edited. */
function uneditedVmcore(): Run[] {
  const saved = savedByB("cp /proc/vmcore /hibernate/dump.elf");
  return [
    sessionInC(bytesOf(saved.medium), [
      "mount /dev/sda3 /hibernate",
      "kexec -l --args-none /hibernate/dump.elf",
      "cat /sys/kernel/kexec_loaded",
    ]),
  ];
}

/** Two cycles of one life. */
export function twoCycles(mode: string): Run[] {
  const options = { ...TWO, mode };
  const half = [...hibernating(options), { do: "off" } as const];
  const again = resuming(options).filter(({ do: what }) => what !== "finish");
  const run = hibernation(options, [
    ...working(options),
    ...half,
    ...again,
    ...half,
    ...resuming(options),
  ]);
  assert.equal(run.outcome, "resumed", run.lines.slice(-4).join("\n"));
  return [run];
}

let image: Run | undefined;

/** An image of A in swap, which every damaged resume begins with. */
export function imageOfA(): Run {
  image ??= hibernated({ ...TWO, before: ["work 600 2", "swapon /dev/sda6"] });
  assert.equal(image.outcome, "hibernated");
  return image;
}

/** A boot of C on an image that somebody changed. */
export function resumedFrom(
  change: (disk: Uint8Array) => void,
  options: HibernationOptions = {},
): Run[] {
  const disk = bytesOf(imageOfA().medium);
  change(disk);
  return [imageOfA(), resumed(disk, { ...TWO, ...options })];
}

function flipInHeader(offset: number): (disk: Uint8Array) => void {
  return (disk) => {
    const at = swapOffset() + offset;
    disk[at] = (disk[at] ?? 0) ^ 0xff;
  };
}

/** The beginning of a unit's compressed data, so that it cannot be unpacked. */
function flippedData(): Run[] {
  const disk = damaged(imageOfA(), 5, (page) => {
    for (let at = 8; at < 16; at++) page.setUint8(at, page.getUint8(at) ^ 0xff);
  });
  return [imageOfA(), resumed(disk, TWO)];
}

function withoutResume(): Run[] {
  const [first, second] = resumedFrom(() => {}, { bootAppend: "noresume" });
  assert.ok(first !== undefined && second !== undefined);
  return [first, second, resumed(bytesOf(second.medium), TWO)];
}

function hibernationByJump(): Run[] {
  return [runMainline({ profile: "6.1-cured", cpus: 1 })];
}

/** Every experiment with its scenario. */
export const SCENARIOS: readonly (readonly [experiment: string, run: () => Run[]])[] = [
  ["exp1.smpfix", () => roundTrips(2, 3)],
  ["exp1.smpfix_ftrace", () => roundTrips(2, 2)],
  ["exp1.upfix1", () => roundTrips(1, 1)],
  ["exp1.up4", stockJump],
  ["exp1.plain_kexec", plainKexec],
  ["exp2.kh1", hibernationByJump],
  ["exp2.kh_filter17", tooManySegments],
  ["exp2.kh_neg", uneditedVmcore],
  ["exp3.platform", () => twoCycles("platform")],
  ["exp3.shutdown", () => twoCycles("shutdown")],
  ["exp4.badcrc", () => resumedFrom(flipInHeader(4060))],
  ["exp4.badsig", () => resumedFrom(flipInHeader(4086))],
  ["exp4.bitflip", flippedData],
  ["exp4.noresume", withoutResume],
  ["exp4.othermem", () => resumedFrom(() => {}, { memoryMiB: 128 })],
  ["exp4.smallswap", () => [
    failing({
      ...TWO,
      mode: "shutdown",
      before: ["mkswap /dev/sda6 1024", "work 64 2", "swapon /dev/sda6"],
    }),
  ]],
  ["exp4.nohibernate", () => [failing({ ...TWO, append: "nohibernate", mode: "" })]],
];
