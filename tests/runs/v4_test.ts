import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import { boot, finish, statuses, type } from "./rfc_kit.ts";

const WINDOW = "--mem-min=0x100000 --mem-max=0xffffff";
const ENTRY_FILE = "/sys/kernel/kexec_jump_back_entry";
/** C in the memory range of B (protocol.md A.1: its memory is a part of B's). */
const IN_WINDOW = "memmap=exactmap memmap=640K@0K memmap=15M@1M mem=16M";

function run(script: readonly OperatorStep[], options: Partial<MachineOptions> = {}): Run {
  return runMachine({
    profile: "2.6.23-v4",
    menu: [
      { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0 acpi=off" },
      { name: "C", append: `hostname=C root=/dev/sda3 console=ttyS0 acpi=off ${IN_WINDOW}` },
    ],
    scenario: "v4",
    ...options,
    script,
  });
}

/** A loads B beside itself without a reservation, and jumps. */
const TO_B: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type(
    "A",
    `kexec -p -n /boot/bzImage --initrd=/boot/rootfs.gz --elf64-core-headers ${WINDOW} ` +
      '--append="hostname=B root=/dev/sda3 single acpi=off maxcpus=1"',
  ),
  type("A", "kexec -j"),
];
const SAVE: readonly OperatorStep[] = [
  type("B", "cp /proc/vmcore ."),
  type("B", `cp ${ENTRY_FILE} .`),
];

function clean(done: Run, outcome: string): void {
  strictEqual(done.outcome, outcome, done.lines.slice(-4).join("\n"));
  // None of the letters of protocol.md F.0 stands for v4: what holds for all is judged.
  const { ids, reasons } = brokenRules(judgeAs("", done));
  strictEqual(ids.join(" "), "", reasons);
}

Deno.test("v4: A jumps to B without a reserved region, and both go back and forth (B.2.7)", () => {
  const done = run([
    ...TO_B,
    ...SAVE,
    type("B", "kexec -b"),
    type("A", "check"),
    type("A", "kexec -j"),
    type("B", "kexec -j"),
    type("A", "check"),
    ...finish("A", "returned"),
  ]);
  clean(done, "returned");
  deepStrictEqual(statuses(done, "A", "check"), [0, 0]);
  strictEqual(fieldsOf(done, "boot", "B").length, 1);
  // One command for both directions, and -b came back to B when A jumped there again.
  deepStrictEqual(statuses(done, "B", "kexec"), [255]);
  ok(done.lines.includes("B: kexec jump back failed: the kernel that was jumped to came back"));
});

Deno.test("v4: A is restored by C in B's memory, through kexec_jump_back_entry (A.1, A.3)", () => {
  const done = run([
    ...TO_B,
    ...SAVE,
    type("B", "reboot-call POWER_OFF"),
    { do: "off" },
    ...boot("C"),
    type("C", `cp /kexec_jump_back_entry ${ENTRY_FILE}`),
    type("C", "krestore /vmcore"),
    type("C", "kexec -b"),
    type("A", "check"),
    ...finish("A", "resumed"),
  ]);
  clean(done, "resumed");
  deepStrictEqual(statuses(done, "A", "check"), [0]);
  const [jump] = fieldsOf(done, "jump").filter(({ from, to }) => from === "C" && to === "A");
  const [called] = fieldsOf(done, "jump").filter(({ from }) => from === "A");
  strictEqual(jump?.["entry"], called?.["word"]);
});

Deno.test("v4: krestore in a C that is not in B's memory refuses before the first write", () => {
  const done = run([
    ...TO_B,
    ...SAVE,
    type("B", "reboot-call POWER_OFF"),
    { do: "off" },
    ...boot("C"),
    type("C", "krestore /vmcore"),
    ...finish("C", "refused"),
  ], {
    menu: [
      { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0 acpi=off" },
      { name: "C", append: "hostname=C root=/dev/sda3 console=ttyS0 acpi=off" },
    ],
  });
  clean(done, "refused");
  deepStrictEqual(statuses(done, "C", "krestore"), [1]);
  deepStrictEqual(fieldsOf(done, "image", "C").map(({ op }) => op), ["check"]);
});

Deno.test("v4: kexec -j and -b with nothing loaded and no entry leave the kernel alone", () => {
  const done = run([
    ...boot("A"),
    type("A", "kexec -j"),
    type("A", "kexec -b"),
    type("A", "reboot-call KJUMP"),
    type("A", "reboot-call KJUMP_TO"),
    type("A", "reboot-call 0x3928a5fd"),
    ...finish("A", "still here"),
  ]);
  clean(done, "still here");
  deepStrictEqual(statuses(done, "A", "kexec"), [1, 255]);
  deepStrictEqual(statuses(done, "A", "reboot-call"), [1, 1, 1]);
  const said = done.lines.filter((line) => /LINUX_REBOOT_CMD_KJUMP_TO is of/.test(line));
  strictEqual(said.length, 2);
});
