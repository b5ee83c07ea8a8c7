/**
 * Runs of the RFC of August 2007 as a test tells them: what is typed at the four kernels.
 */
import { boot, type, until as finish } from "../../actors/scenario/script_words.ts";
import { strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, fieldsOf, judgeAs, type Run } from "./run_kit.ts";

export { boot, finish, type };

/** What a kernel of the RFC is booted with, beside its name and root. */
export const BOOT = "console=ttyS0 acpi=off crashkernel=16M@32M";

/** The boot menu; more parameters by kernel. */
export function menu({ a = BOOT, c = BOOT }: { readonly a?: string; readonly c?: string } = {}) {
  return [
    { name: "A", append: `hostname=A root=/dev/sda2 ${a}` },
    { name: "C", append: `hostname=C root=/dev/sda1 ${c}` },
  ];
}

/** How a kernel loads the one for its reserved region. */
export interface LoadOptions {
  readonly pfn: number;
  readonly elf64?: boolean;
  readonly acpi?: string;
  readonly root?: string;
}

function load(at: string, host: string, files: string, options: LoadOptions): OperatorStep {
  const { pfn, elf64 = true, acpi = "acpi=off ", root = "/dev/sda3" } = options;
  const wide = elf64 ? " --elf64-core-headers" : "";
  return type(
    at,
    `kexec -p ${files}${wide} --append="hostname=${host} root=${root} single ${acpi}` +
      `maxcpus=1 kexec_jump_buf_pfn=${pfn}"`,
  );
}

export function loadB(options: LoadOptions): OperatorStep {
  return load("A", "B", "/boot/bzImage --initrd=/boot/rootfs.gz", options);
}

export function loadD(options: LoadOptions): OperatorStep {
  return load("C", "D", "/vmlinuz --initrd=/rootfs.img", options);
}

/** A loads B, jumps, B copies what is wanted. */
export function hibernate(options: LoadOptions): OperatorStep[] {
  return [
    ...boot("A"),
    type("A", "work 64 2"),
    loadB(options),
    type("A", "kexec -j"),
    type("B", "cp /proc/vmcore ."),
    type("B", "cp /sys/kernel/kexec_jump_buf_pfn ."),
    type("B", "reboot-call POWER_OFF"),
    { do: "off" },
  ];
}

/** Where the backup of a kernel in [32M,48M) is, as `kexec_backup=` says. */
export const BACKUP = "48512K";

/** C is booted, loads D and jumps to it. */
export function toD(options: LoadOptions): OperatorStep[] {
  return [...boot("C"), loadD(options), type("C", "kexec -j")];
}

export const RESTORE: readonly OperatorStep[] = [
  type("D", "cp /kexec_jump_buf_pfn /sys/kernel/kexec_jump_buf_pfn"),
  type("D", `krestore -b ${BACKUP} /vmcore`),
  type("D", "kexec -b"),
  type("A", "check"),
  ...finish("A", "resumed"),
];

/** Runs a script on a machine of the RFC. */
export function runRfc(
  script: readonly OperatorStep[],
  options: Partial<MachineOptions> = {},
): Run {
  return runMachine({
    profile: "2.6.23-rfc",
    menu: menu(),
    scenario: "hibernate-rfc",
    ...options,
    script,
  });
}

let known: number | undefined;

/** The number that A's file shows on the small machine, found by booting it once. */
export function jumpBufferPfn(): number {
  known ??= exportedBy(runRfc([...boot("A"), ...finish("A", "booted")]), "A");
  return known;
}

/** The number a kernel exported. */
export function exportedBy(run: Run, k: string): number {
  const [first] = fieldsOf(run, "jump_buffer", k).filter(({ op }) => op === "export");
  return Number(first?.["pfn"]);
}

/** Statuses of a program's runs in a kernel, in order. */
export function statuses(run: Run, k: string, program: string): unknown[] {
  return fieldsOf(run, "tool", k).filter((fields) => fields["program"] === program)
    .map(({ status }) => status);
}

/** Asserts an outcome and that no rule of the RFC is broken. */
export function expectClean(run: Run, outcome: string): void {
  strictEqual(run.outcome, outcome, run.lines.slice(-5).join("\n"));
  const { ids, reasons } = brokenRules(judgeAs("R", run));
  strictEqual(ids.join(" "), "", reasons);
}
