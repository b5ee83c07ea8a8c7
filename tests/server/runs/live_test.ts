/**
 * Live runs: a person who types from elsewhere.
 */
import assert from "node:assert/strict";
import { eventLines, fileOf, refused, run, withLaboratory } from "./runs_kit.ts";

Deno.test("input types at the prompt that waits, and '#' acts on the machine", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const live = await run(laboratory, { kind: "live" });
    assert.equal(live.status, "waiting");
    assert.deepEqual(live.standing, { off: true, menu: [], prompt: "" });
    const menu = await laboratory.input(live.run, "# power on");
    assert.deepEqual(menu.standing, { off: false, menu: ["A", "C"], prompt: "" });
    const booted = await laboratory.input(live.run, "#boot A");
    assert.deepEqual(booted.standing, { off: false, menu: [], prompt: "A" });
    const typed = await laboratory.input(live.run, "echo typed | tr a-z A-Z");
    assert.ok(typed.events > booted.events);
    assert.ok(eventLines(folder, live.run).some((line) => line.includes('"text":"TYPED"')));
    const off = await laboratory.input(live.run, "# pull the plug keeping all");
    assert.equal(off.standing?.off, true);
    const choices: { kind: string }[] = JSON.parse(fileOf(folder, live.run, "choices.json"));
    assert.equal(choices.at(-1)?.kind, "power_cut");
    assert.ok(choices.length > 4);
    const left = await laboratory.input(live.run, "# quit");
    assert.deepEqual([left.status, left.outcome, left.standing], ["finished", "left", undefined]);
    await refused("wrong-state", laboratory.input(live.run, "# power on"));
  });
});

Deno.test("input that cannot be done is refused with what can, and the machine waits on", async () => {
  await withLaboratory({}, async (laboratory) => {
    const { run: id } = await run(laboratory, { kind: "live" });
    const off = await refused("wrong-state", laboratory.input(id, "ls"));
    assert.match(off.text, /the machine is off; write '# power on'/);
    await refused("wrong-state", laboratory.input(id, "# press reset"));
    const strange = await refused("bad-request", laboratory.input(id, "# <script>"));
    assert.match(strange.text, /'# power on'/);
    assert.doesNotMatch(strange.text, /script/);
    await refused("bad-request", laboratory.input(id, "# away soon"));
    await refused("bad-request", laboratory.input(id, "echo a\necho b"));
    await refused("bad-request", laboratory.input(id, "   "));
    assert.equal(laboratory.get(id)?.status, "waiting");
    await laboratory.input(id, "# power on");
    await refused("wrong-state", laboratory.input(id, "# boot Z"));
    await laboratory.input(id, "# boot A");
    await refused("wrong-state", laboratory.input(id, "# power on"));
    await refused("unknown-run", laboratory.input("0".repeat(16), "ls"));
  });
});

Deno.test("input to a machine that is busy is refused", async () => {
  await withLaboratory({}, async (laboratory) => {
    const { run: id } = await run(laboratory, { kind: "live" });
    const first = laboratory.input(id, "# power on");
    await refused("wrong-state", laboratory.input(id, "# power on"));
    assert.equal((await first).status, "waiting");
  });
});

Deno.test("a live run of a scenario plays its steps first where that is asked for", async () => {
  await withLaboratory({}, async (laboratory) => {
    const played = await run(laboratory, { kind: "live", scenario: "mainline-jump", play: true });
    assert.equal(played.scenario, "mainline-mainline-jump");
    assert.deepEqual([played.status, played.standing?.prompt], ["waiting", "A"]);
    assert.ok((played.verdict?.held ?? 0) > 10);
    const fresh = await run(laboratory, { kind: "live", scenario: "mainline-jump" });
    assert.equal(fresh.standing?.off, true);
    assert.notEqual(fresh.run, played.run);
    const both = { kind: "live", scenario: "mainline-jump", machine: { cpus: 2 } } as const;
    await refused("bad-request", laboratory.start(both));
  });
});
