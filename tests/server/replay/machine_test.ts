import assert from "node:assert/strict";
import { ask, inFolder, isFact, keepCycle, newService, seqOf } from "./replay_kit.ts";

Deno.test("machine tells all actors that live, with behaviour, label and state", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    try {
      const at = seqOf(run, (event) => isFact(event, "image", { k: "B", op: "commit" }));
      const state = await ask(service, run, "machine", at);
      assert.equal(state.powered, true);
      assert.ok(state.next > at && state.vt === run.events[state.next - 1]?.vt);
      const names = state.actors.map(({ name }) => name);
      for (const name of ["operator", "cpu", "memory", "disk", "firmware", "B"]) {
        assert.ok(names.includes(name), name);
      }
      assert.ok(!names.includes("A"), "A stands in RAM only");
      const b = state.actors.find(({ name }) => name === "B");
      assert.equal(b?.behaviour, "kernel");
      assert.match(JSON.stringify(b?.state), /"hostname=B/);
      assert.ok(JSON.stringify(state).length < 300_000);
      const off = await ask(service, run, "machine", run.events.length - 1);
      assert.equal(off.powered, false);
      assert.deepEqual(off.actors.map(({ name }) => name), ["operator"]);
    } finally {
      service.close();
    }
  }));

Deno.test("machine gives the same moment from both sides, and after a way over the whole run", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`);
    const service = newService();
    const fresh = newService();
    try {
      const last = run.events.length - 1;
      const places = [1, 700, 1500, 2300, 3100, last];
      const cold = [];
      for (const at of places) cold.push(await ask(fresh, run, "machine", at));
      await ask(service, run, "machine", last);
      for (const [index, at] of [...places.entries()].reverse()) {
        assert.deepEqual(await ask(service, run, "machine", at), cold[index]);
        assert.deepEqual(
          await ask(service, run, "memory", at),
          await ask(fresh, run, "memory", at),
          `memory at ${at}`,
        );
      }
    } finally {
      service.close();
      fresh.close();
    }
  }));

Deno.test("change tells the actor's state before and after the step of the event", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    try {
      const written = seqOf(run, (event) => isFact(event, "disk_write", { k: "B" }));
      const change = await ask(service, run, "change", written);
      assert.equal(change.actor, "disk");
      const pending = (state: unknown): number => {
        const found = /"pending":(\[.*?\])/.exec(JSON.stringify(state))?.[1];
        return JSON.parse(found ?? "[]").length;
      };
      assert.equal(pending(change.before) + 1, pending(change.after));
      // The way back and the way there give the same.
      await ask(service, run, "machine", 10);
      assert.deepEqual(await ask(service, run, "change", written), change);
    } finally {
      service.close();
    }
  }));

Deno.test("change leaves out the side on which the actor does not live", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    try {
      const born = seqOf(run, (event) => event.kind === "start" && event.actor === "B");
      const birth = await ask(service, run, "change", born);
      assert.equal(birth.before, undefined);
      assert.equal(birth.actor, "B");
      assert.notEqual(birth.after, undefined);
      const died = seqOf(run, (event) => event.kind === "end" && event.actor === "A");
      const death = await ask(service, run, "change", died);
      assert.notEqual(death.before, undefined);
      assert.equal(death.after, undefined);
      const first = await ask(service, run, "change", 0);
      assert.equal(first.actor, "operator");
      assert.equal(first.before, undefined);
      assert.notEqual(first.after, undefined);
      assert.equal(first.at, 0);
    } finally {
      service.close();
    }
  }));
