import assert from "node:assert/strict";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { fileOn } from "./dump_kit.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });
type Options = Partial<MachineOptions> & { readonly profile: string };

const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
];

/** A works and jumps to B, which runs the lines given with the partition mounted. */
function inB(options: Options, work: string, ...lines: readonly string[]): Run {
  return runMachine({
    menu: MENU,
    ...options,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", work),
      typed("A", loadCommand(settingsOf({ profile: options.profile }).mainline)),
      typed("A", "kexec -e"),
      typed("B", "mount /dev/sda3 /hibernate"),
      ...lines.map((line) => typed("B", line)),
      typed("B", "umount /hibernate"),
      { do: "prompt", at: "B" },
      { do: "finish", outcome: "saved" },
    ],
  });
}

/** The machine was switched off behind B; C runs the lines given with the partition mounted. */
function inC(options: Options, before: Run, ...lines: readonly string[]): Run {
  return runMachine({
    menu: MENU,
    ...options,
    disk: bytesOf(before.medium),
    script: [
      { do: "power_on" },
      { do: "choose", entry: "C", append: "" },
      typed("C", "mount /dev/sda3 /hibernate"),
      ...lines.map((line) => typed("C", line)),
      { do: "prompt", at: "C" },
      { do: "finish", outcome: "refused" },
    ],
  });
}

function loadsOf(file: Uint8Array): { start: number; end: number }[] {
  return parseElf(file).programs.filter(({ type }) => type === PT_LOAD)
    .map(({ paddr, memsz }) => ({ start: paddr, end: paddr + memsz }));
}

/** The jump-back entry that A's jump left. */
function entryOf(run: Run): string {
  return String(fieldsOf(run, "jump")[0]?.["word"]);
}

function lastStatus(run: Run, program: string): unknown {
  return fieldsOf(run, "tool").filter((tool) => tool["program"] === program).at(-1)?.["status"];
}

const SPARSE_WORK = "work 200 2 1 8";

for (const [profile, memoryMiB] of [["2.6.27", 64], ["6.1-cured", 256]] as const) {
  Deno.test(`-d 17 and -d 31 make too many PT_LOADs on ${profile}: the tool warns, EINVAL (24)`, () => {
    const options = { profile, memoryMiB };
    const saved = inB(
      options,
      SPARSE_WORK,
      "makedumpfile --edit -d 16 /proc/vmcore /hibernate/d16.elf",
      "makedumpfile --edit -d 17 /proc/vmcore /hibernate/d17.elf",
      "makedumpfile --edit -d 31 /proc/vmcore /hibernate/d31.elf",
    );
    assert.equal(saved.outcome, "saved");
    const counts = ["d16", "d17", "d31"].map((name) =>
      loadsOf(fileOn(saved, memoryMiB, `/${name}.elf`)).length
    );
    const [few = 0, many = 0, filtered = 0] = counts;
    assert.ok(few <= 16 && many > 16, counts.join());
    // Where user pages were in one piece, leaving them out takes the gaps with them.
    const refused = filtered > 16 ? ["d17", "d31"] : ["d17"];
    const entry = `--entry=${entryOf(saved)}`;
    for (const name of refused) {
      const load = `kexec -l --args-none ${entry} /hibernate/${name}.elf`;
      const run = inC(options, saved, load, "cat /sys/kernel/kexec_loaded");
      assert.equal(run.outcome, "refused");
      assert.ok(run.lines.includes(
        "C: Warning: kernel segment limit reached. This will likely fail",
      ));
      assert.ok(
        run.lines.some((line) => line.startsWith("C: kexec_load failed: Invalid argument")),
      );
      assert.equal(lastStatus(run, "kexec"), 255);
      assert.equal(run.lines.at(-1), "C: 0");
      assert.equal(brokenRules(judge(run)).reasons, "", name);
      assert.equal(brokenRules(judge(saved)).reasons, "", name);
    }
    const resumed = runMachine({
      menu: MENU,
      ...options,
      disk: bytesOf(saved.medium),
      script: [
        { do: "power_on" },
        { do: "choose", entry: "C", append: "" },
        typed("C", "mount /dev/sda3 /hibernate"),
        typed("C", `kexec -l --args-none ${entry} /hibernate/d16.elf`),
        typed("C", "umount /hibernate"),
        typed("C", "kexec -e"),
        typed("A", "check"),
        { do: "prompt", at: "A" },
        { do: "finish", outcome: "resumed" },
      ],
    });
    assert.equal(resumed.outcome, "resumed");
    assert.ok(resumed.lines.at(-1)?.endsWith("all well"));
  });
}

Deno.test("6.1 refuses what its own vmcore has: an end within a page, the text a second time (22)", () => {
  const options = { profile: "6.1-cured", memoryMiB: 256 };
  const saved = inB(
    options,
    "work 32 1",
    "cp /proc/vmcore /hibernate/dump.elf",
    "makedumpfile -E -d 16 /proc/vmcore /hibernate/filtered.elf",
  );
  assert.equal(saved.outcome, "saved");
  const [alias, low] = loadsOf(fileOn(saved, 256, "/dump.elf"));
  assert.ok(alias !== undefined && low !== undefined);
  assert.deepEqual([low.start, low.end], [0x1000, 0x9fc00]);
  const others = loadsOf(fileOn(saved, 256, "/dump.elf")).slice(1);
  assert.ok(others.some(({ start, end }) => start <= alias.start && alias.end <= end));
  for (const name of ["dump", "filtered"]) {
    const run = inC(options, saved, `kexec -l --args-none /hibernate/${name}.elf`);
    assert.ok(run.lines.includes("C: Invalid memory segment 0x1000 - 0x9ffff"), name);
    assert.equal(lastStatus(run, "kexec"), 1);
  }
  const edited = inB(
    options,
    "work 32 1",
    "makedumpfile --edit -d 16 /proc/vmcore /hibernate/edited.elf",
  );
  const loads = loadsOf(fileOn(edited, 256, "/edited.elf"));
  assert.ok(loads.every(({ start, end }) => start % 4096 === 0 && end % 4096 === 0));
  const run = inC(options, edited, "kexec -l --args-none /hibernate/edited.elf");
  assert.equal(lastStatus(run, "kexec"), 0);
  assert.equal(brokenRules(judge(saved)).reasons, "");
  assert.equal(brokenRules(judge(run)).reasons, "");
});

Deno.test("6.1 refuses an image over half of RAM with EINVAL, and says both figures", () => {
  const options = { profile: "6.1-cured", memoryMiB: 256 };
  const saved = inB(
    options,
    "work 15000 2",
    "makedumpfile --edit -d 16 /proc/vmcore /hibernate/large.elf",
  );
  const run = inC(options, saved, "kexec -l --args-none /hibernate/large.elf");
  const line = run.lines.find((one) => one.includes("kexec_load failed")) ?? "";
  assert.match(
    line,
    /^C: kexec_load failed: Invalid argument \(\d+\.\d MiB in segments, half of RAM is \d+\.\d MiB\)$/,
  );
  assert.equal(lastStatus(run, "kexec"), 255);
  assert.deepEqual(fieldsOf(run, "load", "C").map(({ result }) => result), [-22]);
  assert.equal(brokenRules(judge(saved)).reasons, "");
  assert.equal(brokenRules(judge(run)).reasons, "");
});

Deno.test("stock 6.1 has no /proc/vmcore: the headers lie in B's RAM (-14), or no note is left (-12)", () => {
  const vmcore = (append: string): Run =>
    runMachine({
      profile: "6.1",
      script: [
        { do: "power_on" },
        { do: "choose", entry: "A", append: "" },
        typed(
          "A",
          loadCommand(settingsOf({ profile: "6.1" }).mainline).replace("maxcpus=1", append),
        ),
        typed("A", "kexec -e"),
        typed("B", "mount /dev/sda3 /hibernate"),
        typed("B", "cp /proc/vmcore /hibernate/dump.elf"),
        typed("B", "dmesg"),
        { do: "prompt", at: "B" },
        { do: "finish", outcome: "none" },
      ],
    });
  const stock = vmcore("maxcpus=1");
  // What the experimenters typed: B's RAM without the pages of the core headers.
  const exact = vmcore("memmap=exactmap memmap=0x6f000@0x1000 memmap=0x3ffc000@0x4000000");
  for (const [run, note] of [[stock, false], [exact, true]] as const) {
    assert.ok(run.lines.includes("B: Kdump: vmcore not initialized"));
    assert.ok(run.lines.some((line) => line.startsWith("B: cp: cannot stat '/proc/vmcore'")));
    assert.equal(run.lines.includes("B: Warning: Zero PT_NOTE entries found"), note);
  }
});
