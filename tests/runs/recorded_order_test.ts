import assert from "node:assert/strict";
import { deedsOf, recordedLines } from "./recorded_order.ts";
import { runMainline } from "./run_kit.ts";

/** Cuts what a kernel did into its transitions, each from the console to the console. */
function transitions(names: readonly string[]): string[][] {
  const cut: string[][] = [];
  for (const name of names) {
    if (name === "pm_prepare_console") cut.push([]);
    cut.at(-1)?.push(name);
  }
  return cut;
}

Deno.test("kernel_kexec of 6.1-cured runs in the order a real kernel was recorded in, both times", () => {
  const recorded = recordedLines("kexec_jump_functions.txt").map(([, , name]) => name);
  const run = runMainline({ profile: "6.1-cured", part: "jump" });
  assert.equal(run.outcome, "returned");
  const names = deedsOf(run).filter(({ k, name }) => k === "A" && !name.startsWith("jump"));
  const [first, second, ...more] = transitions(names.map(({ name }) => name));
  assert.deepEqual(first, recorded);
  assert.deepEqual(second, recorded);
  assert.deepEqual(more, []);
});

Deno.test("two kernels of 6.1-cured take turns as two real ones were recorded to", () => {
  const recorded = recordedLines("kexec_jump_turns.txt").map(([, k, ...name]) => ({
    k,
    name: name.join(" "),
  }));
  const known = new Set(recorded.map(({ name }) => name));
  const run = runMainline({ profile: "6.1-cured", part: "jump" });
  const deeds = deedsOf(run)
    // Purgatory, which runs before B, says nothing on a real console.
    .map(({ k, name }) => ({ k, name: name.replace(/\[\d+\]$/, "").replace("purgatory", "B") }))
    .filter(({ name }) => known.has(name));
  assert.deepEqual(deeds, recorded);
});

Deno.test("kernel_kexec of 2.6.27 takes CPUs offline before the late phase, unlike 6.1", () => {
  const names = deedsOf(runMainline({ part: "jump" })).map(({ name }) => name);
  const off = names.indexOf("freeze_secondary_cpus");
  assert.ok(off >= 0 && off < names.indexOf("dpm_suspend_late[1]"));
  const recorded = recordedLines("kexec_jump_functions.txt").map(([, , name]) => name);
  assert.notDeepEqual(transitions(names)[0], recorded);
});
