import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import { idsWith } from "../../machine/conformance/report.ts";
import { brokenRules, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import {
  BACKUP,
  BOOT,
  boot,
  expectClean,
  exportedBy,
  finish,
  hibernate,
  jumpBufferPfn,
  loadB,
  menu,
  runRfc,
  statuses,
  toD,
  type,
} from "./rfc_kit.ts";

const said = (run: Run, text: RegExp): boolean => run.lines.some((line) => text.test(line));
const facts = (run: Run, name: string, k: string): number => fieldsOf(run, name, k).length;

/** Loads B and jumps there. */
function inB(pfn: number, ...rest: Parameters<typeof runRfc>[0]): Parameters<typeof runRfc>[0] {
  return [...boot("A"), loadB({ pfn }), type("A", "kexec -j"), ...rest];
}

Deno.test("kexec -j without a crash image dies, and nothing is sent to the kernel (F02)", () => {
  const run = runRfc([...boot("A"), type("A", "kexec -j"), ...finish("A", "still here")]);
  expectClean(run, "still here");
  deepStrictEqual(statuses(run, "A", "kexec"), [1]);
  ok(said(run, /^A: Nothing has been loaded!$/));
  deepStrictEqual([facts(run, "exec", "A"), facts(run, "sync", "A")], [0, 0]);
  const [looked] = fieldsOf(run, "loaded_check", "A");
  deepStrictEqual(looked, {
    k: "A",
    file: "/sys/kernel/kexec_crash_loaded",
    found: true,
    value: 0,
  });
});

Deno.test("kexec -j passes where the file cannot be read, and the kernel says EINVAL (F02)", () => {
  const run = runRfc([...boot("A"), type("A", "kexec -j"), ...finish("A", "still here")], {
    menu: menu({ a: `${BOOT} nosysfs` }),
  });
  expectClean(run, "still here");
  deepStrictEqual(statuses(run, "A", "kexec"), [255]);
  ok(said(run, /^A: kexec jump to failed: Invalid argument$/));
  strictEqual(facts(run, "exec", "A"), 1);
  strictEqual(fieldsOf(run, "freeze", "A").length, 0);
});

Deno.test("kexec -p without a reserved region says what to do", () => {
  const a = "console=ttyS0 acpi=off";
  const script = [...boot("A"), loadB({ pfn: 1 }), ...finish("A", "still here")];
  const run = runRfc(script, { menu: menu({ a }) });
  expectClean(run, "still here");
  deepStrictEqual(statuses(run, "A", "kexec"), [1]);
  ok(said(run, /Memory for crashkernel is not reserved/));
  strictEqual(facts(run, "load", "A"), 0);
});

Deno.test("kexec -b with a number that is no jump buffer's is refused, and B goes on (B.1.4)", () => {
  const pfn = jumpBufferPfn();
  const wrong = [pfn + 1, 0, 0xa0, 0x9000, 0xfff_ffff];
  for (const number of wrong) {
    const run = runRfc(inB(
      number,
      type("B", "kexec -b"),
      ...finish("B", "still in B"),
    ));
    strictEqual(run.outcome, "still in B", run.lines.at(-1) ?? "silent");
    deepStrictEqual(statuses(run, "B", "kexec"), [255], `pfn ${number}`);
    ok(said(run, /^B: kexec jump back failed: Invalid argument$/));
    // Nothing was quiesced for it.
    deepStrictEqual([facts(run, "freeze", "B"), facts(run, "phase", "B")], [0, 0]);
  }
});

Deno.test("kexec -b in D without the image's number does not jump (B.1.4, F79)", () => {
  const pfn = jumpBufferPfn();
  // C's structures stand elsewhere than A's, so that its number is another one.
  const machine = { menu: menu({ c: `${BOOT} kexec_window_end=52M` }) };
  const c = runRfc([...boot("C"), ...finish("C", "booted")], machine);
  const other = exportedBy(c, "C");
  ok(other !== pfn, "A and C export the same number");
  const run = runRfc([
    ...hibernate({ pfn }),
    ...toD({ pfn: other }),
    type("D", `krestore -b ${BACKUP} /vmcore`),
    type("D", "kexec -b"),
    type("D", "cp /kexec_jump_buf_pfn /sys/kernel/kexec_jump_buf_pfn"),
    type("D", "kexec -b"),
    type("A", "check"),
    ...finish("A", "resumed"),
  ], machine);
  strictEqual(run.outcome, "resumed", run.lines.at(-1) ?? "silent");
  ok(said(run, new RegExp(`^D: kjump: page frame 0x${other.toString(16)} is no jump buffer`)));
  deepStrictEqual(statuses(run, "D", "kexec"), [255]);
  deepStrictEqual(statuses(run, "A", "check"), [0]);
});

/** What krestore says in D, and that it wrote nothing outside D's own memory. */
function refusedRestore(script: Parameters<typeof runRfc>[0], c = BOOT): string {
  const pfn = jumpBufferPfn();
  const run = runRfc([...hibernate({ pfn }), ...script, ...finish("D", "refused")], {
    menu: menu({ c }),
  });
  strictEqual(run.outcome, "refused", run.lines.at(-1) ?? "silent");
  deepStrictEqual(statuses(run, "D", "krestore"), [1]);
  deepStrictEqual(fieldsOf(run, "image", "D").filter(({ op }) => op === "load"), []);
  deepStrictEqual(brokenRules(judgeAs("R", run)).ids, []);
  return run.lines.find((line) => line.startsWith("D: krestore"))?.slice(0, 60) ?? "";
}

Deno.test("krestore in a D that is larger than B refuses before the first write (F76, F77)", () => {
  const pfn = jumpBufferPfn();
  const script = [...toD({ pfn }), type("D", "krestore -b 50560K /vmcore")];
  match(refusedRestore(script, BOOT.replace("16M@32M", "18M@32M")), /^D: krestore: \/vmcore would/);
});

Deno.test("krestore without -b refuses to write over the low memory it runs in (B.1.2)", () => {
  const script = [...toD({ pfn: jumpBufferPfn() }), type("D", "krestore /vmcore")];
  match(refusedRestore(script), /^D: krestore: \[0x0-0x9f000\) is used by this kernel/);
});

Deno.test("krestore refuses a backup address that other pages of the image go to", () => {
  const script = [...toD({ pfn: jumpBufferPfn() }), type("D", "krestore -b 51200K /vmcore")];
  match(refusedRestore(script), /^D: krestore: .*0x3200000/);
});

Deno.test("krestore reads ELF64 only: without --elf64-core-headers nothing is restored (F80)", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([
    ...hibernate({ pfn, elf64: false }),
    ...toD({ pfn }),
    type("D", `krestore -b ${BACKUP} /vmcore`),
    ...finish("D", "refused"),
  ]);
  expectClean(run, "refused");
  ok(said(run, /^D: krestore: \/vmcore: ELF class 32, krestore reads ELF64 only$/));
});

Deno.test("with ACPI on B finds its devices without power and cannot boot (limit 2, F88)", () => {
  const pfn = jumpBufferPfn();
  const a = BOOT.replace("acpi=off ", "");
  const run = runRfc([...boot("A"), ...inB(pfn).slice(2), ...finish("B", "booted")], {
    menu: menu({ a }),
  });
  match(run.outcome, /^stuck/);
  const low = fieldsOf(run, "phase", "A").filter(({ name, powered }) =>
    name === "suspend_noirq" && powered === false
  );
  deepStrictEqual(low.map(({ device }) => device), ["network", "disk"]);
  for (const text of [/^B: disk: probe failed$/, /^B: Kernel panic.*Unable to mount root/]) {
    ok(said(run, text), String(text));
  }
  ok(brokenRules(judgeAs("R", run)).ids.includes("F88"));
});

const PHASES = ["prepare", "suspend", "suspend_late", "suspend_noirq"];
for (const device of ["disk", "network", "console", "rtc", "pci"]) {
  Deno.test(`kexec -j fails where '${device}' refuses a phase, and works the next time`, () => {
    const pfn = jumpBufferPfn();
    for (const phase of PHASES) {
      const choices: Choice[] = [{ kind: "refuse", device, phase, time: 1, result: -16 }];
      const script = inB(
        pfn,
        type("A", "cat /sys/kernel/kexec_crash_loaded"),
        type("A", "check"),
        type("A", "kexec -j"),
        type("B", "kexec -b"),
        type("A", "check"),
        ...finish("A", "returned"),
      );
      const run = runRfc(script, { choices });
      expectClean(run, "returned");
      ok(said(run, /^A: kexec jump to failed: Device or resource busy$/), phase);
      ok(said(run, /^A: 1$/), "the image is gone");
      deepStrictEqual(statuses(run, "A", "kexec"), [0, 255, 0], phase);
      deepStrictEqual(statuses(run, "A", "check"), [0, 0], phase);
    }
  });
}

Deno.test("kexec -b fails where a device of B refuses, and B goes on", () => {
  const pfn = jumpBufferPfn();
  const choices: Choice[] = [
    { kind: "refuse", device: "disk", phase: "suspend", time: 2, result: -16 },
  ];
  const script = inB(pfn, type("B", "kexec -b"), type("B", "kexec -b"), ...finish("A", "returned"));
  const run = runRfc(script, { choices });
  expectClean(run, "returned");
  deepStrictEqual(statuses(run, "B", "kexec"), [255]);
  ok(said(run, /^B: kexec jump back failed: Device or resource busy$/));
});

Deno.test("B writes into the low memory it shares with A, and A finds its own there (D.3, F78)", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc(inB(pfn, type("B", "kexec -b"), ...finish("A", "returned")));
  expectClean(run, "returned");
  ok(fieldsOf(run, "memory_write", "B").some(({ runs }) => runs === "6+1"), "no trampoline of B");
  ok(idsWith(judgeAs("R", run), "held").includes("F78"));
});
