import assert from "node:assert/strict";
import { isZeroPage } from "../../actors/kernel/workload.ts";
import { checkChoice } from "../../machine/choices.ts";
import { IMAGE_TARGETS } from "../../machine/hardware_profile.ts";
import { rawCore, vmcoreValue } from "./raw_core.ts";
import { planDump, vmcoreRuns } from "../../actors/programs/dump_plan.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { parseDumpCommand } from "../../actors/programs/dump_command.ts";

Deno.test("isZeroPage leaves every n-th page zero, and none without", () => {
  const zero = (sparse: number) => [0, 1, 2, 3, 4, 5].filter((index) => isZeroPage(index, sparse));
  assert.deepEqual(zero(0), []);
  assert.deepEqual(zero(1), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(zero(3), [2, 5]);
});

Deno.test("checkChoice takes a wake-up event by either source, and no other", () => {
  assert.equal(checkChoice({ kind: "wake", at: 3 }, "c"), undefined);
  assert.equal(checkChoice({ kind: "wake", at: 3, by: "power_button" }, "c"), undefined);
  assert.ok(checkChoice({ kind: "wake", at: 3, by: "mouse" }, "c") !== undefined);
  assert.ok(checkChoice({ kind: "wake", at: -1 }, "c") !== undefined);
});

Deno.test("IMAGE_TARGETS are whole, positive costs, and a server is slower than USB", () => {
  for (const costs of Object.values(IMAGE_TARGETS)) {
    assert.ok(Object.values(costs).every((cost) => Number.isSafeInteger(cost) && cost > 0));
  }
  assert.ok(IMAGE_TARGETS.nfs.writeBytesPerSecond < IMAGE_TARGETS.usb.writeBytesPerSecond);
});

Deno.test("planDump keeps a range that is named twice and one that ends in a page, as they are", () => {
  const vmcore = vmcoreValue(rawCore());
  const kept = vmcoreRuns(vmcore);
  const raw = parseElf(planDump(vmcore, kept).layout.header).programs
    .filter(({ type }) => type === PT_LOAD).map(({ paddr, memsz }) => [paddr, memsz]);
  assert.deepEqual(raw, [[0x10_0000, 0x2000], [0x1000, 0x9ec00], [0x10_0000, 0x30_0000]]);
  const { layout, pieces } = planDump(vmcore, kept);
  assert.equal(
    pieces.reduce((sum, { length }) => sum + length, 0),
    layout.fileLength - (layout.segments[0]?.fileOffset ?? 0),
  );
});

Deno.test("planDump edited has each whole page once", () => {
  const vmcore = vmcoreValue(rawCore());
  const edited = parseElf(planDump(vmcore, vmcoreRuns(vmcore, true), true).layout.header).programs
    .filter(({ type }) => type === PT_LOAD).map(({ paddr, memsz }) => [paddr, memsz]);
  assert.deepEqual(edited, [[0x1000, 0x9e000], [0x10_0000, 0x30_0000]]);
});

Deno.test("parseDumpCommand takes --edit", () => {
  const words = ["makedumpfile", "--edit", "-d", "16", "/proc/vmcore", "/x"];
  const edits = (given: readonly string[]) => {
    const parsed = parseDumpCommand(given);
    return "command" in parsed && parsed.command.edit;
  };
  assert.equal(edits(words), true);
  assert.equal(edits(words.filter((word) => word !== "--edit")), false);
});

Deno.test("only the 6.1 profiles have the quirks of today's core headers", () => {
  const raw = ["2.6.27", "6.1", "6.1-cured"].map((name) => kernelProfile(name).rawCoreHeaders);
  assert.deepEqual(raw, [false, true, true]);
  const pushes = ["2.6.27", "6.1", "6.1-cured"].map((name) => kernelProfile(name).pushesEntry);
  assert.deepEqual(pushes, [false, false, true]);
});
