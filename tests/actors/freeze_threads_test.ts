import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FREEZE_THREADS_PROCEDURES } from "../../actors/kernel/freeze_threads.ts";
import { Interpreter } from "../../actors/kernel/interpreter.ts";
import { NOTIFIER_PROCEDURES } from "../../actors/kernel/notifiers.ts";
import { ask, call, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState, Process } from "../../actors/kernel/state.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { Collected, noAccess, noting, processOf, stateWith } from "./kernel_pure.ts";

interface Bench {
  readonly state: KernelState;
  readonly out: Collected;
  readonly told: Plain[];
  readonly interpreter: Interpreter;
}

/** Process 3, a child of init, calls a procedure beside other processes. */
function calling(
  name: string,
  vars: Record<string, Plain>,
  others: readonly Process[] = [],
  commandLine = "",
): Bench {
  const told: Plain[] = [];
  const procedures: Procedure[] = [
    ...FREEZE_THREADS_PROCEDURES,
    ...NOTIFIER_PROCEDURES,
    procedure("caller", [
      { name: "c", run: () => call(name, vars), then: (_k, _v, answer) => noting(told, answer) },
      { name: "stay", run: () => ask("rtc", "rtc.read", {}) },
    ]),
    procedure("busy", [{ name: "clock", run: () => ask("rtc", "rtc.read", {}) }]),
    procedure("sleeper", [{ name: "sleep", run: () => ask("rtc", "timer.arm", { delay_ns: 1 }) }]),
  ];
  const init: Process = { ...processOf(1), kind: "kernel", wait: { kind: "children", pids: [3] } };
  const out = new Collected();
  const state = stateWith({
    processes: [...others, init, processOf(3, "caller", 1)],
    commandLine,
  });
  const interpreter = new Interpreter(
    new Map(procedures.map((each) => [each.name, each])),
    state,
    out,
  );
  interpreter.settle(noAccess());
  return { state, out, told, interpreter };
}

function thread(pid: number, runs: string): Process {
  return { ...processOf(pid, runs), kind: "kernel" };
}

const frozen = ({ state }: Bench) =>
  state.processes.filter((process) => process.frozen).map(({ pid }) => pid);

Deno.test("freeze_kernel_threads stops threads, but no user task and not its caller's init", () => {
  const bench = calling("freeze_kernel_threads", {}, [
    thread(10, "sleeper"),
    processOf(11, "sleeper"),
  ]);
  deepStrictEqual(frozen(bench), [10]);
  deepStrictEqual(bench.told, [0]);
  deepStrictEqual(bench.out.facts, [
    { name: "freeze", fields: { k: "K", what: "kthreads", result: 0 } },
  ]);
});

Deno.test("freeze_kernel_threads gives EBUSY after 20 s, and thaws those it has stopped", () => {
  const bench = calling("freeze_kernel_threads", {}, [thread(10, "sleeper"), thread(11, "busy")]);
  deepStrictEqual(frozen(bench), [10]);
  for (let looks = 0; bench.told.length === 0; looks++) {
    strictEqual(looks < 2100, true, "it looks for ever");
    const timer = bench.out.sent.filter(({ type, body }) =>
      type === "timer.arm" && body["delay_ns"] !== 1
    ).at(-1);
    bench.out.now += 10_000_000;
    const body = { tag: String(timer?.body["tag"]) };
    const envelope = { id: 0, source: "rtc", target: "K", type: "timer.fired", body } as const;
    bench.interpreter.answer(envelope, noAccess());
  }
  deepStrictEqual(bench.told, [-16]);
  strictEqual(bench.out.now, 20_000_000_000);
  deepStrictEqual(frozen(bench), []);
  deepStrictEqual(bench.out.facts.map(({ name, fields }) => [name, fields["result"]]), [
    ["freeze", -16],
    ["thaw", undefined],
  ]);
});

const events = ({ out }: Bench) =>
  out.facts.map(({ fields }) => `${fields["callback"]} ${fields["event"]} ${fields["result"]}`);

Deno.test("pm_notify tells every callback in order", () => {
  const bench = calling("pm_notify", { event: "PM_POST_RESTORE" });
  deepStrictEqual(bench.told, [0]);
  deepStrictEqual(events(bench), [
    "bsp_pm PM_POST_RESTORE 0",
    "thermal PM_POST_RESTORE 0",
    "cpu_hotplug PM_POST_RESTORE 0",
    "memory_bitmap PM_POST_RESTORE 0",
  ]);
});

Deno.test("pm_notify that is robust takes back what it told before the refusal, else not", () => {
  const refusing = "quiet pm_notifier_error_inject=PM_SUSPEND_PREPARE:-5";
  const robust = calling(
    "pm_notify",
    { event: "PM_SUSPEND_PREPARE", undo: "PM_POST_SUSPEND" },
    [],
    refusing,
  );
  deepStrictEqual(robust.told, [-5]);
  deepStrictEqual(events(robust).slice(4), [
    "pm-notifier-error-inject PM_SUSPEND_PREPARE -5",
    "bsp_pm PM_POST_SUSPEND 0",
    "thermal PM_POST_SUSPEND 0",
    "cpu_hotplug PM_POST_SUSPEND 0",
    "memory_bitmap PM_POST_SUSPEND 0",
  ]);
  const plain = calling("pm_notify", { event: "PM_SUSPEND_PREPARE" }, [], refusing);
  deepStrictEqual(plain.told, [-5]);
  strictEqual(events(plain).length, 5);
});
