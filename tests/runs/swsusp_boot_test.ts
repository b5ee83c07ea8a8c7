/**
 * Boot kernels that find no image, or one they must not use (protocol.md B.5.7, recorded facts 35
 * to 38): the errno, that the boot goes on, and what is left of the image.
 */
import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { brokenRules, bytesOf, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import { damaged, hibernated, hibernation, resumed, said } from "./swsusp_kit.ts";
import { type HibernationOptions, swapHeader, swapOffset } from "./swsusp_kit.ts";

const images = new Map<string, Run>();

/** An image that several tests start from. */
function image(options: HibernationOptions = {}): Run {
  const key = JSON.stringify(options);
  const made = images.get(key) ?? hibernated(options);
  images.set(key, made);
  assert.equal(made.outcome, "hibernated", made.lines.slice(-3).join("\n"));
  return made;
}

/** C came up instead of A; the resume gave that errno. */
function assertBooted(first: Run, second: Run, result: number): void {
  assert.equal(second.outcome, "booted without an image", second.lines.slice(-4).join("\n"));
  assert.equal(fieldsOf(second, "resume_attempt").at(-1)?.["result"], result);
  assert.equal(fieldsOf(second, "final_copy").length, 0);
  assert.equal(brokenRules(judgeAs("S", first, second)).reasons, "");
}

function signatureAfter(run: Run, memoryMiB = 64): string {
  return swapHeader(bytesOf(run.medium), memoryMiB).signature;
}

const HEADER = 0;

const HEADER_DAMAGES = [
  ["magic", "Unrecognized hibernate image header format!", 24, "magic", -22],
  ["memory map", "Hibernate inconsistent memory map detected!", 32, "e820", -19],
  ["number of pages", "Image mismatch: memory size", 400, "memory", -1],
] as const;

for (const [name, line, offset, what, result] of HEADER_DAMAGES) {
  Deno.test(`an image with another ${name} is refused with EPERM, and used up (F64)`, () => {
    const first = image();
    const disk = damaged(first, HEADER, (page) => {
      page.setUint8(offset, page.getUint8(offset) ^ 0x10);
    });
    const second = resumed(disk);
    assertBooted(first, second, -1);
    assert.ok(said(second, line), second.lines.join("\n"));
    assert.ok(said(second, "Failed to load image, recovering."));
    const last = fieldsOf(second, "header_check").at(-1);
    assert.deepEqual([last?.["what"], last?.["result"]], [what, result]);
    assert.equal(signatureAfter(second), "SWAPSPACE2");
  });
}

Deno.test("a control word that does not fit its address is refused (F65)", () => {
  const first = image({ profile: "2.6.23-x64" });
  const disk = damaged(first, HEADER, (page) => page.setUint8(8, page.getUint8(8) ^ 1));
  const second = resumed(disk, { profile: "2.6.23-x64" });
  assertBooted(first, second, -1);
  const last = fieldsOf(second, "header_check").at(-1);
  assert.deepEqual([last?.["what"], last?.["result"]], ["control", -22]);
});

Deno.test("the header of 2007 is jump address and control word, nothing of 6.1 (B.5.8)", () => {
  let words: bigint[] = [];
  damaged(image({ profile: "2.6.23-x64" }), HEADER, (page) => {
    words = [0, 8, 16].map((at) => page.getBigUint64(at, true));
  });
  const [jump = 0n, control = 0n, rest] = words;
  assert.equal(control, jump ^ 0x0123456789abcdefn);
  assert.equal(jump % 4096n, 0n);
  assert.equal(rest, 0n);
});

Deno.test("an image is not put into a machine of another size (recorded fact 36)", () => {
  const first = image();
  const disk = bytesOf(first.medium);
  const second = resumed(disk, { bootAppend: "mem=48M" });
  assertBooted(first, second, -1);
  assert.ok(said(second, "Image mismatch: memory size"));
});

Deno.test("a flipped bit in a compressed image is found, and nothing of it used (F70)", () => {
  const first = image({ before: ["work 600 2", "swapon /dev/sda6"] });
  const disk = damaged(first, 40, (page) => page.setUint8(2000, page.getUint8(2000) ^ 4));
  const second = resumed(disk);
  assert.equal(second.outcome, "booted without an image");
  const result = Number(fieldsOf(second, "resume_attempt").at(-1)?.["result"]);
  assert.ok(result === -61 || (result <= -1 && result >= -8), `${result}`);
  assert.equal(fieldsOf(second, "final_copy").length, 0);
  assert.equal(brokenRules(judgeAs("S", first, second)).reasons, "");
  assert.equal(signatureAfter(second), "SWAPSPACE2");
});

Deno.test("noresume boots on and leaves the image, which a later boot resumes (F62)", () => {
  const first = image();
  const second = resumed(bytesOf(first.medium), { bootAppend: "noresume" });
  assert.equal(second.outcome, "booted without an image");
  const [attempt] = fieldsOf(second, "resume_attempt");
  assert.deepEqual([attempt?.["noresume"], attempt?.["read"], attempt?.["result"]], [
    true,
    false,
    0,
  ]);
  assert.equal(signatureAfter(second), "S1SUSPEND");
  assert.equal(resumed(bytesOf(second.medium)).outcome, "resumed");
});

Deno.test("a device that is none gives ENODEV, none at all ENOENT; the image stays", () => {
  const first = image();
  for (
    const [bootAppend, result] of [
      ["resume=/dev/sda60", -19],
      ["resume=/dev/sdb1 resumewait", -19],
      ["", -2],
    ] as const
  ) {
    const second = resumed(bytesOf(first.medium), { entry: "D", bootAppend });
    assert.equal(second.outcome, "booted without an image");
    assert.equal(fieldsOf(second, "resume_attempt").at(-1)?.["result"], result);
    assert.equal(signatureAfter(second), "S1SUSPEND");
  }
});

Deno.test("a swap area that somebody made anew has no image: EINVAL (F63)", () => {
  const first = image();
  const disk = bytesOf(first.medium);
  disk.set(new TextEncoder().encode("SWAPSPACE2"), swapOffset(64, 1) - 10);
  const second = resumed(disk);
  assertBooted(first, second, -22);
  assert.ok(said(second, "Image not found (code -22)"));
});

Deno.test("an image is used once: the next boot finds none (recorded fact 35)", () => {
  const first = image();
  const second = resumed(bytesOf(first.medium));
  assert.equal(second.outcome, "resumed");
  const third = resumed(bytesOf(second.medium));
  assert.equal(third.outcome, "booted without an image");
  assert.equal(fieldsOf(third, "resume_attempt").at(-1)?.["result"], -22);
});

Deno.test("another hardware signature is refused where it is to be obeyed (F69)", () => {
  const obey = "acpi_sleep=s4_hwsig";
  const first = image({ append: "acpi_sleep=s4_hwsig", mode: "platform" });
  const disk = bytesOf(first.medium);
  const same = resumed(disk, { bootAppend: obey });
  assert.equal(same.outcome, "resumed", same.lines.slice(-3).join("\n"));
  const at = swapOffset() + 4056;
  const view = new DataView(disk.buffer, disk.byteOffset);
  view.setUint32(at, view.getUint32(at, true) ^ 0xff, true);
  const second = resumed(disk, { bootAppend: obey });
  assertBooted(first, second, -22);
  assert.equal(signatureAfter(second), "SWAPSPACE2");
});

Deno.test("another hardware signature that nobody is to obey is warned of (F69)", () => {
  const first = image({ mode: "platform" });
  const second = resumed(bytesOf(first.medium), { setup: { signature: 0x1234 } });
  assert.equal(second.outcome, "resumed", second.lines.slice(-3).join("\n"));
  assert.ok(said(second, "Hardware changed while hibernated, success doubtful!"));
  const checks = fieldsOf(second, "header_check", "A").map(({ what, found, obeyed, result }) =>
    [what, found, obeyed, result].join(" ")
  );
  assert.deepEqual(checks, ["hardware 0x00001234 false 0"]);
  const report = judgeAs("S", first, second);
  assert.equal(brokenRules(report).reasons, "");
  assert.ok(idsWith(report, "held").includes("F69"));
});

Deno.test("a later write to /sys/power/resume resumes as well (recorded fact 39)", () => {
  const first = image();
  const second = hibernation({
    disk: bytesOf(first.medium),
  }, [
    { do: "power_on" },
    { do: "choose", entry: "D", append: "" },
    { do: "type", at: "C", line: "put 8:6 /sys/power/resume" },
    { do: "type", at: "A", line: "check" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ]);
  assert.equal(second.outcome, "resumed", second.lines.slice(-3).join("\n"));
});

Deno.test("a notifier that refuses before the restore ends the attempt (B.5.7 step 4)", () => {
  const first = image();
  const second = resumed(bytesOf(first.medium), {
    bootAppend: "pm_notifier_error_inject=PM_RESTORE_PREPARE:-16",
  });
  assertBooted(first, second, -16);
});
