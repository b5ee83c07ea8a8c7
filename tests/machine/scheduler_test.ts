import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import { ActorFailure, LimitError, ProtocolError } from "../../machine/errors.ts";
import type { RunPlan } from "../../machine/scheduler.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { runInline, toyBlocks, toyPlan } from "./toy_machine.ts";
import { TROUBLE } from "./toy_trouble.ts";
import { toyRegistry } from "./toys.ts";

/** A machine of a typist and a device that misbehaves as it is told. */
function troublePlan(...lines: readonly string[]): RunPlan {
  return {
    ...toyPlan({ registry: toyRegistry(...TROUBLE) }),
    people: [
      { name: "device", behaviour: "bad_device", config: null },
      { name: "person", behaviour: "toy_typist", config: lines },
    ],
  };
}

function refuses(line: string, type: new (...args: never[]) => Error, says: RegExp): void {
  assert.throws(() => runInline(troublePlan("fine", line)), (error) => {
    assert.ok(error instanceof type, String(error));
    assert.match(error.message, says);
    return true;
  });
}

Deno.test("Scheduler tells of a step that threw: who, on what, why", () => {
  refuses("throw", ActorFailure, /'device'.*seq \d+.*RangeError: a step that throws/);
});

Deno.test("Scheduler refuses access without a grant", () => {
  refuses("ram", ProtocolError, /0x0\+0x1 outside every grant/);
  refuses("blocks", ProtocolError, /does not own them/);
  refuses("grant", ProtocolError, /does not own RAM/);
});

Deno.test("Scheduler refuses to start an actor for one who may not", () => {
  refuses("spawn", ProtocolError, /not for a device.*'spawn'/);
});

Deno.test("Scheduler refuses a message that the state does not list", () => {
  const plan = troublePlan("fine");
  const people = [
    { name: "device", behaviour: "toy_console", config: null },
    { name: "person", behaviour: "toy_typist", config: ["x"] },
  ];
  assert.throws(
    () => runInline({ ...plan, people }),
    (error) =>
      error instanceof ProtocolError && error.place.state === "on" &&
      error.place.type === "console.type" && error.place.sender === "person",
  );
});

Deno.test("Scheduler refuses a name that is taken and a behaviour nobody knows", () => {
  const plan = toyPlan();
  const twice = { ...plan, people: [...plan.people, ...plan.people] };
  assert.throws(() => runInline(twice), /started twice/);
  const unknown = { ...plan, people: [{ name: "x", behaviour: "nothing", config: null }] };
  assert.throws(() => runInline(unknown), /No behaviour 'nothing'/);
});

Deno.test("Scheduler limits the actors that live", () => {
  const people = Array.from({ length: 65 }, (_, index) => ({
    name: `device${index}`,
    behaviour: "toy_console",
    config: null,
  }));
  assert.throws(
    () => runInline({ ...toyPlan(), people }),
    (error) => error instanceof LimitError && error.limit === "liveActors",
  );
});

Deno.test("Scheduler.advance ends idle where nothing waits", () => {
  const people = [{ name: "console", behaviour: "toy_console", config: null }];
  const run = runInline({ ...toyPlan(), people });
  assert.equal(run.outcome, "idle");
});

Deno.test("Scheduler closes what an actor held when it ends", () => {
  const people = [
    { name: "memory", behaviour: "toy_memory", config: null },
    { name: "person", behaviour: "toy_switcher", config: null },
  ];
  const run = runInline({ ...troublePlan(), people });
  assert.equal(run.outcome, "switched");
  assert.equal(run.text.split('"memory.granted"').length, 5, "two sent, two delivered");
});

Deno.test("Scheduler runs those who start and end others one at a time", () => {
  const msg = JSON.parse(
    runInline(troublePlan("fine", "fine")).text.split("\n").find((line) =>
      line.includes('"kind":"send"')
    ) ?? "{}",
  ).seq;
  // The device's message comes 50 ns before the person's next timer.
  const choices: Choice[] = [{ kind: "delay", msg, ns: 850 }];
  const plan = { ...troublePlan("fine", "fine"), choices };
  const transport = new InlineTransport(plan.registry, toyBlocks());
  const times: number[] = [];
  const step = transport.step.bind(transport);
  transport.step = (batch) => {
    assert.equal(batch.length, 1);
    times.push(...batch.map((order) => order.now));
    return step(batch);
  };
  const scheduler = new Scheduler(plan, transport, new Recorder(new MemorySink()));
  while (scheduler.advance(1));
  assert.deepEqual(times.slice(0, 3), [1000, 1950, 2000]);
});

Deno.test("Scheduler gives the same numbers with a silent recorder", () => {
  const plan = toyPlan({ seed: 5, choices: [{ kind: "power_cut", at: 200, durable: "seeded" }] });
  const loud = runInline(plan);
  const silent = new Recorder(new MemorySink(), undefined, { silent: true });
  const transport = new InlineTransport(plan.registry, toyBlocks());
  const scheduler = new Scheduler(plan, transport, silent);
  while (scheduler.advance(7));
  assert.equal(silent.next, loud.text.trimEnd().split("\n").length);
  assert.equal(scheduler.outcome, loud.outcome);
  assert.equal(JSON.stringify(scheduler.random.state()), loud.generator);
});

Deno.test("Scheduler delivers what was deferred once the state no longer defers it", () => {
  for (let seed = 1; seed < 30; seed++) {
    const lines = runInline(toyPlan({ seed })).text.trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    const deferred = events.filter((event) => event.kind === "defer");
    for (const defer of deferred) {
      const fate = events.find((event) =>
        event.seq > defer.seq && event.msg === defer.msg && event.kind !== "defer"
      );
      const ended = events.some((event) =>
        event.seq > defer.seq && event.kind === "end" && event.actor === defer.actor
      );
      assert.ok(fate?.kind === "deliver" || ended, `seed ${seed}, seq ${defer.seq}`);
    }
    if (deferred.length > 0) return;
  }
  assert.fail("no toy deferred anything");
});

Deno.test("Scheduler's Lamport numbers grow along every cause", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const events = runInline(toyPlan({ seed })).text.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    for (const event of events) {
      const cause = events[event.cause];
      if (cause === undefined || (cause.actor !== event.actor && event.kind === "note")) continue;
      if (event.kind === "send") assert.ok(event.lamport > cause.lamport, `seq ${event.seq}`);
      if (event.kind === "deliver") {
        assert.ok(event.lamport > events[event.msg].lamport, `seq ${event.seq}`);
      }
    }
  }
});
