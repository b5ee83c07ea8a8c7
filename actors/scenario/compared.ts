/**
 * The systems side by side: each as a machine on which a person works, hibernates and resumes, all
 * with the same hardware, the same memory and the same workload (protocol.md A.9, B.6, H). What
 * comes of it is measured from the trace; nothing here says which of them is better.
 *
 * @module
 */
import { boot, type } from "./script_words.ts";
import { type KernelProfile, kernelProfile } from "../kernel/profiles.ts";
import type { OperatorStep } from "../operator.ts";
import type { ImageTarget } from "../../machine/hardware_profile.ts";
import type { MachineSettings, MenuEntry } from "./machine_plan.ts";
import { REAL_SECONDS } from "./mainline_run.ts";

/** A person waits that long for a prompt, in virtual ns. */
const PATIENCE_NS = 3_600_000_000_000;
const PAGE_BYTES = 4096;

/** What is the same for all systems. */
export interface ComparedMachine {
  readonly memoryBytes: number;
  readonly hardware: string;
  readonly cpus: number;
  readonly seed: number;
  /** Share of RAM that the workload is to hold, in percent. */
  readonly used: number;
}

/** Numbers that a person reads off one session and types in another. */
export interface Probed {
  /** Page frame of a kernel's jump buffer, by the kernel's name (protocol.md B.1). */
  readonly jumpBuffers: Readonly<Record<string, number>>;
}

/** A system to be compared. */
export interface ComparedSystem {
  readonly id: string;
  readonly title: string;
  /** Letters of the rules that apply (protocol.md F.0). */
  readonly letters: string;
  readonly profile: string;
  readonly layout: "standard" | "workshop";
  readonly menu: readonly MenuEntry[];
  /** What is written where, and by how many processors compressed. */
  readonly target: string;
  readonly compression: string;
  /** Device class of the image's place; the machine's own drive unless given. */
  readonly imageTarget?: ImageTarget;
  /** What the person does; `work` is the line that fills the memory. */
  script(work: string, probed: Probed): readonly OperatorStep[];
  /** Sessions in which {@linkcode Probed} is read; none unless given. */
  readonly probes?: readonly string[];
}

const OFF: OperatorStep = { do: "off" };

/** Whoever comes up is asked to look at himself; an ordinary boot is the other outcome. */
function resumedAt(other: string): OperatorStep[] {
  return [
    {
      do: "type",
      at: "A",
      line: "check",
      otherwise: { at: other, outcome: "booted without an image" },
    },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ];
}

const LOAD_MAINLINE = "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 " +
  "--mem-max=0xffffff --initrd=/boot/rootfs.gz " +
  '--append="hostname=B root=/dev/ram0 maxcpus=1"';

const ON_A = "hostname=A root=/dev/sda2 console=ttyS0";
const ON_C = "hostname=C root=/dev/ram0 console=ttyS0";

/** A works, loads B and jumps; B saves; the machine is off; somebody brings A back. */
function savedByB(
  { load = LOAD_MAINLINE, save = "save-image", back = [...boot("C"), type("C", "restore-image")] }:
    {
      readonly load?: string;
      readonly save?: string;
      readonly back?: readonly OperatorStep[];
    } = {},
): ComparedSystem["script"] {
  return (work) => [
    ...boot("A"),
    type("A", work),
    type("A", load),
    type("A", "kexec -e"),
    type("B", save),
    OFF,
    ...back,
    ...resumedAt("C"),
  ];
}

const MAINLINE: ComparedSystem = {
  id: "mainline",
  title: "kexec jump of 2.6.27, simple hibernation",
  letters: "M",
  profile: "2.6.27",
  layout: "standard",
  menu: [{ name: "A", append: ON_A }, { name: "C", append: ON_C }],
  target: "file on the hibernating partition",
  compression: "none",
  script: savedByB(),
};

const LOADER_RESUME: ComparedSystem = {
  ...MAINLINE,
  id: "mainline-loader",
  title: "the same, resumed by the boot loader without C",
  menu: [{ name: "A", append: ON_A }, { name: "R", append: "", resume: "/dump.elf" }],
  script: savedByB({ back: boot("R") }),
};

const COMPRESSED: ComparedSystem = {
  ...MAINLINE,
  id: "mainline-lzo",
  title: "the same, compressed in B by its processors",
  compression: "LZO, all processors of B",
  script: savedByB({
    load: LOAD_MAINLINE.replace("maxcpus=1", "maxcpus=4"),
    save: "save-image --compress",
  }),
};

const RFC_BOOT = "console=ttyS0 acpi=off crashkernel=16M@32M";

const UNFROZEN: ComparedSystem = {
  ...MAINLINE,
  id: "mainline-unfrozen",
  title: "the same without the freezer, its drivers adapted",
  menu: MAINLINE.menu.map((entry) => ({
    ...entry,
    append: `${entry.append} freezer=left-out drivers=adapted`,
  })),
};

function elsewhere(imageTarget: ImageTarget, target: string): ComparedSystem {
  return {
    ...MAINLINE,
    id: `mainline-${imageTarget}`,
    title: `the same, the image on a ${target}`,
    target,
    imageTarget,
  };
}

function loadCrash(at: string, host: string, files: string, pfn: number | undefined): OperatorStep {
  return type(
    at,
    `kexec -p ${files} --elf64-core-headers --append="hostname=${host} root=/dev/sda3 single ` +
      `acpi=off maxcpus=1 kexec_jump_buf_pfn=${pfn ?? 0}"`,
  );
}

const RFC: ComparedSystem = {
  id: "rfc",
  title: "prototype of August 2007, reserved region, four kernels",
  letters: "R",
  profile: "2.6.23-rfc",
  layout: "standard",
  menu: [
    { name: "A", append: `hostname=A root=/dev/sda2 ${RFC_BOOT}` },
    { name: "C", append: `hostname=C root=/dev/sda1 ${RFC_BOOT}` },
  ],
  target: "file on B's root",
  compression: "none",
  probes: ["A", "C"],
  script: (work, { jumpBuffers }) => [
    ...boot("A"),
    type("A", work),
    loadCrash("A", "B", "/boot/bzImage --initrd=/boot/rootfs.gz", jumpBuffers["A"]),
    type("A", "kexec -j"),
    type("B", "cp /proc/vmcore ."),
    type("B", "cp /sys/kernel/kexec_jump_buf_pfn ."),
    type("B", "reboot-call POWER_OFF"),
    OFF,
    ...boot("C"),
    loadCrash("C", "D", "/vmlinuz --initrd=/rootfs.img", jumpBuffers["C"]),
    type("C", "kexec -j"),
    type("D", "cp /kexec_jump_buf_pfn /sys/kernel/kexec_jump_buf_pfn"),
    type("D", "krestore -b 48512K /vmcore"),
    type("D", "kexec -b"),
    ...resumedAt("C"),
  ],
};

const LOAD_V7 = "kexec --load-jump-back /boot/bzImage --mem-min=0x100000 --mem-max=0xffffff " +
  '--elf64-core-headers --append="hostname=B khdev=3:7 go_to_hibernate"';

const V7: ComparedSystem = {
  id: "v7",
  title: "khibernation v7, B booted for each hibernation",
  letters: "V",
  profile: "2.6.24-v7",
  layout: "workshop",
  menu: [
    { name: "A", append: "hostname=A root=/dev/hda2 console=ttyS0" },
    {
      name: "C",
      append: "memmap=exactmap memmap=640K@0K memmap=15M@1M mem=16M go_to_resume khdev=3:7 " +
        "hostname=C root=/dev/ram0",
    },
  ],
  target: "raw partition",
  compression: "none",
  script: (work) => [
    ...boot("A"),
    type("A", work),
    type("A", LOAD_V7),
    type("A", "kexec -e"),
    type("A", "kexec -e -c 0x6b630001"),
    OFF,
    ...boot("C"),
    ...resumedAt("C"),
  ],
};

const KIMGCORE: ComparedSystem = {
  ...V7,
  id: "v7-kimgcore",
  title: "khibernation v7, B out of kimgcore",
  letters: "VG",
  script: (work) => [
    ...boot("A"),
    type("A", LOAD_V7),
    type("A", "kexec -e"),
    type("A", "cp /proc/kimgcore ."),
    type("A", "poweroff"),
    OFF,
    ...boot("A"),
    type("A", work),
    type("A", "kexec -l --args-none --flags=0x3e /kimgcore"),
    type("A", "kexec -e -c 0x6b630001"),
    OFF,
    ...boot("C"),
    ...resumedAt("C"),
  ],
};

function swsusp(id: string, title: string, profile: string, mode: string): ComparedSystem {
  return {
    id,
    title,
    letters: "S",
    profile,
    layout: "workshop",
    menu: [
      { name: "A", append: `${ON_A} resume=/dev/sda6` },
      { name: "C", append: `${ON_C} resume=/dev/sda6` },
    ],
    target: "swap",
    compression: profile.startsWith("6.1") ? "LZO" : "none",
    script: (work) => [
      ...boot("A"),
      type("A", work),
      type("A", "swapon /dev/sda6"),
      type("A", `pm-hibernate ${mode}`),
      OFF,
      ...boot("C"),
      ...resumedAt("C"),
    ],
  };
}

const TUXONICE_RESUME = "resume=swap:/dev/sda6";

const TUXONICE: ComparedSystem = {
  id: "tuxonice",
  title: "TuxOnIce of 2007, two page sets",
  letters: "T",
  profile: "2.6.23-toi",
  layout: "workshop",
  menu: [
    { name: "A", append: `${ON_A} ${TUXONICE_RESUME}` },
    { name: "C", append: `${ON_C} ${TUXONICE_RESUME}` },
  ],
  target: "swap",
  compression: "none",
  script: (work) => [
    ...boot("A"),
    type("A", work),
    type("A", "swapon /dev/sda6"),
    type("A", "hibernate"),
    OFF,
    ...boot("C"),
    ...resumedAt("C"),
  ],
};

/** All of them, in the order of their years. */
export const COMPARED_SYSTEMS: readonly ComparedSystem[] = [
  TUXONICE,
  swsusp(
    "swsusp-2.6.23",
    "swsusp with the arbitrary boot kernel of 2007",
    "2.6.23-x64",
    "shutdown",
  ),
  RFC,
  V7,
  KIMGCORE,
  MAINLINE,
  LOADER_RESUME,
  COMPRESSED,
  UNFROZEN,
  elsewhere("usb", "USB disk"),
  elsewhere("nfs", "server (NFS)"),
  swsusp("swsusp-6.1", "swsusp of 6.1, power off", "6.1-cured", "shutdown"),
  swsusp("swsusp-6.1-s4", "swsusp of 6.1, ACPI S4", "6.1-cured", "platform"),
];

/** The machine a system runs on. */
export function comparedMachine(
  system: ComparedSystem,
  machine: ComparedMachine,
  script: readonly OperatorStep[],
): MachineSettings {
  const profile: KernelProfile = kernelProfile(system.profile);
  return {
    profile,
    memoryBytes: machine.memoryBytes,
    cpus: machine.cpus,
    hardware: machine.hardware,
    seed: machine.seed,
    choices: [],
    seededOrder: false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: false,
    operator: { script, patienceNs: PATIENCE_NS },
    menu: system.menu,
    layout: system.layout,
    ...(system.imageTarget === undefined ? {} : { imageTarget: system.imageTarget }),
  };
}

/** The line that fills the memory: one process with so many pages. */
export function workLine({ memoryBytes, used }: ComparedMachine): string {
  return `work ${Math.floor(memoryBytes / PAGE_BYTES * used / 100)} 1`;
}

/** The script of a session in which a kernel is only booted. */
export function probeScript(entry: string): OperatorStep[] {
  return [...boot(entry), { do: "prompt", at: entry }, { do: "finish", outcome: "booted" }];
}
