/**
 * From a run's folder to the run again, without a worker.
 */
import assert from "node:assert/strict";
import { BlockStore } from "../../../machine/block_store.ts";
import { FlatStore } from "../../../machine/flat_store.ts";
import { LIMITS } from "../../../machine/limits.ts";
import { Scheduler } from "../../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../../machine/trace/recorder.ts";
import { InlineTransport } from "../../../machine/transport/inline.ts";
import type { Laboratory } from "../../../server/deps.ts";
import { replayPlan } from "../../../server/runs/replay_plan.ts";
import { collectGarbage } from "../../collect_garbage.ts";
import { atA, eventLines, run, withLaboratory } from "./runs_kit.ts";

/** As many event lines of a run that is run again from its folder as the run has. */
function replayed(laboratory: Laboratory, id: string): string[] {
  collectGarbage();
  const { plan, makeDisk, header } = replayPlan(laboratory.stored(id)?.folder ?? "");
  assert.equal(header.run, id);
  const blocks = new BlockStore(makeDisk(), FlatStore.make(LIMITS.diskCacheBytes));
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const scheduler = new Scheduler(plan, new InlineTransport(plan.registry, blocks), recorder);
  const events = laboratory.get(id)?.events ?? 0;
  while (recorder.next < events && scheduler.advance(1));
  recorder.flush();
  return sink.text.trimEnd().split("\n").slice(0, events);
}

Deno.test("replayPlan gives a cycle, a transcript and their forks again, byte for byte", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const cycle = await run(laboratory, {
      kind: "cycle",
      cutPower: { seq: 2100, durable: "seeded" },
    });
    const text = "```machine\norder: seeded\nseed: 5\nrefuse: network suspend 1 -16\n```\n" +
      atA("A$ x=1; echo $x > /tmp/a", "A$ sha256sum /tmp/a");
    const typed = await run(laboratory, { kind: "transcript", text });
    assert.equal(typed.status, "finished", typed.trouble ?? "no trouble");
    for (const parent of [cycle, typed]) {
      assert.deepEqual(replayed(laboratory, parent.run), eventLines(folder, parent.run));
      const child = await run(laboratory, {
        kind: "fork",
        parent: { run: parent.run, seq: 450 },
        action: { do: "cut_power", durable: "all" },
      });
      const grandchild = await run(laboratory, {
        kind: "fork",
        parent: { run: child.run, seq: child.events - 20 },
        action: { do: "wake", by: "rtc" },
      });
      for (const { run: id } of [child, grandchild]) {
        assert.deepEqual(replayed(laboratory, id), eventLines(folder, id));
      }
    }
  });
});

Deno.test("replayPlan gives a live run that goes on as far as it went, and again when it went on", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const { run: id } = await run(laboratory, { kind: "live" });
    for (const text of ["# power on", "# boot A", "echo one | cat", "# pull the plug"]) {
      await laboratory.input(id, text);
      assert.deepEqual(replayed(laboratory, id), eventLines(folder, id));
    }
  });
});

Deno.test("replayPlan refuses a folder without a run", () => {
  assert.throws(() => replayPlan("/nowhere/at/all"), { name: "ProblemError" });
});
