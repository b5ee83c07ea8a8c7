/**
 * Mainline kexec jump as runs: use 1 whole (protocol.md B.4.3), its two halves, and the warm
 * round trip. What the person types is the posting's usage section; what the posting leaves to
 * scripts of the initramfs is one program each.
 *
 * @module
 */
import { type } from "./script_words.ts";
import type { KernelProfile } from "../kernel/profiles.ts";
import type { OperatorStep } from "../operator.ts";

/** Which part is run. */
export type MainlinePart = "cycle" | "hibernate" | "resume" | "jump";

/** What the person wants. */
export interface MainlineOptions {
  readonly part: MainlinePart;
  readonly profile: KernelProfile;
  /** Addresses B may have: the profile's, unless B's kernel needs more. Bytes, end exclusive. */
  readonly window: { readonly start: number; readonly end: number };
  /** Pages of each background process of A, and how many there are. */
  readonly processes: number;
  readonly processPages: number;
  /** Whether a payload is to be copied into A's tmpfs. */
  readonly payload: boolean;
  /** Time between power-off and power-on, in ns. */
  readonly awayNs: number;
  /** Whether C checks the image's sums. */
  readonly verify: boolean;
}

/** Boot menu of the machine: kernel command lines by entry. */
export function bootMenu(
  options: MainlineOptions,
): { readonly name: string; readonly append: string }[] {
  const moved = options.window.end === options.profile.window.end
    ? ""
    : ` kexec_window_end=${options.window.end / 0x10_0000}M`;
  return [
    { name: "A", append: `hostname=A root=/dev/sda2 console=ttyS0${moved}` },
    { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
  ];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** The command by which A loads B. */
export function loadCommand({ window }: MainlineOptions): string {
  const { start, end } = window;
  return `kexec --load-preserve-context /boot/bzImage --mem-min=${hex(start)} ` +
    `--mem-max=${hex(end - 1)} --initrd=/boot/rootfs.gz ` +
    `--append="hostname=B root=/dev/ram0 maxcpus=1"`;
}

function work(options: MainlineOptions): OperatorStep[] {
  const steps = [type("A", `work ${options.processPages} ${options.processes}`)];
  if (options.payload) steps.push(type("A", "cp /root/payload /tmp/payload"));
  return steps;
}

function bootA(options: MainlineOptions): OperatorStep[] {
  return [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    ...work(options),
    type("A", loadCommand(options)),
  ];
}

const toDisk = (): OperatorStep[] => [
  type("A", "kexec -e"),
  type("B", "save-image"),
  { do: "off" },
];

function fromDisk(options: MainlineOptions, afterCut: boolean): OperatorStep[] {
  const otherwise = { at: "C", outcome: "booted without an image" };
  return [
    ...(options.awayNs > 0 ? [{ do: "away", ns: options.awayNs } as const] : []),
    { do: "power_on" },
    { do: "choose", entry: "C", append: "" },
    type("C", options.verify ? "restore-image" : "restore-image --no-verify"),
    { do: "type", at: "A", line: "check", ...(afterCut ? { otherwise } : {}) },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ];
}

const warm = (): OperatorStep[] => [
  type("A", "kexec -e"),
  type("B", "jump-back"),
  type("A", "check"),
  type("A", "kexec -e"),
  type("B", "kexec -e"),
  type("A", "check"),
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "returned" },
];

/** What the person does. */
export function mainlineScript(options: MainlineOptions): OperatorStep[] {
  switch (options.part) {
    case "cycle":
      return [...bootA(options), ...toDisk(), ...fromDisk(options, false)];
    case "hibernate":
      return [...bootA(options), ...toDisk(), { do: "finish", outcome: "hibernated" }];
    case "resume":
      return fromDisk(options, false);
    case "jump":
      return [...bootA(options), ...warm()];
  }
}

/** What the person does after a power cut: tries to resume, and goes on whatever comes. */
export function recoveryScript(options: MainlineOptions): OperatorStep[] {
  return fromDisk(options, true);
}
