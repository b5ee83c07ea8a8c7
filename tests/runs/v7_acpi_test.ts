import assert from "node:assert/strict";
import { sleepOption, wakeEvents } from "../../actors/kernel/acpi_sleep_hardware.ts";
import { call, done, goto, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import { emitDsdt } from "../../machine/formats/acpi/dsdt.ts";
import { LABORATORY_IDENTITY } from "../../machine/formats/acpi/table.ts";
import type { MachineOptions } from "./machine_kit.ts";
import { boot, finishAt, menu, runAltered, type } from "./v7_kit.ts";
import { facts, fieldsOf, type Run } from "./run_kit.ts";

/** `program:acpi WORD…`: calls `acpi_WORD` one after the other and prints what each gives. */
const PROGRAM: Procedure = procedure("program:acpi", [
  {
    name: "next",
    run: (_kernel, vars) => {
      const words = Array.isArray(vars["argv"]) ? vars["argv"] : [];
      const index = Number(vars["index"] ?? 1);
      const word = words[index];
      if (word === undefined) return done();
      return call(`acpi_${String(word)}`, { state: 4 });
    },
    then: (kernel, vars, answer) => {
      const words = Array.isArray(vars["argv"]) ? vars["argv"] : [];
      const index = Number(vars["index"] ?? 1);
      kernel.print(`${String(words[index])} ${String(answer)}`);
      vars["index"] = index + 1;
      return goto("next");
    },
  },
]);

function run(line: string, a = "", options: Partial<MachineOptions> = {}): Run {
  return runAltered(
    (given) => [...given, PROGRAM],
    [...boot("A"), type("A", `acpi ${line}`), ...finishAt("A", "done")],
    { hardware: "t42", menu: menu(a), ...options },
  );
}

/** What the firmware was told behind the boot: methods, and registers with values. */
function told(of: Run): string[] {
  return fieldsOf(of, "acpi").slice(1).map(({ method, argument, register, value }) =>
    method === undefined ? `${register} ${value}` : `${method}(${argument})`
  );
}

const ROUND = "begin pre_snapshot leave finish end";

Deno.test("platform sleep operations tell the firmware what B.5.11 has, in its order", () => {
  const whole = run(ROUND);
  assert.deepEqual(told(whole), [
    ...["_TTS(4)", "_PTS(4)", "GPE0_EN 0x0", "PM1a_CNT 0x1"],
    ...["GPE0_EN 0x0", "GPE0_EN 0x0", "_WAK(4)", "PM1a_STS 0x8000"],
    ...["PM1a_EN 0x100", "PM1a_STS 0x100", "_TTS(0)"],
  ]);
  const results = whole.lines.filter((line) => / 0$/.test(line)).map((line) => line.slice(3));
  assert.deepEqual(results, ROUND.split(" ").map((word) => `${word} 0`));
});

Deno.test("acpi_pre_snapshot saves NVS into the kernel's pages, and acpi_leave brings it back", () => {
  const whole = run(ROUND);
  const nvs = [...fieldsOf(whole, "save"), ...fieldsOf(whole, "restore")]
    .filter(({ what }) => what === "nvs").map(({ digest }) => digest);
  assert.equal(nvs.length, 2);
  assert.equal(nvs[0], nvs[1]);
  const copies = whole.events.filter(({ kind, type: name, source }) =>
    kind === "send" && name === "memory.copy" && source === "A"
  ).map(({ summary }) => String(summary?.["pairs"]).split(":"));
  const [out, back] = copies.slice(-2);
  assert.equal(out?.[0], back?.[1]?.split("+")[0]);
  // The T42's NVS: 8 KiB, 0x89000 below the top of its 64 MiB.
  assert.equal(back?.[0], (0x400_0000 / 4096 - 0x89).toString(16));
  const none = run(ROUND, " acpi_sleep=nonvs");
  assert.ok(!fieldsOf(none, "save").some(({ what }) => what === "nvs"));
  assert.deepEqual(told(none), told(whole));
});

Deno.test("acpi_begin gives ENOSYS in a kernel without ACPI, and runs nothing", () => {
  const off = run("begin", " acpi=off");
  assert.ok(off.lines.includes("A: begin -38"));
  assert.deepEqual(fieldsOf(off, "acpi"), []);
});

Deno.test("acpi_pre_snapshot fails with _PTS only under strict_pts, and turns GPEs back", () => {
  const refuse = {
    kind: "refuse",
    device: "firmware",
    phase: "_PTS",
    time: 1,
    result: -19,
  } as const;
  const lenient = run("begin pre_snapshot", "", { choices: [refuse] });
  assert.ok(lenient.lines.includes("A: pre_snapshot 0"));
  const strict = run("begin pre_snapshot finish end", " acpi_sleep=strict_pts", {
    choices: [refuse],
  });
  assert.ok(strict.lines.includes("A: pre_snapshot -19"));
  assert.deepEqual(told(strict).filter((each) => each.startsWith("_")), [
    ...["_TTS(4)", "_PTS(4)", "_WAK(4)", "_TTS(0)"],
  ]);
});

Deno.test("old_ordering runs _PTS in acpi_begin and not again before the snapshot", () => {
  const old = run("begin pre_snapshot", " acpi_sleep=s4_hwsig,old_ordering");
  assert.deepEqual(told(old).filter((each) => each.startsWith("_")), ["_TTS(4)", "_PTS(4)"]);
  const marks = facts(old.events, "acpi").map(({ seq }) => seq);
  const begun = old.events.find(({ summary }) => String(summary?.["text"]) === "begin 0")?.seq ?? 0;
  assert.ok((marks[2] ?? Infinity) < begun);
});

Deno.test("acpi_enter writes E.6.5 steps 6 to 8, arms the wake events, and is not seen again", () => {
  const asleep = runAltered(
    (given) => [...given, PROGRAM],
    [...boot("A"), type("A", "acpi begin prepare enter"), { do: "off" }, {
      do: "finish",
      outcome: "asleep",
    }],
    { hardware: "t42" },
  );
  assert.equal(asleep.outcome, "asleep");
  assert.deepEqual(told(asleep), [
    ...["_TTS(4)", "_PTS(4)", "GPE0_EN 0x0"],
    ...["PM1a_STS 0x8000", "GPE0_EN 0x0", "GPE0_STS 0xffff", "GPE0_EN 0x100"],
    ...["PM1a_CNT 0x1801", "PM1a_CNT 0x3801"],
  ]);
  assert.deepEqual(fieldsOf(asleep, "power").at(-1), { op: "sleep", state: "S4", k: "A" });
});

Deno.test("acpi_enter gives EIO where the chipset ignores it twice, 10 s apart", () => {
  const awake = run("begin prepare enter", "", { setup: { ignoredSleeps: 2 } });
  assert.ok(awake.lines.includes("A: enter -5"));
});

Deno.test("a boot kernel turns its GPEs off for a restore and runs no sleep method", () => {
  const boot = run("pre_restore restore_cleanup");
  assert.deepEqual(told(boot), ["GPE0_EN 0x0", "GPE0_EN 0x0"]);
  const without = run("pre_restore restore_cleanup", " acpi=off");
  assert.ok(without.lines.includes("A: restore_cleanup 0"));
  assert.deepEqual(fieldsOf(without, "acpi"), []);
});

Deno.test("wakeEvents finds the events of the DSDT's _PRW packages", () => {
  const source = {
    sleepTypes: { s5: { a: 7, b: 0 } },
    debugPort: 0x80,
    oldSleepMethods: false,
    lid: true,
  };
  for (const wakeEvent of [0, 1, 2, 8, 15]) {
    const dsdt = emitDsdt({ ...source, wakeEvent }, LABORATORY_IDENTITY);
    assert.equal(wakeEvents(dsdt), 1 << wakeEvent, `${wakeEvent}`);
  }
  assert.equal(wakeEvents(new Uint8Array(10)), 0);
});

Deno.test("sleepOption reads the words of acpi_sleep= wherever it stands", () => {
  assert.ok(sleepOption("quiet acpi_sleep=nonvs,s4_hwsig root=/dev/hda2", "s4_hwsig"));
  assert.ok(!sleepOption("acpi_sleep=s4_nohwsig", "s4_hwsig"));
  assert.ok(!sleepOption("noacpi_sleep=s4_hwsig s4_hwsig", "s4_hwsig"));
});
