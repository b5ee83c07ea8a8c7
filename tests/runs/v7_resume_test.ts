import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { REAL_SECONDS } from "../../actors/scenario/mainline_run.ts";
import {
  KHDEV_IMAGE_OFFSET,
  KHDEV_VALID,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import type { MachineOptions } from "./machine_kit.ts";
import {
  C_APPEND,
  finishAt,
  firmwareStory,
  HIBERNATE,
  KHDEV_SECTOR,
  menu,
  prepared,
  runV7,
  type,
} from "./v7_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judgeAs, type Run } from "./run_kit.ts";

const KHDEV = KHDEV_SECTOR * 512;
/** Lines of the menu with which C is started wrongly. */
const WRONG = [
  { name: "big", append: "go_to_resume khdev=3:7 hostname=C root=/dev/ram0" },
  { name: "foreign", append: C_APPEND.replace("khdev=3:7", "khdev=9:7") },
];
const first = runV7({
  menu: [...menu(), ...WRONG],
  script: [...prepared(), type("A", HIBERNATE), { do: "off" }, {
    do: "finish",
    outcome: "hibernated",
  }],
});
const disk = bytesOf(first.medium);

/** C started from a line of the menu with more words behind it. */
function bootC(append = "", entry = "C"): OperatorStep[] {
  return [{ do: "power_on" }, { do: "choose", entry, append }];
}

function resumed(append = ""): OperatorStep[] {
  return [...bootC(append), type("A", "check"), ...finishAt("A", "resumed")];
}

function ordinary(append = "", entry = "C"): OperatorStep[] {
  return [...bootC(append, entry), ...finishAt("C", "ordinary")];
}

/** The second half, with what was done to the machine meanwhile. */
function second(
  options: Partial<MachineOptions> & { readonly damage?: (bytes: Uint8Array) => void },
): Run {
  const { damage, ...rest } = options;
  // Copied here only to be damaged: a run copies what it is given.
  const bytes = damage === undefined ? disk : disk.slice();
  damage?.(bytes);
  return runV7({
    disk: bytes,
    realBaseUs: (REAL_SECONDS + 3600) * 1_000_000,
    script: ordinary(),
    ...rest,
  });
}

function said(run: Run): string {
  return run.lines.findLast((line) => line.startsWith("C: go_to_resume")) ?? "";
}

/** Whether anything was written through C's /dev/oldmem. */
function wroteImage(run: Run): boolean {
  return run.events.some(({ kind, type: name, source }) =>
    kind === "send" && name === "memory.copy" && source === "C"
  );
}

/** Whether C took the image, and what is on the medium afterwards. */
function mark(run: Run): number {
  return parseKhdevHeader(bytesOf(run.medium).subarray(KHDEV, KHDEV + 4096)).valid;
}

Deno.test("go_to_hibernate leaves a valid header and the ELF64 core verbatim at 1 MiB", () => {
  const header = parseKhdevHeader(disk.subarray(KHDEV, KHDEV + 4096));
  assert.equal(header.valid, KHDEV_VALID);
  assert.equal(header.kernel, "A");
  const image = disk.subarray(KHDEV + KHDEV_IMAGE_OFFSET);
  const elf = parseElf(image.subarray(0, 65536));
  assert.deepEqual([elf.header.class, elf.header.machine, elf.header.type], [64, 3, 4]);
  const loads = elf.programs.filter((program) => program.type === PT_LOAD);
  const pages = loads.reduce((sum, { memsz }) => sum + memsz / 4096, 0);
  assert.equal(pages, header.pages);
  // The window and low memory are B's own, and no part of it.
  assert.ok(loads.every(({ paddr }) => paddr >= 16 * 1024 ** 2));
});

Deno.test("go_to_resume uses the mark up before A runs, and never twice", () => {
  const run = second({ script: resumed() });
  assert.equal(run.outcome, "resumed");
  assert.ok(wroteImage(run));
  assert.equal(mark(run), 0);
  const again = runV7({
    disk: bytesOf(run.medium),
    script: ordinary(),
  });
  assert.equal(again.outcome, "ordinary");
  assert.equal(said(again), "C: go_to_resume: no image: the image is not valid");
});

Deno.test("without the mark used up a second resume corrupts: F60 and F61 are broken", () => {
  const one = second({
    script: [
      ...bootC("khdev_noinvalidate"),
      type("A", "cp /boot/rootfs.gz /later"),
      type("A", "sync"),
      ...finishAt("A", "gone on"),
    ],
  });
  assert.equal(one.outcome, "gone on");
  assert.equal(mark(one), KHDEV_VALID);
  const two = runV7({
    disk: bytesOf(one.medium),
    realBaseUs: (REAL_SECONDS + 7200) * 1_000_000,
    script: [
      ...bootC("khdev_noinvalidate"),
      // A of the image knows nothing of what it wrote in its other life.
      type("A", "cat /later"),
      type("A", "cp /boot/bzImage /other"),
      type("A", "sync"),
      ...finishAt("A", "resumed twice"),
    ],
  });
  assert.equal(two.outcome, "resumed twice");
  assert.ok(two.lines.includes("A: cat: /later: No such file or directory"), two.lines.join("\n"));
  const { ids } = brokenRules(judgeAs("V", first, one, two));
  assert.ok(ids.includes("F60"), ids.join());
  assert.ok(ids.includes("F61"), ids.join());
});

Deno.test("go_to_resume goes on as an ordinary boot where there is no image", () => {
  const blank = second({ damage: (bytes) => bytes.fill(0, KHDEV, KHDEV + 4096) });
  assert.equal(blank.outcome, "ordinary");
  assert.match(said(blank), /no image: Not a valid khdev header/);
  const torn = second({ damage: (bytes) => bytes[KHDEV + 50] = 0xff });
  assert.match(said(torn), /no image: Not a valid khdev header/);
  const foreign = second({ script: ordinary("", "foreign") });
  assert.equal(said(foreign), "C: go_to_resume: khdev=9:7: no such device");
  for (const run of [blank, torn, foreign]) {
    assert.deepEqual(fieldsOf(run, "exec", "C"), []);
    assert.ok(!wroteImage(run));
    assert.equal(brokenRules(judgeAs("V", run)).reasons, "");
  }
});

Deno.test("go_to_resume refuses before the first write where C has more memory than B had", () => {
  const run = second({ script: ordinary("", "big") });
  assert.equal(run.outcome, "ordinary");
  assert.match(said(run), /krestore: \/dev\/sda7 would write/);
  assert.ok(!wroteImage(run));
  assert.equal(mark(run), KHDEV_VALID);
  // The right kernel can still have it.
  const right = runV7({ disk: bytesOf(run.medium), script: resumed() });
  assert.equal(right.outcome, "resumed");
});

Deno.test("go_to_resume stops where the image is damaged: A is lost, and nothing is entered", () => {
  const run = second({
    damage: (bytes) => {
      const at = KHDEV + KHDEV_IMAGE_OFFSET + 3 * 1024 ** 2;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    },
  });
  assert.equal(run.outcome, "ordinary");
  assert.equal(said(run), "C: go_to_resume: the image is damaged; A is lost");
  assert.deepEqual(fieldsOf(run, "exec", "C"), []);
  assert.equal(mark(run), 0);
});

Deno.test("go_to_resume stops at a sector that cannot be read", () => {
  const sector = KHDEV_SECTOR + KHDEV_IMAGE_OFFSET / 512 + 4096;
  const run = second({ setup: { badSectors: [{ sector, count: 1, on: "read" }] } });
  assert.equal(run.outcome, "ordinary");
  assert.match(said(run), /reading the image: Input\/output error; A is lost/);
});

Deno.test("another hardware signature is warned of, and obeyed under acpi_sleep=s4_hwsig", () => {
  const setup = { signature: 0x1234 };
  const warned = second({ setup, script: resumed() });
  assert.equal(warned.outcome, "resumed");
  assert.ok(warned.lines.some((line) => line.includes("warning: the hardware is not the one")));
  assert.ok(
    warned.lines.includes("A: ACPI: Hardware changed while hibernated, success doubtful!"),
    warned.lines.join("\n"),
  );
  const obeyed = second({ setup, script: ordinary("acpi_sleep=s4_hwsig") });
  assert.equal(obeyed.outcome, "ordinary");
  assert.equal(
    said(obeyed),
    "C: go_to_resume: no image: the hardware is not the one that was saved",
  );
  assert.equal(mark(obeyed), KHDEV_VALID);
  for (const run of [warned, obeyed]) {
    const { ids } = brokenRules(judgeAs("V", run));
    assert.ok(!ids.includes("F69"), ids.join());
  }
});

Deno.test("a wake from S4 that a kernel without ACPI resumes turns ACPI on in A", () => {
  const run = second({ script: resumed("acpi=off") });
  assert.equal(run.outcome, "resumed");
  const enabled = fieldsOf(run, "acpi").filter(({ register }) => register === "SMI_CMD");
  assert.deepEqual(enabled.map(({ k, value }) => `${k} ${value}`), ["A 0xf1"]);
  assert.ok(firmwareStory(run).includes("A _WAK(4)"));
  assert.ok(run.lines.some((line) => line.startsWith("A: check") && line.endsWith("well")));
});

Deno.test("kexec_prepare_resume stays in C where a device refuses a phase", () => {
  const refusals = [
    ...["pci", "rtc", "console", "disk", "network"].map((device) => [device, "suspend"] as const),
    ...["prepare", "suspend_late", "suspend_noirq"].map((phase) => ["disk", phase] as const),
  ];
  for (const [device, phase] of refusals) {
    const what = `${device} ${phase}`;
    const run = second({ choices: [{ kind: "refuse", device, phase, time: 1, result: -16 }] });
    assert.equal(run.outcome, "ordinary", what);
    assert.equal(said(run), "C: go_to_resume: the jump did not happen; A is lost", what);
    assert.deepEqual(fieldsOf(run, "exec_done", "C").map(({ result }) => result), [-16], what);
    const { ids, reasons } = brokenRules(judgeAs("V", run));
    assert.deepEqual(ids.filter((id) => id !== "F38"), [], `${what}: ${reasons}`);
  }
});

Deno.test("a wake-up event while C quiesces changes nothing: the image is used up (B.5.7)", () => {
  const whole = second({ script: resumed() });
  const prepare = whole.events.find(({ type: kind, summary }) =>
    kind === "fact.phase" && summary?.["k"] === "C" && summary["name"] === "prepare"
  );
  const run = second({
    script: resumed(),
    choices: [{ kind: "wake", at: prepare?.seq ?? 0, by: "power_button" }],
  });
  assert.equal(run.outcome, "resumed");
  assert.deepEqual(fieldsOf(run, "wakeup", "C"), []);
});

Deno.test("another value of the second command is a setting that both sides must have", () => {
  const run = second({ script: resumed("kjump_resume_command=0x6b630003") });
  // A knows the other word only: it takes the jump for one without an image.
  assert.deepEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [-5]);
});
