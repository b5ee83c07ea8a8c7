import assert from "node:assert/strict";
import { ProblemError } from "../../../server/problem.ts";
import { supersededProblem } from "../../../server/replay/requests.ts";
import { RUN_FILES } from "../../../server/runs/run_record.ts";
import { collectGarbage } from "../../collect_garbage.ts";
import {
  ask,
  inFolder,
  isFact,
  isProblem,
  keepCycle,
  keepScenario,
  type KeptRun,
  newService,
  seqOf,
} from "./replay_kit.ts";

/** Changes a byte of the stored trace at the line of an event. */
function tamper({ stored }: KeptRun, seq: number): void {
  const path = `${stored.folder}/${RUN_FILES.trace}`;
  const lines = Deno.readTextFileSync(path).split("\n");
  const line = lines[seq + 1] ?? "";
  lines[seq + 1] = line.replace(/"lamport":(\d)/, (_, digit) => `"lamport":${(+digit + 1) % 10}`);
  Deno.writeTextFileSync(path, lines.join("\n"));
}

/** Offset in the stored trace behind the lines of so many events. */
function bytesUntil({ stored }: KeptRun, events: number): number {
  const text = Deno.readTextFileSync(`${stored.folder}/${RUN_FILES.trace}`);
  const lines = text.split("\n").slice(0, events + 1);
  return new TextEncoder().encode(`${lines.join("\n")}\n`).length;
}

Deno.test("ReplayService refuses to show a machine that is not the stored run", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    tamper(run, 900);
    const service = newService();
    try {
      await ask(service, run, "machine", 300);
      await assert.rejects(
        ask(service, run, "machine", 1000),
        isProblem("internal", /differs from the stored trace at event 900/),
      );
      assert.deepEqual(service.kept, [], "such a machine is not kept");
      await assert.rejects(ask(service, run, "memory", 1000), isProblem("internal", /event 900/));
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService compares lines with characters beyond ASCII, forward and back", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "mainline-jump");
    assert.ok(run.events.some((event) => JSON.stringify(event).includes("…")), "there are some");
    const service = newService();
    try {
      const last = run.events.length - 1;
      for (const at of [last, 200, last - 50, 1900, last]) {
        assert.equal((await ask(service, run, "machine", at)).at, at);
      }
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService refuses a run whose choices lead elsewhere", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const other = [{ kind: "power_cut", at: 600, durable: "none" }];
    Deno.writeTextFileSync(`${folder}/run/${RUN_FILES.choices}`, JSON.stringify(other));
    const service = newService();
    try {
      await ask(service, run, "machine", 500);
      await assert.rejects(
        ask(service, run, "machine", 700),
        isProblem("internal", /differs from the stored trace at event 60\d/),
      );
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService says so when a run ends before an event that is stored", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const log = { ...run.stored.log, events: run.events.length + 5 };
    const longer = { ...run, stored: { ...run.stored, log } };
    const service = newService();
    try {
      await assert.rejects(
        ask(service, longer, "machine", run.events.length + 2),
        isProblem("internal", /ends before the event/),
      );
      assert.deepEqual(service.kept, []);
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService follows a live run that went on by choices it did not know", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "swsusp-shutdown");
    const path = `${folder}/run/${RUN_FILES.choices}`;
    const all: { kind: string; at: number }[] = JSON.parse(Deno.readTextFileSync(path));
    const known = all.slice(0, 3);
    Deno.writeTextFileSync(path, JSON.stringify(known));
    const until = all[3]?.at ?? 0;
    const service = newService();
    try {
      const { log } = run.stored;
      const before = { ...log, events: until, bytes: bytesUntil(run, until) };
      const early = { ...run, stored: { ...run.stored, log: before } };
      await ask(service, early, "machine", until - 1);
      // The server has told of no more events than the choices lead to.
      Deno.writeTextFileSync(path, JSON.stringify(all));
      const last = run.events.length - 1;
      assert.equal((await ask(service, run, "machine", last)).next, last + 1);
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService keeps so many machines, the ones used last", () =>
  inFolder(async (folder) => {
    const runs = [1, 2, 3].map((seed) =>
      keepCycle(`${folder}/${seed}`, { part: "hibernate", machine: { seed } })
    );
    const service = newService({ replaySessions: 2 });
    try {
      const [a, b, c] = runs;
      if (a === undefined || b === undefined || c === undefined) throw new Error("three runs");
      const names = runs.map(({ stored }) => stored.run);
      for (const run of [a, b, a, c]) {
        await ask(service, run, "machine", 50);
        collectGarbage();
      }
      assert.deepEqual(service.kept, [names[0], names[2]]);
    } finally {
      service.close();
    }
    assert.deepEqual(service.kept, []);
  }));

Deno.test("ReplayService refuses a machine with more RAM than the limit, and names it", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService({ machineBytes: 1_048_576 });
    await assert.rejects(ask(service, run, "machine", 5), (error) => {
      assert.ok(error instanceof ProblemError);
      assert.equal(error.problem, "too-large");
      assert.deepEqual(error.details.limit, { name: "machineBytes", max: 1_048_576 });
      return true;
    });
    assert.deepEqual(service.kept, []);
  }));

Deno.test("ReplayService gives up between slices when nobody wants the answer, and goes on", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`);
    const service = newService();
    try {
      let turns = 0;
      const leave = () => {
        turns++;
        return Promise.reject(supersededProblem());
      };
      const last = run.events.length - 1;
      await assert.rejects(
        ask(service, run, "machine", last, leave),
        isProblem("too-many", /newer request/),
      );
      assert.equal(turns, 1);
      assert.equal(service.kept.length, 1, "the machine stands where it was left");
      const commit = seqOf(run, (event) => isFact(event, "image", { op: "commit" }));
      assert.equal((await ask(service, run, "machine", commit)).at, commit);
    } finally {
      service.close();
    }
  }));

Deno.test("ReplayService says that a run is not there any more, and forgets it", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    await Deno.remove(`${folder}/run`, { recursive: true });
    const service = newService();
    await assert.rejects(
      ask(service, run, "machine", 5),
      isProblem("unknown-run", /not there any more/),
    );
    assert.deepEqual(service.kept, []);
  }));

Deno.test("ReplayService whose run is removed while it replays says so, and forgets it", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    // The plan is read at once, the trace when there is something to compare.
    await Deno.remove(run.stored.log.path);
    await assert.rejects(
      ask(service, run, "machine", run.events.length - 1),
      isProblem("unknown-run", /not there any more/),
    );
    assert.deepEqual(service.kept, []);
  }));
