/** swsusp on a machine of today's size: the disk with its images is larger than many a host. */
import assert from "node:assert/strict";
import { brokenRules, judgeAs } from "./run_kit.ts";
import { cycle } from "./swsusp_kit.ts";

Deno.test("hibernate and resume work on a laptop of 8 GiB, whose sparse disk has 27 GiB", () => {
  const run = cycle({ memoryMiB: 8192, hardware: "laptop", profile: "6.1-cured" });
  assert.equal(run.outcome, "resumed", run.lines.slice(-3).join("\n"));
  assert.ok(run.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
  assert.ok(run.medium.byteLength > 24 * 2 ** 30);
  assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
});
