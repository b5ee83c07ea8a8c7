import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ask, entering, parameters, runCpu, type Tell } from "./cpu_bench.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";

/** A device that raises its line so often. */
function raising(times: number): Tell {
  return function* ({ out }) {
    for (let line = 0; line < times; line++) {
      out.send("cpu", "cpu.interrupt", { line, device: "device" }, 10_000 + line);
    }
    yield;
  };
}

/** Enters kernel B, which does what it does while a device raises its line. */
function interrupting(times: number, act: Tell): ReturnType<typeof runCpu> {
  const cast = { A: [entering(0x1_0000, 0x2_0000)], B: [act], device: [raising(times)] };
  return runCpu(cast, (ram) => {
    parameters(ram, 0x2_0000, "hostname=B");
    const body = new Uint8Array(4);
    ram.write(0x1_0000, stampProgram({ kind: STAMP_KIND.kernel, version: 2627, body }));
  });
}

const BODY = stampProgram({ kind: STAMP_KIND.purgatory, version: 1, body: new Uint8Array(4) });

Deno.test("cpu.interrupt is kept while interrupts are off, and comes in order when they go on", () => {
  const heard: string[] = [];
  const run = interrupting(3, function* (hands) {
    yield;
    yield* ask(hands, "memory", "memory.read", { by: "B", address: 0, length: 4096 });
    strictEqual(heard.length, 0);
    hands.out.send("cpu", "cpu.set_interrupts", { tag: "on", enabled: true });
    for (;;) {
      const { envelope } = yield;
      heard.push(`${envelope.type} ${Reflect.get(envelope.body, "line") ?? ""}`.trim());
    }
  });
  deepStrictEqual(heard, [
    "cpu.done",
    "kernel.interrupt 0",
    "kernel.interrupt 1",
    "kernel.interrupt 2",
  ]);
  deepStrictEqual(run.facts("interrupts"), [{ k: "B", enabled: true }]);
});

Deno.test("cpu.interrupt never reaches a kernel that leaves interrupts off", () => {
  const run = interrupting(3, function* () {
    for (;;) yield;
  });
  strictEqual(run.sent("cpu.interrupt").length, 3);
  deepStrictEqual(run.sent("kernel.interrupt"), []);
});

Deno.test("cpu.interrupt is not for a program that is no kernel, interrupts on or not", () => {
  const heard: string[] = [];
  const listens: Tell = function* () {
    for (;;) heard.push((yield).envelope.type);
  };
  runCpu(
    { A: [entering(0x1_0000)], purgatory: [listens], device: [raising(2)] },
    (ram) => ram.write(0x1_0000, BODY),
  );
  deepStrictEqual(heard, ["program.start"]);
});

Deno.test("cpu.set_online keeps the boot processor and never brings more than there are", () => {
  const answers: unknown[] = [];
  const tell: Tell = function* (hands) {
    for (const count of [64, 1, 0, 2]) {
      answers.push((yield* ask(hands, "cpu", "cpu.set_online", { count }))["online"]);
    }
    for (;;) yield;
  };
  const run = runCpu({ A: [tell] });
  deepStrictEqual(answers, [2, 1, 1, 2]);
  deepStrictEqual(run.facts("cpus").map(({ online }) => online), ["0-1", "0", "0", "0-1"]);
});

Deno.test("cpu.halt ends who asked, and the machine stays on", () => {
  const tell: Tell = function* ({ out }) {
    out.send("cpu", "cpu.halt", { reason: "for ever" });
    for (;;) yield;
  };
  const run = runCpu({ A: [tell] });
  deepStrictEqual(run.facts("panic"), [{ k: "A", reason: "for ever" }]);
  deepStrictEqual(run.resets, []);
  const ended = run.events.filter(({ kind }) => kind === "end").map(({ actor }) => actor);
  deepStrictEqual(ended, ["A"]);
  strictEqual(run.events.some(({ kind, actor }) => kind === "deliver" && actor === "A"), false);
});
