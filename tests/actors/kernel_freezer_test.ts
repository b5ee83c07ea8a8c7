import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FREEZER_PROCEDURES } from "../../actors/kernel/freezer.ts";
import { Interpreter } from "../../actors/kernel/interpreter.ts";
import { ask, call, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState, Process } from "../../actors/kernel/state.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { Collected, noAccess, noting, processOf, stateWith } from "./kernel_pure.ts";

interface Bench {
  readonly state: KernelState;
  readonly out: Collected;
  /** What the freezer's callers were told. */
  readonly told: Plain[];
  answer(index: number): void;
}

/** Freezes from process 3, whose ancestors are 2 and 1; then, if that is wanted, thaws. */
function freezing(others: readonly Process[], thaw = false): Bench {
  const told: Plain[] = [];
  const tell = (answer: Plain) => noting(told, answer);
  const procedures: Procedure[] = [
    ...FREEZER_PROCEDURES,
    procedure("caller", [
      { name: "f", run: () => call("freeze_processes"), then: (_k, _v, answer) => tell(answer) },
      ...(thaw ? [{ name: "t", run: () => call("thaw_processes") }] : []),
      { name: "stay", run: () => ask("rtc", "rtc.read", {}) },
    ]),
    procedure("idle", [{ name: "clock", run: () => ask("rtc", "rtc.read", {}) }]),
    procedure("sleeper", [{ name: "sleep", run: () => ask("rtc", "timer.arm", { delay_ns: 1 }) }]),
  ];
  const family = [processOf(1), processOf(2, undefined, 1), processOf(3, "caller", 2)];
  for (const parent of family.slice(0, 2)) parent.wait = { kind: "children", pids: [3] };
  const out = new Collected();
  const state = stateWith({ processes: [...others, ...family] });
  const table = new Map(procedures.map((each) => [each.name, each]));
  const interpreter = new Interpreter(table, state, out);
  interpreter.settle(noAccess());
  return {
    state,
    out,
    told,
    answer(index) {
      const tag = String(out.sent[index]?.body["tag"]);
      const body = { tag, real_us: 0 };
      interpreter.answer({ id: 0, source: "rtc", target: "K", type: "rtc.time", body }, noAccess());
    },
  };
}

const frozen = ({ state }: Bench) =>
  state.processes.filter((process) => process.frozen).map(({ pid }) => pid);

Deno.test("freeze_processes stops user tasks but not the caller, its ancestors and kernel threads", () => {
  const thread: Process = { ...processOf(11, "idle"), kind: "kernel" };
  const ended: Process = { ...processOf(12), wait: { kind: "exited" } };
  const bench = freezing([processOf(10, "sleeper"), thread, ended]);
  deepStrictEqual(frozen(bench), [10]);
  deepStrictEqual(bench.told, [0]);
  deepStrictEqual(bench.out.facts, [
    { name: "freeze", fields: { k: "K", what: "user", result: 0 } },
  ]);
});

Deno.test("freeze_processes waits for a task that waits for a device, and looks again", () => {
  const bench = freezing([processOf(10, "idle"), processOf(11, "sleeper")]);
  deepStrictEqual([frozen(bench), bench.told], [[11], []]);
  const look = bench.out.sent.findIndex(({ body }) => body["delay_ns"] === 10_000_000);
  strictEqual(look >= 0, true);
  bench.answer(0);
  bench.out.now += 10_000_000;
  bench.answer(look);
  deepStrictEqual(bench.told, [0]);
});

Deno.test("freeze_processes gives EBUSY after 20 seconds, thaws all and says so", () => {
  const bench = freezing([processOf(10, "idle"), processOf(11, "sleeper")]);
  for (let looks = 0; bench.told.length === 0 && looks < 3000; looks++) {
    bench.out.now += 10_000_000;
    bench.answer(bench.out.sent.length - 1);
  }
  deepStrictEqual(bench.told, [-16]);
  strictEqual(bench.out.now, 20_000_000_000);
  deepStrictEqual(frozen(bench), []);
  deepStrictEqual(bench.out.facts.map(({ name, fields }) => [name, fields["result"]]), [
    ["freeze", -16],
    ["thaw", undefined],
  ]);
  const lines = bench.out.sent.filter(({ type }) => type === "console.write");
  deepStrictEqual(lines.map(({ body }) => body["text"]), [
    "Freezing of tasks failed after 20 seconds",
  ]);
});

Deno.test("thaw_processes ends sleeps whose timer may be gone, and lets all run on", () => {
  const bench = freezing([processOf(10, "sleeper")], true);
  deepStrictEqual(frozen(bench), []);
  const sleeper = bench.state.processes.find(({ pid }) => pid === 10);
  deepStrictEqual([sleeper?.wait.kind, sleeper?.sleeping], ["exited", false]);
});
