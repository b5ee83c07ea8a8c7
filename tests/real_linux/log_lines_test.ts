/**
 * Lines that the recordings happen not to have: devices that refuse, tools that refuse, test
 * levels, lines that lost their end.
 */
import assert from "node:assert/strict";
import { Checker } from "../../machine/conformance/checker.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { LogImporter } from "../../machine/trace/importers/import_log.ts";
import { projectTrace, stepLines } from "../../machine/trace/projection.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { importedHeader } from "../../server/terminal/log_input.ts";

const BOOT = [
  "Linux version 6.1.192 (root@vm) (gcc 12.2.0)",
  "Command line: console=ttyS0 no_console_suspend initcall_debug hostname=A",
];

/** A console with those kernel lines, one a millisecond. */
function imported(lines: readonly string[]): TraceEvent[] {
  const importer = new LogImporter();
  importer.begin("console", "made.log");
  const events = [...BOOT, ...lines].flatMap((line, index) =>
    importer.line(line.startsWith("$ ") ? line.slice(2) : `[    1.${100000 + index}] ${line}`)
  );
  return [...events, ...importer.end()];
}

function steps(lines: readonly string[]): string[] {
  return stepLines(projectTrace(imported(lines)));
}

function phases(events: readonly TraceEvent[]): string[] {
  return events.filter(({ type }) => type === "fact.phase").map(({ summary = {} }) =>
    `${summary["name"]} ${summary["device"]} ${summary["result"]}`
  );
}

const FROZEN = [
  "PM: hibernation: hibernation entry",
  "Filesystems sync: 0.001 seconds",
  "Freezing user space processes completed (elapsed 0.000 seconds)",
  "Freezing remaining freezable tasks completed (elapsed 0.000 seconds)",
];
const INPUT = [
  "input input3: PM: calling input_dev_freeze+0x0/0x2f @ 59, parent: serio1",
  "input input3: PM: input_dev_freeze+0x0/0x2f returned 0 after 76 usecs",
];

function refusing(line: string, verb = "freeze", fn = "pci_pm_freeze"): string[] {
  return [
    ...FROZEN,
    ...INPUT,
    ...(verb === "freeze" ? [] : [
      "PM: freeze of devices complete after 15.9 msecs",
      "PM: late freeze of devices complete after 1.4 msecs",
    ]),
    `ata_piix 0000:00:01.1: PM: calling ${fn}+0x0/0xb1 @ 7, parent: pci0000:00`,
    `ata_piix 0000:00:01.1: PM: ${fn}+0x0/0xb1 returned -16 after 352 usecs`,
    line,
    `PM: ${verb} of devices aborted after 20.0 msecs`,
    "input input3: PM: calling input_dev_resume+0x0/0x2f @ 59, parent: serio1",
    "input input3: PM: input_dev_resume+0x0/0x2f returned 0 after 5 usecs",
    "PM: recover of devices complete after 3.0 msecs",
    "Restarting kernel threads ... done.",
    "Restarting tasks ... done.",
    "PM: hibernation: hibernation exit",
  ];
}

const REFUSALS = [
  ["of a kernel before 5.7", "PM: Device 0000:00:01.1 failed to freeze: error -16", "freeze"],
  ["of 6.1", "ata_piix 0000:00:01.1: PM: failed to freeze: error -16", "freeze"],
  ["of 6.1 by a task", "ata_piix 0000:00:01.1: PM: failed to freeze async: error -16", "freeze"],
  [
    "in a late phase",
    "ata_piix 0000:00:01.1: PM: failed to freeze noirq: error -16",
    "noirq freeze",
  ],
] as const;

for (const [what, line, verb] of REFUSALS) {
  Deno.test(`ConsoleLog reads a device's refusal ${what}, and the way back`, () => {
    const lines = refusing(line, verb, verb === "freeze" ? "pci_pm_freeze" : "pci_pm_freeze_noirq");
    const name = verb === "freeze" ? "freeze" : "freeze_noirq";
    assert.ok(phases(imported(lines)).includes(`${name} 0000:00:01.1 -16`));
    const told = steps(lines);
    assert.ok(told.includes(`A: ${name} FREEZE -16`), told.join("\n"));
    assert.deepEqual(told.slice(-3), ["A: thaw RECOVER 0", "A: thaw kthreads", "A: thaw tasks"]);
  });
}

Deno.test("a recording of a refusal and of the way back breaks no rule", () => {
  const checker = new Checker(ALL_RULES);
  checker.begin(importedHeader(["made.log"], ["console"], "S"));
  for (const [, line] of REFUSALS.slice(0, 2)) {
    for (const event of imported(refusing(line))) checker.event(event);
  }
  const broken = checker.report().rules.filter(({ verdict }) => verdict === "violated");
  assert.deepEqual(broken.map(({ id, violations }) => `${id} ${violations[0]?.reason}`), []);
});

Deno.test("DeviceCallbacks takes a call whose return got lost for done at the phase's end", () => {
  const lines = [
    ...FROZEN,
    INPUT[0] ?? "",
    "input input3: PM: input_dev_freeze+0x0/0x2f returusecs",
    "PM: freeze of devices complete after 15.9 msecs",
  ];
  assert.deepEqual(phases(imported(lines)), ["freeze input3 0"]);
  // A phase that was broken off says nothing of it.
  const aborted = [...lines.slice(0, -1), "PM: freeze of devices aborted after 15.9 msecs"];
  assert.deepEqual(phases(imported(aborted)), []);
});

Deno.test("DeviceCallbacks tells a device from its parent of the same name", () => {
  const importer = new LogImporter();
  importer.begin("ftrace", "made.txt");
  const at = "           kexec-74      [001] .....     8.641974: ";
  const events = [
    "# tracer: nop",
    `${at}suspend_resume: dpm_prepare[1] begin`,
    `${at}device_pm_callback_start: sd 0:0:0:0, parent: target0:0:0, [freeze]`,
    `${at}device_pm_callback_end: sd 0:0:0:0, err=0`,
    `${at}device_pm_callback_start: bsg 0:0:0:0, parent: 0:0:0:0, [freeze]`,
    `${at}device_pm_callback_end: bsg 0:0:0:0, err=0`,
    `${at}suspend_resume: dpm_prepare[1] end`,
  ].flatMap((line) => importer.line(line));
  assert.deepEqual(phases(events), ["prepare 0:0:0:0 0", "prepare bsg 0:0:0:0 0"]);
});

Deno.test("ConsoleLog reads what kexec refuses, and where a test of pm_test stops", () => {
  const events = imported([
    "$ kexec_load failed: Invalid argument",
    "$ Nothing has been loaded!",
    "$ Invalid memory segment 0x1000 - 0x9ffff",
    "$ Overlapping memory segments at 0x4000000",
    "PM: hibernation: debug: Waiting for 5 second(s).",
    "PM: hibernation: Hibernation image restored successfully.",
  ]);
  assert.deepEqual(events.map(({ type }) => type).filter((type) => type?.startsWith("linux.")), [
    "linux.kexec_load_refused",
    "linux.kexec_tool_refused",
    "linux.kexec_tool_refused",
    "linux.kexec_tool_refused",
    "linux.pm_test_level_reached",
    // The message proves no restore (fact 30): it is no fact.
    "linux.image_restored_message",
  ]);
});

Deno.test("LogImporter says of an image that it is loaded where pages come, not where it is announced", () => {
  const loads = (lines: readonly string[]) =>
    imported(lines).filter(({ type, summary }) =>
      type === "fact.image" && summary?.["op"] === "load"
    ).length;
  const announced = "PM: Loading and decompressing image data (20897 pages)...";
  assert.equal(loads([announced, "Hibernate inconsistent memory map detected!"]), 0);
  assert.equal(loads([announced, "PM: Image loading progress:   0%", "PM: Image loading done"]), 1);
  assert.equal(loads([announced, "PM: Image loading done"]), 1);
});
