/**
 * Facts 22 to 25 of a real Linux 6.1: an image made of what /proc/vmcore shows.
 */
import assert from "node:assert/strict";
import { parseElf, PT_LOAD, PT_NOTE } from "../../machine/formats/elf.ts";
import { noteNamed } from "./vmcore_notes.ts";
import { fileOn } from "../runs/dump_kit.ts";
import { bytesOf, fieldsOf, type Run, runMainline } from "../runs/run_kit.ts";
import { recordedTrace } from "./arms.ts";
import { atShell, statuses } from "./at_shell.ts";
import { LOAD_B, savedByB, SCENARIOS, sessionInC } from "./scenarios.ts";

const KEPT = new Map<string, Run>();

function saved(command: string): Run {
  const run = KEPT.get(command) ?? savedByB(command);
  KEPT.set(command, run);
  return run;
}

const WHOLE = "cp /proc/vmcore /hibernate/dump.elf";

/** What the tool says of a dump when C loads it. */
function loadedByC(run: Run): Run {
  return sessionInC(bytesOf(run.medium), [
    "mount /dev/sda3 /hibernate",
    "kexec -l --args-none --entry=0x12340c0 /hibernate/dump.elf",
    "cat /sys/kernel/kexec_loaded",
  ]);
}

function loadsOf(file: Uint8Array): { start: number; end: number }[] {
  return parseElf(file).programs.filter(({ type }) => type === PT_LOAD)
    .map(({ paddr, memsz }) => ({ start: paddr, end: paddr + memsz }));
}

Deno.test("fact 22: the vmcore has the kernel's text twice and ends within a page; both are refused", () => {
  const run = saved(WHOLE);
  const [alias, low, ...others] = loadsOf(fileOn(run, 256, "/dump.elf"));
  assert.ok(alias !== undefined && low !== undefined);
  assert.deepEqual([low.start, low.end], [0x1000, 0x9_fc00]);
  assert.ok(others.some(({ start, end }) => start <= alias.start && alias.end <= end));
  // B's range is not in it.
  for (const { start, end } of others) assert.ok(end <= 0x400_0000 || start >= 0x800_0000);
  const refused = loadedByC(run);
  assert.ok(refused.lines.includes("C: Invalid memory segment 0x1000 - 0x9ffff"));
  assert.deepEqual(statuses(refused, "kexec"), [1]);
});

Deno.test("fact 23: after a jump the vmcore has VMCOREINFO and no registers; stock tools have none", () => {
  const file = fileOn(saved(WHOLE), 256, "/dump.elf");
  const notes = parseElf(file).programs.filter(({ type }) => type === PT_NOTE);
  assert.equal(notes.length, 1);
  assert.deepEqual(noteNamed(file), ["VMCOREINFO"]);
  const stock = atShell([
    `${
      LOAD_B.replace(
        "root=/dev/ram0",
        `root=/dev/ram0 memmap=exactmap memmap=0x6f000@0x1000 memmap=0x3ffc000@0x4000000`,
      )
    }`,
    "kexec -e",
    ["B", "cp /proc/vmcore /tmp/dump.elf"],
  ], { profile: "6.1", last: "B" });
  assert.ok(stock.lines.includes("B: Warning: Zero PT_NOTE entries found"));
  assert.ok(stock.lines.includes("B: Kdump: vmcore not initialized"));
  const without = atShell([LOAD_B, "kexec -e", ["B", "cp /proc/vmcore /tmp/dump.elf"]], {
    profile: "6.1",
    last: "B",
  });
  assert.ok(without.lines.includes("B: Kdump: vmcore not initialized"));
  assert.ok(!without.lines.includes("B: Warning: Zero PT_NOTE entries found"));
});

Deno.test("fact 24: over 16 PT_LOADs are warned of and refused with EINVAL; -d 16 leaves few enough", () => {
  const many = saved("makedumpfile --edit -d 17 /proc/vmcore /hibernate/dump.elf");
  const few = saved("makedumpfile --edit -d 16 /proc/vmcore /hibernate/dump.elf");
  assert.ok(loadsOf(fileOn(many, 256, "/dump.elf")).length > 16);
  assert.ok(loadsOf(fileOn(few, 256, "/dump.elf")).length <= 16);
  const refused = loadedByC(many);
  assert.ok(
    refused.lines.includes("C: Warning: kernel segment limit reached. This will likely fail"),
  );
  assert.ok(
    refused.lines.some((line) => line.startsWith("C: kexec_load failed: Invalid argument")),
  );
  assert.deepEqual(statuses(refused, "kexec"), [255]);
  assert.equal(refused.lines.at(-1), "C: 0");
  assert.deepEqual(statuses(loadedByC(few), "kexec"), [0]);
});

Deno.test("fact 25: C needs no freezing and no patch; A comes back with RESTORE, its image loaded", () => {
  const run = runMainline({ profile: "6.1-cured", cpus: 1 });
  assert.equal(run.outcome, "resumed");
  for (const events of [run.events, recordedTrace("exp2.kh1")]) {
    const about = (k: string, type: string) =>
      events.filter((event) => event.type === type && event.summary?.["k"] === k);
    assert.equal(about("C", "fact.freeze").length, 0);
    // What an ordinary kexec tells its devices is shutdown, which prints nothing.
    const told = about("C", "fact.phase").filter(({ summary }) => summary?.["name"] !== "shutdown");
    assert.equal(told.length, 0);
    const up = about("A", "fact.phase").filter(({ summary }) =>
      String(summary?.["name"]).startsWith("restore")
    );
    assert.ok(up.length > 0 && up.every(({ summary }) => summary?.["message"] === "RESTORE"));
  }
  // The image is still loaded: nothing but a plain jump or an unload takes it away.
  assert.equal(fieldsOf(run, "unload", "A").length, 0);
  assert.ok(SCENARIOS.some(([name]) => name === "exp2.kh1"));
});
