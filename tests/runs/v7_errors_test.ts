import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { chainProcedures, JUMP_CHAINS } from "../../actors/kernel/kjump_chains.ts";
import { call, done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import {
  boot,
  finishAt,
  firmwareStory,
  HIBERNATE,
  KHDEV_SECTOR,
  loadB,
  menu,
  prepared,
  runAltered,
  runV7,
  type,
} from "./v7_kit.ts";
import { brokenRules, facts, fieldsOf, judgeAs, type Run } from "./run_kit.ts";

const DEVICES = ["pci", "rtc", "console", "disk", "network"] as const;
const PHASES = ["prepare", "suspend", "suspend_late", "suspend_noirq"] as const;
/** Suspend callbacks take power away: that is v7's quirk, and no error of these tests. */
const QUIRK = ["F38"];
const hibernated: OperatorStep[] = [{ do: "off" }, { do: "finish", outcome: "hibernated" }];

function results(run: Run, k = "A"): unknown[] {
  return fieldsOf(run, "exec_done", k).map(({ result }) => result);
}

function onlyQuirk(run: Run, what: string): void {
  const { ids, reasons } = brokenRules(judgeAs("V", run));
  assert.deepEqual(ids.filter((id) => !QUIRK.includes(id)), [], `${what}: ${reasons}`);
}

for (const device of DEVICES) {
  Deno.test(`kexec_snapshot gives EBUSY where '${device}' refuses a phase, and works the next time`, () => {
    for (const phase of PHASES) {
      const what = `${device} ${phase}`;
      // The first time is A's jump that prepares B, the second B's way back.
      const choices: Choice[] = [{ kind: "refuse", device, phase, time: 3, result: -16 }];
      const run = runV7({
        choices,
        script: [
          ...prepared(),
          type("A", HIBERNATE),
          type("A", "check"),
          type("A", HIBERNATE),
          ...hibernated,
        ],
      });
      assert.equal(run.outcome, "hibernated", what);
      assert.deepEqual(results(run), [0, -16], what);
      assert.ok(run.lines.includes("A: kexec failed: Device or resource busy"), what);
      assert.ok(
        run.lines.some((line) => line.startsWith("A: check") && line.endsWith("well")),
        what,
      );
      onlyQuirk(run, what);
      // What was told of a sleep is taken back, and told again the second time.
      assert.deepEqual(
        firmwareStory(run).filter((each) => each.startsWith("A _TTS")),
        ["A _TTS(4)", "A _TTS(0)", "A _TTS(4)"],
        what,
      );
      const prepares = fieldsOf(run, "notifier").filter(({ chain }) => chain === "pm");
      const told = (event: string) => prepares.filter((one) => one["event"] === event).length;
      assert.equal(told("PM_HIBERNATION_PREPARE"), 2 * told("PM_POST_HIBERNATION"), what);
    }
  });
}

Deno.test("hibernate_power_down falls to power-off where a device refuses to sleep, image kept", () => {
  for (const phase of ["poweroff", "poweroff_noirq"]) {
    const choices: Choice[] = [{ kind: "refuse", device: "network", phase, time: 1, result: -16 }];
    const run = runV7({ choices });
    assert.equal(run.outcome, "resumed", phase);
    assert.ok(firmwareStory(run).includes("off S5"), phase);
    onlyQuirk(run, phase);
  }
});

const plain = runV7({
  script: [...prepared(), type("A", HIBERNATE), ...hibernated],
});

/** Number of the first event of a fact behind the command that hibernates. */
function seqOf(name: string, fits: (fields: Readonly<Record<string, unknown>>) => boolean): number {
  const begun = facts(plain.events, "exec").find(({ summary }) =>
    summary?.["command"] !== undefined
  );
  const found = facts(plain.events, name).find(({ seq, summary }) =>
    seq > (begun?.seq ?? 0) && fits({ ...summary })
  );
  assert.ok(found !== undefined, name);
  return found.seq;
}

Deno.test("kexec_snapshot gives EBUSY where a wake-up event comes, and works the next time", () => {
  const moments = PHASES.map((name) => ({ name, k: "A" }));
  for (const { name, k } of moments) {
    const at = seqOf("phase", (one) => one["k"] === k && one["name"] === name);
    const run = runV7({
      choices: [{ kind: "wake", at, by: "power_button" }],
      script: [
        ...prepared(),
        type("A", HIBERNATE),
        type("A", "check"),
        type("A", HIBERNATE),
        ...hibernated,
      ],
    });
    assert.equal(run.outcome, "hibernated", name);
    assert.deepEqual(results(run), [0, -16], name);
    const looked = fieldsOf(run, "wakeup", "A").map(({ pending }) => pending);
    assert.deepEqual(looked, [true, false], name);
    onlyQuirk(run, name);
  }
});

Deno.test("a wake-up event after the jump changes nothing: the image is written, the machine sleeps", () => {
  const jump = seqOf("jump", ({ to }) => to === "B");
  const commit = seqOf("image", ({ op }) => op === "commit");
  const poweroff = seqOf("phase", ({ k, name }) => k === "B" && name === "poweroff");
  for (const at of [jump + 1, commit, poweroff]) {
    const run = runV7({
      choices: [{ kind: "wake", at }],
      script: [...prepared(), type("A", HIBERNATE), ...hibernated],
    });
    assert.equal(run.outcome, "hibernated", `${at}`);
    assert.ok(firmwareStory(run).includes("sleep S4"));
    onlyQuirk(run, `${at}`);
  }
});

/** `program:raw-exec`: reboot(2) without the tool's own look at what is loaded. */
const RAW: Procedure = procedure("program:raw-exec", [{
  name: "reboot",
  run: () => call("sys_reboot_kexec", { command: 0x6b63_0001 }),
  then: (kernel, _vars, answer) => {
    kernel.print(`result ${String(answer)}`);
    return done(0);
  },
}]);

Deno.test("kernel_kexec_v7 gives EINVAL with nothing loaded, and changes nothing", () => {
  const run = runAltered((given) => [...given, RAW], [
    ...boot("A"),
    type("A", "raw-exec"),
    ...finishAt("A", "refused"),
  ]);
  assert.ok(run.lines.includes("A: result -22"));
  assert.deepEqual(results(run), [-22]);
  assert.deepEqual(fieldsOf(run, "notifier"), []);
  assert.deepEqual(fieldsOf(run, "lock").map(({ op }) => op), ["take", "release"]);
  const { rules } = judgeAs("V", run);
  assert.equal(rules.find(({ id }) => id === "F03")?.verdict, "held");
});

Deno.test("kernel_kexec_v7 gives EBUSY at once while /proc/kimgcore is open, and changes nothing", () => {
  const run = runAltered((given) => [...given, RAW], [
    ...prepared(),
    type("A", "cp /proc/kimgcore /tmp/image &"),
    type("A", "raw-exec"),
    type("A", "check"),
    ...finishAt("A", "refused"),
  ]);
  assert.equal(run.outcome, "refused");
  assert.deepEqual(results(run), [0, -16]);
  const during = fieldsOf(run, "notifier").filter(({ event }) => event === "0x6b630001");
  assert.deepEqual(during, []);
  onlyQuirk(run, "busy");
  const { rules } = judgeAs("V", run);
  assert.equal(rules.find(({ id }) => id === "F05")?.verdict, "held");
});

Deno.test("a B that was not prepared takes no command: EIO, and A says what to do (B.3.3)", () => {
  const run = runV7({
    script: [
      ...boot("A"),
      type("A", loadB()),
      type("A", HIBERNATE),
      type("A", HIBERNATE.replace(" -c 0x6b630001", "")),
      type("A", "check"),
      ...finishAt("A", "kept on"),
    ],
  });
  assert.equal(run.outcome, "kept on");
  assert.deepEqual(results(run), [-5, 0]);
  const said = run.lines.filter((line) => line.startsWith("A: kexec: "));
  assert.deepEqual(said, [
    "A: kexec: no image was written; a kernel that boots takes no command: first",
    "A: kexec: prepare it, by an exec without one (or load its /proc/kimgcore)",
  ]);
  onlyQuirk(run, "unprepared");
});

/** Callbacks of a test: each says that it ran. */
function callback(name: string, value: number): Procedure {
  return procedure(`test:${name}`, [{
    name: "run",
    run: (kernel) => {
      kernel.print(name);
      return done(value);
    },
  }]);
}

function chains(values: readonly number[]): Procedure[] {
  const names = values.map((_, index) => `callback ${index + 1}`);
  const pre = {
    ...JUMP_CHAINS.pre,
    callbacks: names.map((name) => ({
      name,
      procedure: `test:${name}`,
      undo: `test:undo ${name}`,
    })),
  };
  return [
    ...names.map((name, index) => callback(name, values[index] ?? 0)),
    ...names.map((name) => callback(`undo ${name}`, 0)),
    ...chainProcedures({ ...JUMP_CHAINS, pre }),
  ];
}

function runChains(values: readonly number[], script: readonly OperatorStep[]): Run {
  const own = chains(values);
  const names = new Set(own.map(({ name }) => name));
  return runAltered(
    (given) => [...given.filter(({ name }) => !names.has(name)), ...own],
    [...boot("A"), type("A", loadB()), ...script],
  );
}

Deno.test("a pre-chain callback's error ends the chain and undoes those before it in reverse", () => {
  const run = runChains([0, 0, -12, 1], [type("A", "kexec -e"), ...finishAt("A", "refused")]);
  const said = run.lines.filter((line) => line.includes("callback")).map((line) => line.slice(3));
  assert.deepEqual(said, [
    ...["callback 1", "callback 2", "callback 3", "undo callback 2", "undo callback 1"],
  ]);
  assert.deepEqual(results(run), [-12]);
  assert.ok(run.lines.includes("A: kexec failed: Cannot allocate memory"));
  const returned = fieldsOf(run, "notifier").map(({ returned, result }) => `${returned} ${result}`);
  assert.deepEqual(returned, ["done 0", "done 0", "error -12"]);
  assert.deepEqual(fieldsOf(run, "jump").filter(({ from }) => from === "A"), []);
  // The image stays loaded and the lock is free.
  assert.deepEqual(fieldsOf(run, "unload"), []);
  assert.equal(fieldsOf(run, "lock").at(-1)?.["op"], "release");
});

Deno.test("a callback that handles a command stops the chain, and the default is not run", () => {
  const run = runChains([0, 1, 0], [type("A", "kexec -e"), ...finishAt("A", "returned")]);
  const pre = fieldsOf(run, "notifier", "A").filter(({ chain }) => chain === "pre");
  assert.deepEqual(pre.map(({ callback, returned }) => `${callback} ${returned}`), [
    "callback 1 done",
    "callback 2 stop",
  ]);
  assert.deepEqual(fieldsOf(run, "phase", "A").filter(({ name }) => name === "prepare"), []);
});

Deno.test("go_to_hibernate jumps back where the image cannot be written: no sleep, A goes on", () => {
  for (const [what, sector] of [["header", 0], ["page", 2048 + 80]] as const) {
    const run = runV7({
      setup: { badSectors: [{ sector: KHDEV_SECTOR + sector, count: 1, on: "write" }] },
      script: [
        ...prepared(),
        type("A", HIBERNATE),
        type("A", "check"),
        ...finishAt("A", "kept on"),
      ],
    });
    assert.equal(run.outcome, "kept on", what);
    assert.deepEqual(results(run), [0, -5], what);
    assert.ok(run.lines.some((line) => line.startsWith("A: check") && line.endsWith("well")), what);
    const ops = fieldsOf(run, "image").map(({ op }) => op);
    assert.ok(!ops.includes("commit"), what);
    assert.deepEqual(firmwareStory(run), [
      "on",
      "A _TTS(4)",
      "A _PTS(4)",
      "A _WAK(4)",
      "A _TTS(0)",
    ]);
    onlyQuirk(run, what);
    if (what === "page") {
      const { rules } = judgeAs("V", run);
      assert.equal(rules.find(({ id }) => id === "F54")?.verdict, "held");
    }
  }
});

Deno.test("a chipset that ignores SLP_EN is asked again after 10 s, then switched off", () => {
  const once = runV7({ setup: { ignoredSleeps: 1 } });
  assert.equal(once.outcome, "resumed");
  const writes = facts(once.events, "acpi").filter(({ summary }) =>
    summary?.["register"] === "PM1a_CNT" && (Number(summary["value"]) & 0x2000) !== 0
  );
  assert.equal(writes.length, 2);
  assert.ok((writes[1]?.vt ?? 0) - (writes[0]?.vt ?? 0) >= 10_000_000_000);
  assert.ok(firmwareStory(once).includes("sleep S4"));
  onlyQuirk(once, "once");
  const twice = runV7({ setup: { ignoredSleeps: 2 } });
  assert.equal(twice.outcome, "resumed");
  assert.ok(firmwareStory(twice).includes("off S5"));
  assert.ok(!firmwareStory(twice).includes("sleep S4"));
});

Deno.test("a failing _PTS is passed over, and obeyed under acpi_sleep=strict_pts", () => {
  const refuse: Choice = { kind: "refuse", device: "firmware", phase: "_PTS", time: 1, result: -5 };
  const ignored = runV7({ choices: [refuse] });
  assert.equal(ignored.outcome, "resumed");
  const strict = runV7({
    choices: [refuse],
    menu: menu(" acpi_sleep=strict_pts"),
    script: [...prepared(), type("A", HIBERNATE), type("A", "check"), ...finishAt("A", "kept on")],
  });
  assert.equal(strict.outcome, "kept on");
  assert.deepEqual(results(strict), [0, -5]);
  assert.deepEqual(fieldsOf(strict, "jump").filter(({ to }) => to === "B"), []);
  assert.deepEqual(firmwareStory(strict), [
    ...["on", "A _TTS(4)", "A _PTS(4)", "A _WAK(4)", "A _TTS(0)"],
  ]);
  onlyQuirk(strict, "strict");
});

Deno.test("old_ordering tells the firmware before the devices", () => {
  const run = runV7({ menu: menu(" acpi_sleep=old_ordering") });
  assert.equal(run.outcome, "resumed");
  const order = run.events.flatMap(({ type, summary = {} }) => {
    if (type === "fact.acpi" && summary["method"] === "_PTS") return ["_PTS"];
    return type === "fact.phase" && summary["k"] === "A" ? [String(summary["name"])] : [];
  });
  const begun = order.indexOf("_PTS");
  assert.equal(order.filter((each) => each === "_PTS").length, 1);
  assert.equal(order[begun + 1], "prepare");
});

Deno.test("a refusing PM notifier ends the command, and those told already hear the opposite", () => {
  const run = runV7({
    menu: menu(" pm_notifier_error_inject=PM_HIBERNATION_PREPARE:12"),
    script: [...prepared(), type("A", HIBERNATE), ...finishAt("A", "refused")],
  });
  assert.equal(run.outcome, "refused");
  assert.deepEqual(results(run), [0, -12]);
  onlyQuirk(run, "notifier");
  const { rules } = judgeAs("V", run);
  assert.equal(rules.find(({ id }) => id === "F44")?.verdict, "held");
});

Deno.test("B's go_to_hibernate says what is missing on its command line, and gives a shell", () => {
  const lacking = loadB().replace("khdev=3:7 ", "");
  const run = runV7({
    script: [...boot("A"), type("A", lacking), type("A", "kexec -e"), ...finishAt("B", "shell")],
  });
  assert.equal(run.outcome, "shell");
  assert.ok(run.lines.includes("B: go_to_hibernate: no khdev= on the command line"));
});
