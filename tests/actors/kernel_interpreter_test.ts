import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { Interpreter } from "../../actors/kernel/interpreter.ts";
import type { Kernel } from "../../actors/kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
  type Step,
} from "../../actors/kernel/procedure.ts";
import type { KernelState, Process } from "../../actors/kernel/state.ts";
import type { Envelope } from "../../machine/actor.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { Collected, noAccess, noting, processOf, stateWith } from "./kernel_pure.ts";

/** A step that notes its name; with an undo that notes it too. */
function noted(log: string[], name: string, undone = true): Step {
  return {
    name,
    run: () => {
      log.push(name);
      return next;
    },
    ...(undone ? { undo: () => noting(log, `undo ${name}`) } : {}),
  };
}

class Bench {
  readonly out = new Collected();
  readonly state: KernelState;
  readonly #table: Map<string, Procedure>;

  constructor(procedures: readonly Procedure[], processes: readonly Process[]) {
    this.#table = new Map(procedures.map((each) => [each.name, each]));
    this.state = stateWith({ processes: [...processes], nextPid: processes.length + 1 });
  }
  get interpreter(): Interpreter {
    return new Interpreter(this.#table, this.state, this.out);
  }
  settle(): void {
    this.interpreter.settle(noAccess());
  }
  /** Answers the newest request, or one by its number. */
  answer(fields: object = {}, index = this.out.sent.length - 1): void {
    const tag = this.out.sent[index]?.body["tag"];
    const body = { tag: String(tag), real_us: 0, ...fields };
    const envelope: Envelope = { id: 0, source: "rtc", target: "K", type: "rtc.time", body };
    this.interpreter.answer(envelope, noAccess());
  }
  process(pid: number): Process {
    const found = this.state.processes.find((process) => process.pid === pid);
    if (found === undefined) throw new Error(`No process ${pid}`);
    return found;
  }
  asked(): string[] {
    return this.out.sent.map(({ type }) => type);
  }
}

const readClock = () => ask("rtc", "rtc.read", {});

Deno.test("Interpreter undoes the steps that were done, newest first, and returns the error", () => {
  const log: string[] = [];
  const bench = new Bench([
    procedure("main", [
      noted(log, "one"),
      noted(log, "two", false),
      noted(log, "three"),
      { name: "four", run: () => fail(16), undo: () => noting(log, "undo four") },
      noted(log, "five"),
    ]),
  ], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual(log, ["one", "two", "three", "undo three", "undo one"]);
  deepStrictEqual([bench.process(1).wait.kind, bench.process(1).status], ["exited", -16]);
});

Deno.test("Interpreter takes an error of 0 for a return that undoes, and returns 0", () => {
  const log: string[] = [];
  const steps = [noted(log, "one"), { name: "jump", run: () => fail(0) }, noted(log, "never")];
  const bench = new Bench([procedure("main", steps)], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual(log, ["one", "undo one"]);
  strictEqual(Object.is(bench.process(1).status, 0), true);
});

Deno.test("Interpreter waits for an undo that asks before it undoes the step before it", () => {
  const log: string[] = [];
  const bench = new Bench([
    procedure("main", [
      noted(log, "one"),
      { name: "clock", run: () => next, undo: readClock },
      { name: "break", run: () => fail(5) },
    ]),
  ], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual([bench.asked(), log], [["rtc.read"], ["one"]]);
  bench.answer();
  deepStrictEqual(log, ["one", "undo one"]);
  strictEqual(bench.process(1).status, -5);
});

Deno.test("Interpreter runs a procedure that an undo calls, with its own error dropped", () => {
  const log: string[] = [];
  const bench = new Bench([
    procedure("main", [
      noted(log, "one"),
      { name: "two", run: () => next, undo: () => call("inner") },
      { name: "break", run: () => fail(5) },
    ]),
    procedure("inner", [noted(log, "inner", false), { name: "bad", run: () => fail(12) }]),
  ], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual(log, ["one", "inner", "undo one"]);
  strictEqual(bench.process(1).status, -5);
});

Deno.test("Interpreter gives a called procedure's value to `then`, through any depth", () => {
  const down = (depth: number): Procedure =>
    procedure(`depth${depth}`, [{
      name: "call",
      run: (_kernel, vars) =>
        depth === 0 ? done(Number(vars["value"])) : call(`depth${depth - 1}`, {
          value: Number(vars["value"]) + 1,
        }),
      then: (_kernel, _vars, answer) => done(Number(answer) * 2),
    }]);
  const procedures = Array.from({ length: 6 }, (_, depth) => down(depth));
  const process = processOf(1, "depth5");
  process.frames = [{ procedure: "depth5", step: 0, vars: { value: 3 }, done: [] }];
  const bench = new Bench(procedures, [process]);
  bench.settle();
  strictEqual(bench.process(1).status, (3 + 5) * 32);
});

Deno.test("Interpreter has a failing call undone in the callee first, then in the caller", () => {
  const log: string[] = [];
  const bench = new Bench([
    procedure("main", [
      noted(log, "one"),
      { name: "call", run: () => call("inner"), then: (_kernel, _vars, answer) => orFail(answer) },
      noted(log, "never"),
    ]),
    procedure("inner", [noted(log, "inner"), { name: "bad", run: () => fail(12) }]),
  ], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual(log, ["one", "inner", "undo inner", "undo one"]);
  strictEqual(bench.process(1).status, -12);
});

Deno.test("Interpreter goes where goto says, and undoes what was done on either way", () => {
  const log: string[] = [];
  const bench = new Bench([
    procedure("main", [
      {
        name: "fork",
        run: () => noting(log, "fork", goto("three")),
        undo: () => noting(log, "undo fork"),
      },
      noted(log, "two"),
      noted(log, "three"),
      { name: "break", run: () => fail(1) },
    ]),
  ], [processOf(1, "main")]);
  bench.settle();
  deepStrictEqual(log, ["fork", "three", "undo three", "undo fork"]);
});

Deno.test("Interpreter refuses a goto, a call and a procedure that there are not", () => {
  const broken: [string, Step][] = [
    ["No step 'nowhere' in 'main'", { name: "a", run: () => goto("nowhere") }],
    ["No procedure 'nothing'", { name: "a", run: () => call("nothing") }],
  ];
  for (const [message, step] of broken) {
    const bench = new Bench([procedure("main", [step])], [processOf(1, "main")]);
    throws(() => bench.settle(), { message });
  }
});

Deno.test("Interpreter takes a process that loops without waiting for an error", () => {
  const loop = procedure("main", [{ name: "again", run: () => goto("again") }]);
  const bench = new Bench([loop], [processOf(1, "main")]);
  throws(() => bench.settle(), (error) => {
    match(String(error), /process1 runs without waiting/);
    return true;
  });
});

Deno.test("Interpreter runs ready processes in order of their numbers, each till it waits", () => {
  const log: string[] = [];
  const step = (kernel: Kernel) => noting(log, `${kernel.process.pid}`, readClock());
  const bench = new Bench(
    [procedure("main", [{ name: "a", run: step }, { name: "b", run: step }])],
    [processOf(1, "main"), processOf(2, "main"), processOf(3, "main")],
  );
  bench.settle();
  deepStrictEqual(log, ["1", "2", "3"]);
  bench.answer({}, 1);
  bench.answer({}, 0);
  deepStrictEqual(log, ["1", "2", "3", "2", "1"], "each answer wakes who waits for its tag");
});

Deno.test("Interpreter drops an answer nobody waits for and gives its grants back", () => {
  const bench = new Bench([], []);
  const grants = [{ id: 7, start: 0, length: 4096, write: false }];
  const envelope: Envelope = {
    id: 0,
    source: "memory",
    target: "K",
    type: "memory.granted",
    body: { tag: "9.9", grants },
  };
  bench.interpreter.answer(envelope, noAccess());
  deepStrictEqual(bench.out.sent, [{ target: "memory", type: "memory.release", body: { grants } }]);
});

Deno.test("Interpreter gives a waiting parent its children's statuses and forgets them", () => {
  const seen: Plain[] = [];
  const bench = new Bench([
    procedure("main", [
      {
        name: "spawn",
        run: (kernel) => ({
          do: "wait",
          pids: [3, 7, 5].map((status) => kernel.spawn(`c${status}`, "user", "child", { status })),
        }),
        then: (_kernel, _vars, answer) => noting(seen, answer),
      },
    ]),
    procedure("child", [
      { name: "clock", run: readClock },
      { name: "end", run: (_kernel, vars) => done(Number(vars["status"])) },
    ]),
  ], [processOf(1, "main")]);
  bench.settle();
  bench.answer({}, 2);
  bench.answer({}, 0);
  deepStrictEqual(seen, []);
  bench.answer({}, 1);
  deepStrictEqual(seen, [[3, 7, 5]]);
  deepStrictEqual(bench.state.processes.map(({ pid }) => pid), [1]);
});

Deno.test("Interpreter keeps a frozen process's answer until it is thawed", () => {
  const seen: Plain[] = [];
  const bench = new Bench([
    procedure("main", [{
      name: "sleep",
      run: () => ask("rtc", "timer.arm", { delay_ns: 5 }),
      then: (_kernel, _vars, answer) => noting(seen, answer),
    }]),
  ], [processOf(1, "main")]);
  bench.settle();
  strictEqual(bench.process(1).sleeping, true);
  bench.process(1).frozen = true;
  bench.answer({ real_us: 5 });
  deepStrictEqual(seen, []);
  bench.settle();
  deepStrictEqual(seen, [], "it does not run while it is frozen");
  bench.process(1).frozen = false;
  bench.settle();
  strictEqual(seen.length, 1);
  strictEqual(bench.process(1).wait.kind, "exited");
});

Deno.test("Interpreter gives typed lines to who reads them, and keeps lines nobody reads yet", () => {
  const lines: Plain[] = [];
  const bench = new Bench([
    procedure("main", [{
      name: "read",
      run: () => ({ do: "read_line" }),
      then: (_kernel, _vars, answer) => noting(lines, answer, goto("read")),
    }]),
  ], [processOf(1, "main")]);
  bench.state.typed.push("first", "second");
  bench.settle();
  deepStrictEqual([lines, bench.state.typed], [["first", "second"], []]);
  bench.process(1).frozen = true;
  bench.state.typed.push("third");
  bench.settle();
  deepStrictEqual([lines.length, bench.state.typed], [2, ["third"]]);
});

Deno.test("Interpreter resumes the process that left, with what came back", () => {
  const seen: Plain[] = [];
  const bench = new Bench([
    procedure("main", [{
      name: "leave",
      run: () => ({ do: "leave" }),
      then: (_kernel, _vars, answer) => noting(seen, answer),
    }]),
  ], [processOf(1), processOf(2, "main")]);
  bench.settle();
  // What lies in RAM between the two is JSON.
  const bytes = JSON.stringify(bench.state);
  const back = new Bench([
    procedure("main", [{
      name: "leave",
      run: () => next,
      then: (_kernel, _vars, answer) => noting(seen, answer),
    }]),
  ], []);
  Object.assign(back.state, JSON.parse(bytes));
  back.interpreter.comeBack({ peer: 0x1234 }, noAccess());
  deepStrictEqual(seen, [{ peer: 0x1234 }]);
  strictEqual(back.process(2).wait.kind, "exited");
});

Deno.test("Interpreter gives an ended process's pages back", () => {
  const main = procedure("main", [{
    name: "take",
    run: (kernel) => {
      const runs = kernel.allocate({ pages: 4, flags: 8, owner: 1 }) ?? [];
      kernel.process.memory.push({ purpose: "heap", runs });
      return next;
    },
  }]);
  const bench = new Bench([main], [processOf(1, "main")]);
  bench.state.free = [{ pfn: 10, count: 20 }];
  bench.settle();
  deepStrictEqual([bench.state.free, bench.state.owned], [[{ pfn: 10, count: 20 }], []]);
});
