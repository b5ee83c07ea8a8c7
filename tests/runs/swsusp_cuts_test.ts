/**
 * Power cuts along a hibernation and a resume (protocol.md G.1): an ordinary boot or a whole
 * resume, never anything between.
 */
import assert from "node:assert/strict";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { brokenRules, judgeAs, type Run } from "./run_kit.ts";
import { cycle, hibernating, hibernation, resuming, working } from "./swsusp_kit.ts";

const MODE = { mode: "platform" };
const WELL = "A: check: 2 processes, 0 files, 5 devices: all well";
const whole = cycle(MODE);

function factAt(name: string, test: (summary: Record<string, unknown>) => boolean): number {
  const found = whole.events.find(({ type, summary }: TraceEvent) =>
    type === `fact.${name}` && test({ ...summary })
  );
  assert.ok(found !== undefined, name);
  return found.seq;
}

function cut(at: number, durable: "none" | "all"): Run {
  return hibernation({
    ...MODE,
    choices: [{ kind: "power_cut", at, durable }],
    recovery: resuming(MODE),
  }, [...working(MODE), ...hibernating(MODE), { do: "off" }, ...resuming(MODE)]);
}

const image = (op: string) => factAt("image", (fields) => fields["op"] === op);
const NO_IMAGE = "booted without an image";

/** Where the power goes, and what the next boot must do, with nothing or all of the cache saved. */
const CUTS: readonly (readonly [string, number, readonly string[]])[] = [
  ["tasks are frozen", factAt("freeze", () => true), [NO_IMAGE]],
  ["devices are quiet", factAt("syscore", () => true), [NO_IMAGE]],
  ["memory is copied", factAt("snapshot", () => true) + 30, [NO_IMAGE]],
  ["pages are written", image("page") + 20, [NO_IMAGE]],
  ["the signature is in the drive's cache", image("commit") + 2, [NO_IMAGE, "resumed"]],
  [
    "devices are going down",
    factAt("phase", ({ name }) => name === "poweroff_late"),
    ["resumed"],
  ],
  ["the boot kernel has the signature back", image("load") + 5, [NO_IMAGE]],
  ["the pages are in place", factAt("final_copy", () => true) + 1, [NO_IMAGE]],
  ["A runs again", factAt("resumed", () => true) + 5, [NO_IMAGE]],
];

for (const [when, at, allowed] of CUTS) {
  Deno.test(`power goes while ${when}: ${allowed.join(" or ")}`, () => {
    for (const durable of ["none", "all"] as const) {
      const run = cut(at, durable);
      assert.ok(allowed.includes(run.outcome), `${durable}: ${run.outcome}`);
      if (run.outcome === "resumed") assert.ok(run.lines.includes(WELL));
      assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
    }
  });
}
