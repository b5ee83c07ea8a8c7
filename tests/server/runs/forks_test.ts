/**
 * Forks: the parent's past byte for byte, then another way, up to what became of the machine.
 */
import assert from "node:assert/strict";
import type { RunSummary } from "../../../server/api/shapes/run.ts";
import type { Laboratory } from "../../../server/deps.ts";
import { atA, eventLines, fileOf, refused, run, withLaboratory } from "./runs_kit.ts";

/** Number of the first event whose line has that text. */
function seqOf(folder: string, { run }: RunSummary, text: string): number {
  const seq = eventLines(folder, run).findIndex((line) => line.includes(text));
  assert.ok(seq >= 0, `no event with ${text}`);
  return seq;
}

function sharesPast(folder: string, parent: RunSummary, child: RunSummary, seq: number): void {
  const before = eventLines(folder, parent.run).slice(0, seq);
  assert.deepEqual(eventLines(folder, child.run).slice(0, seq), before);
  assert.deepEqual(child.parent, { run: parent.run, seq });
  const header = JSON.parse(fileOf(folder, child.run, "trace.ndjson").split("\n")[0] ?? "");
  assert.deepEqual([header.run, header.parent], [child.run, { run: parent.run, seq }]);
}

async function cut(laboratory: Laboratory, parent: RunSummary, seq: number): Promise<RunSummary> {
  return await run(laboratory, {
    kind: "fork",
    parent: { run: parent.run, seq },
    action: { do: "cut_power", durable: "all" },
  });
}

Deno.test("a fork of a cycle with a power cut is the run with that power cut", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const parent = await run(laboratory, { kind: "cycle" });
    const seq = seqOf(folder, parent, '"op":"check"');
    const child = await cut(laboratory, parent, seq);
    sharesPast(folder, parent, child, seq);
    assert.equal(child.status, "finished");
    assert.match(child.outcome ?? "", /^resumed: A resumed$/);
    const direct = await run(laboratory, { kind: "cycle", cutPower: { seq, durable: "all" } });
    assert.equal(child.sha256, direct.sha256);
    const early = await cut(laboratory, parent, 1200);
    assert.match(early.outcome ?? "", /^booted without an image: ordinary boot of C$/);
  });
});

Deno.test("a fork behind a planned power cut keeps it, one before forgets it", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const parent = await run(laboratory, {
      kind: "cycle",
      cutPower: { seq: 1500, durable: "none" },
    });
    for (const [seq, cuts] of [[1400, 0], [1501, 0], [1600, 1]] as const) {
      const child = await run(laboratory, {
        kind: "fork",
        parent: { run: parent.run, seq },
        action: { do: "nothing" },
      });
      sharesPast(folder, parent, child, seq);
      const found = eventLines(folder, child.run).filter((line) =>
        line.includes('"type":"power.cut"') && line.includes('"kind":"fault"')
      );
      const struck = seqOf(folder, parent, '"type":"power.cut"');
      assert.equal(found.length, seq > struck ? 1 : cuts, `at ${seq}`);
    }
  });
});

Deno.test("a fork of a transcript goes through its morning and says what became of it", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const parent = await run(laboratory, { kind: "scenario", name: "mainline-hibernate" });
    const seq = seqOf(folder, parent, '"k":"C"') + 50;
    const child = await cut(laboratory, parent, seq);
    sharesPast(folder, parent, child, seq);
    assert.equal(child.status, "waiting");
    assert.match(child.outcome ?? "", /^A resumed; waits at A's prompt$/);
    assert.deepEqual(child.standing, { off: false, menu: [], prompt: "A" });

    const typed = await laboratory.input(child.run, "echo still here");
    assert.equal(typed.status, "waiting");
    assert.ok(eventLines(folder, child.run).some((line) => line.includes("still here")));

    const early = seqOf(folder, parent, '"type":"fact.jump"');
    const lost = await cut(laboratory, parent, early);
    sharesPast(folder, parent, lost, early);
    assert.match(lost.outcome ?? "", /^ordinary boot of C; waits at C's prompt$/);
  });
});

Deno.test("a fork of a run that was switched on once boots the entry it booted last", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const text = ["```console", "# power on", "# boot C", "```"].join("\n");
    const parent = await run(laboratory, { kind: "transcript", text });
    const child = await cut(laboratory, parent, parent.events - 3);
    sharesPast(folder, parent, child, parent.events - 3);
    assert.equal(child.outcome, "ordinary boot of C; waits at C's prompt");
  });
});

Deno.test("a fork of a live run in the middle of a line gives its shell back", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const text = atA("A$ x=5; echo first > /tmp/a; cat /tmp/a", "A$ echo last");
    const parent = await run(laboratory, { kind: "transcript", text });
    const seq = seqOf(folder, parent, "first");
    const child = await run(laboratory, {
      kind: "fork",
      parent: { run: parent.run, seq: seq + 4 },
      action: { do: "nothing" },
    });
    sharesPast(folder, parent, child, seq + 4);
    assert.equal(child.standing?.prompt, "A", child.trouble ?? "");
    const grandchild = await run(laboratory, {
      kind: "fork",
      parent: { run: child.run, seq: seq + 2 },
      action: { do: "wake", by: "power_button" },
    });
    sharesPast(folder, child, grandchild, seq + 2);
    assert.ok(eventLines(folder, grandchild.run).some((line) => line.includes('"type":"wake"')));
  });
});

Deno.test("a fork where there is no event or no power is refused or says so", async () => {
  await withLaboratory({}, async (laboratory) => {
    const parent = await run(laboratory, { kind: "transcript", text: atA("A$ true") });
    const beyond = { kind: "fork", action: { do: "nothing" } } as const;
    const at = (seq: number) => ({ ...beyond, parent: { run: parent.run, seq } });
    const { details } = await refused("unknown-event", laboratory.start(at(parent.events)));
    assert.equal(details.seq, parent.events);
    const unknown = { ...beyond, parent: { run: "00".repeat(8), seq: 1 } };
    await refused("unknown-run", laboratory.start(unknown));
    const off = await cut(laboratory, parent, 1);
    assert.equal(off.status, "failed");
    assert.match(off.trouble ?? "", /machine is off already/);
    assert.ok(off.sha256 !== undefined, "what was recorded is whole");
  });
});

Deno.test("a cycle whose power is to be cut where there is none says which events there are", async () => {
  await withLaboratory({}, async (laboratory) => {
    const cycle = { kind: "cycle", part: "jump" } as const;
    const { events } = await run(laboratory, cycle);
    const cases: readonly (readonly [seq: number, says: RegExp])[] = [
      [events + 1000, new RegExp(`ends with ${events} events, before event ${events + 1000}`)],
      [Number.MAX_SAFE_INTEGER, /take an earlier one/],
    ];
    for (const [seq, says] of cases) {
      const cut = await run(laboratory, { ...cycle, cutPower: { seq, durable: "none" } });
      assert.deepEqual([cut.status, cut.outcome], ["failed", "no power to cut"]);
      assert.match(cut.trouble ?? "", says);
    }
  });
});
