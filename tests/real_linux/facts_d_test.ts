/**
 * Facts 26 to 42 of a real Linux 6.1: hibernation into swap, its order and its refusals.
 */
import assert from "node:assert/strict";
import { projectTrace, stepLines } from "../../machine/trace/projection.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { PAGES_FOR_IO } from "../../actors/kernel/swsusp_memory.ts";
import { kernelOf } from "../../actors/scenario/machine_plan.ts";
import { recordedEvents } from "../recordings.ts";
import { bytesOf, facts, fieldsOf, type Run } from "../runs/run_kit.ts";
import {
  cycle,
  damaged,
  failing,
  hibernated,
  hibernation,
  resumed,
  said,
  swapHeader,
  swapOffset,
  working,
} from "../runs/swsusp_kit.ts";
import { recordedSteps, recordedTrace, simulatedSteps } from "./arms.ts";
import { imageOfA, resumedFrom, SCENARIOS } from "./scenarios.ts";

const MIB = 1024 ** 2;
const memory = new Map<string, Run>();

function platform(): Run {
  const run = memory.get("platform") ?? cycle({ mode: "platform", cpus: 2 });
  memory.set("platform", run);
  return run;
}

/** Where each of some happenings comes first, in either arm's trace. */
function inOrder(events: readonly TraceEvent[], wanted: readonly string[]): void {
  const told = events.flatMap(({ type, actor, summary = {} }) =>
    type === undefined ? [] : [
      `${actor} ${type.replace(/^(?:fact|linux)\./, "")} ${
        summary["what"] ?? summary["op"] ?? summary["message"] ?? summary["method"] ?? ""
      }`.trim(),
    ]
  );
  let at = 0;
  for (const one of wanted) {
    const found = told.findIndex((line, index) => index >= at && line.endsWith(one));
    assert.ok(found >= 0, `'${one}' is not found behind ${told[at - 1]}`);
    at = found + 1;
  }
}

const of = (events: readonly TraceEvent[], type: string): Record<string, unknown>[] =>
  events.filter((event) => event.type === type).map(({ summary }) => ({ ...summary }));

/** Outcome and errno of the resume in the last of some runs. */
function resumeOf(runs: readonly Run[]): [string, unknown] {
  const last = runs.at(-1);
  assert.ok(last !== undefined);
  return [last.outcome, fieldsOf(last, "resume_attempt").at(-1)?.["result"]];
}

Deno.test("fact 26: memory is preallocated before kernel threads freeze, tasks stay frozen at writing", () => {
  const order = [
    "sync",
    "freeze user",
    "freeze kthreads",
    "phase FREEZE",
    "save nvs",
    "syscore suspend",
    "snapshot",
    "restore nvs",
    "syscore resume",
    "phase THAW",
    "image begin",
    "image commit",
  ];
  for (const events of [platform().events, recordedTrace("exp3.platform")]) {
    inOrder(events, order);
    const between = events.slice(
      events.findIndex(({ type }) => type === "fact.snapshot"),
      events.findIndex(({ type, summary }) =>
        type === "fact.image" && summary?.["op"] === "commit"
      ),
    );
    assert.ok(!between.some(({ type }) => type === "fact.thaw"));
  }
  inOrder(platform().events, ["freeze user", "preallocate", "freeze kthreads"]);
  inOrder(recordedTrace("exp3.platform"), [
    "freeze user",
    "image_memory_preallocate_begin",
    "image_memory_preallocated",
    "freeze kthreads",
  ]);
});

Deno.test("fact 27: FREEZE then THAW, in platform mode HIBERNATE; QUIESCE and RESTORE at the resume", () => {
  const messages = (steps: readonly string[]) => {
    const told = steps.flatMap((step) =>
      /([AC]): \S+ ([A-Z]+) 0$/.exec(step)?.slice(1).join() ?? []
    );
    return told.filter((one, index) => one !== told[index - 1]);
  };
  const one = ["A,FREEZE", "A,THAW", "A,HIBERNATE", "C,QUIESCE", "A,RESTORE"];
  assert.deepEqual(messages(stepLines(projectTrace(platform().events))), one);
  assert.deepEqual(messages(recordedSteps("exp3.platform")), [...one, ...one]);
  const shutdown = one.filter((message) => message !== "A,HIBERNATE");
  assert.deepEqual(messages(recordedSteps("exp3.shutdown")), [...shutdown, ...shutdown]);
  assert.deepEqual(messages(simulatedSteps([cycle({ mode: "shutdown" })])), shutdown);
});

Deno.test("fact 28: platform mode sleeps in S4, shutdown mode goes off by S5, reboot mode resets", () => {
  const power = (events: readonly TraceEvent[]) =>
    of(events, "fact.power").map(({ op, state }) => `${op} ${state ?? ""}`.trim())
      .find((text) => !text.startsWith("on"));
  assert.equal(power(platform().events), "sleep S4");
  assert.equal(power(recordedTrace("exp3.platform")), "sleep S4");
  const off = cycle({ mode: "shutdown" });
  assert.equal(power(off.events), "off S5");
  assert.equal(power(recordedTrace("exp3.shutdown")), "off S5");
  for (const events of [off.events, recordedTrace("exp3.shutdown")]) {
    inOrder(events, ["image commit", "acpi _PTS", "power off"]);
  }
  assert.ok(said(off, "A: reboot: Power down"));
  const reset = hibernation({ recoversFromReset: false }, [
    ...working({}),
    { do: "type", at: "A", line: "pm-hibernate reboot" },
    { do: "off" },
  ]);
  assert.ok(said(reset, "A: reboot: Restarting system"));
  assert.match(String(power(reset.events)), /^reset/);
});

Deno.test("fact 29: the boot kernel looks before init, loads, quiesces, and the next line is A's", () => {
  const recorded = recordedSteps("exp3.platform");
  const here = simulatedSteps([platform()]);
  const resume = (steps: readonly string[]) => {
    const start = steps.indexOf("C: boot");
    return steps.slice(start, steps.indexOf("A: thaw tasks", start) + 1);
  };
  assert.ok(resume(recorded).length > 15);
  assert.deepEqual(resume(here), resume(recorded));
  assert.ok(said(platform(), "A: PM: hibernation: Hibernation image restored successfully."));
  const [tool] = fieldsOf(platform(), "tool", "A").filter(({ program }) =>
    program === "pm-hibernate"
  );
  assert.equal(tool?.["status"], 0);
});

Deno.test("fact 35: the signature goes back as soon as it is found: an image is good for one try", () => {
  const [, failed] = resumedFrom((disk) => void damageCrc(disk));
  assert.ok(failed !== undefined);
  assert.equal(swapHeader(bytesOf(failed.medium)).signature, "SWAPSPACE2");
  const again = resumed(bytesOf(failed.medium), { cpus: 2 });
  assert.deepEqual(resumeOf([again]), ["booted without an image", -22]);
  assert.ok(said(again, "Image not found (code -22)"));
});

/** Another sum in the swap area's header. */
function damageCrc(disk: Uint8Array): void {
  const at = swapOffset() + 4060;
  disk[at] = (disk[at] ?? 0) ^ 0xff;
}

Deno.test("fact 36: what does not fit gives -1, a wrong sum -61, wrong data an error of LZO; C boots on", () => {
  for (
    const [experiment, result] of [
      ["exp4.badcrc", -61],
      ["exp4.othermem", -1],
      ["exp4.bitflip", -6],
    ] as const
  ) {
    const [, make] = SCENARIOS.find(([name]) => name === experiment) ?? [];
    assert.ok(make !== undefined);
    const runs = make();
    assert.deepEqual(resumeOf(runs), ["booted without an image", result], experiment);
    assert.ok(recordedSteps(experiment).includes(`C: resume ${result}`), experiment);
    const last = runs.at(-1);
    assert.ok(last !== undefined && said(last, "Failed to load image, recovering."), experiment);
  }
  const magic = damaged(imageOfA(), 0, (page) => page.setUint8(24, page.getUint8(24) ^ 0x10));
  const unknown = resumed(magic, { cpus: 2 });
  assert.deepEqual(resumeOf([unknown]), ["booted without an image", -1]);
  assert.ok(said(unknown, "Unrecognized hibernate image header format!"));
  const [, hole] = resumedFrom((disk) => {
    const map = swapOffset(64, swapHeader(disk).image);
    new DataView(disk.buffer, disk.byteOffset + map, 4096).setBigUint64(3 * 8, 0n, true);
  });
  assert.ok(hole !== undefined);
  assert.deepEqual(resumeOf([hole]), ["booted without an image", -14]);
});

Deno.test("fact 37: another signature is -22, no device -19, none named -2; noresume is silent", () => {
  const first = imageOfA();
  const disk = (): Uint8Array => bytesOf(first.medium);
  const boot = (entry: "C" | "D", bootAppend: string) =>
    resumed(disk(), { cpus: 2, entry, bootAppend });
  const missing = boot("D", "resume=/dev/sda60");
  const none = boot("D", "");
  const silent = boot("C", "noresume");
  for (const [run, result] of [[missing, -19], [none, -2], [silent, 0]] as const) {
    assert.deepEqual(resumeOf([run]), ["booted without an image", result]);
    assert.equal(swapHeader(bytesOf(run.medium)).signature, "S1SUSPEND");
  }
  assert.equal(resumed(bytesOf(silent.medium), { cpus: 2 }).outcome, "resumed");
  assert.ok(recordedSteps("exp4.noresume").includes("C: resume noresume 0"));
  assert.ok(recordedSteps("exp4.badsig").includes("C: resume -22"));
});

Deno.test("fact 38: without compression there is no sum, and damaged data goes unseen", () => {
  const options = { append: "hibernate=nocompress", before: ["work 600 2", "swapon /dev/sda6"] };
  const first = hibernated(options);
  assert.equal(swapHeader(bytesOf(first.medium)).crc32, 0);
  const disk = damaged(first, 500, (page) => page.setUint32(2000, ~page.getUint32(2000)));
  const second = resumed(disk, options);
  assert.equal(second.outcome, "resumed");
  assert.ok(!said(second, "Invalid image CRC32"));
});

Deno.test("fact 39: a write to /sys/power/resume resumes too, and a copied image a second time", () => {
  const first = imageOfA();
  const later = hibernation({ cpus: 2, disk: bytesOf(first.medium) }, [
    { do: "power_on" },
    { do: "choose", entry: "D", append: "" },
    { do: "type", at: "C", line: "put 8:6 /sys/power/resume" },
    { do: "type", at: "A", line: "check" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ]);
  assert.equal(later.outcome, "resumed");
  for (let time = 0; time < 2; time++) {
    assert.equal(resumed(bytesOf(first.medium), { cpus: 2 }).outcome, "resumed");
  }
});

Deno.test("fact 40: an image of two processors goes on with one, which says so", () => {
  const second = resumed(bytesOf(imageOfA().medium), { cpus: 1 });
  assert.equal(second.outcome, "resumed");
  assert.ok(said(second, "A: Error taking CPU1 up: -5"));
  const [jump] = fieldsOf(second, "jump").filter(({ from }) => from === "C");
  assert.equal(Number(jump?.["entry"]) % 4096, 0);
  const elsewhere = resumed(withOtherKernel(), {
    cpus: 1,
    kernels: [{ path: "/vmlinuz-other", bytes: kernelOf(kernelProfile("6.1"), 32 * MIB) }],
    bootKernel: "/vmlinuz-other",
  });
  assert.equal(elsewhere.outcome, "resumed");
});

/** The disk of an image made on a machine that has a second kernel, linked to another address. */
function withOtherKernel(): Uint8Array {
  const first = hibernated({
    cpus: 2,
    kernels: [{ path: "/vmlinuz-other", bytes: kernelOf(kernelProfile("6.1"), 32 * MIB) }],
  });
  assert.equal(first.outcome, "hibernated");
  return bytesOf(first.medium);
}

Deno.test("fact 41: what echo disk answers, and that no swap is found out only after the copy", () => {
  const ERRORS = [
    ["No such device", { before: ["work 64 2"], mode: "shutdown" }, 1],
    [
      "No space left on device",
      { before: ["mkswap /dev/sda6 1024", "work 64 2", "swapon /dev/sda6"], mode: "shutdown" },
      1,
    ],
    ["Operation not permitted", { append: "nohibernate", mode: "" }, 0],
    ["Operation not permitted", { append: "lockdown=integrity", mode: "" }, 0],
    ["Device or resource busy", { mode: "test_resume" }, 1],
    [
      "Device or resource busy",
      { before: ["swapon /dev/sda6", "snapshot r sleep=60000 &"], mode: "shutdown" },
      0,
    ],
  ] as const;
  for (const [text, options, copies] of ERRORS) {
    const run = failing({ ...options });
    assert.ok(said(run, `A: pm-hibernate: /sys/power/state: ${text}`), text);
    assert.equal(fieldsOf(run, "snapshot").length, copies, text);
    const left = options.mode === "test_resume" ? "S1SUSPEND" : "SWAPSPACE2";
    assert.equal(swapHeader(bytesOf(run.medium)).signature, left, text);
  }
  assert.ok(recordedSteps("exp4.smallswap").includes("A: hibernate: No space left on device"));
  assert.ok(recordedSteps("exp4.nohibernate").includes("A: hibernate: Operation not permitted"));
});

Deno.test("fact 42: frame 0 and 0x9f000 to 1 MiB are in no image; 1024 pages are kept to spare", () => {
  const [jump] = facts(platform().events, "frame_classes");
  const classes = platform().blobs.get(jump?.blob?.replace("sha256:", "") ?? "");
  assert.ok(classes !== undefined);
  for (const pfn of [0, 0x9f, 0xa0, 0xff]) assert.equal((classes[pfn] ?? 0) & 64, 64, `${pfn}`);
  for (const pfn of [1, 0x9e, 0x100]) assert.equal((classes[pfn] ?? 0) & 64, 0, `${pfn}`);
  const spare = recordedEvents("exp3.platform")
    .filter(({ event }) => event === "image_pages_available")
    .map(({ source }) => Number(/ \+ (\d+), available/.exec(source)?.[1]));
  assert.ok(spare.length > 0 && spare.every((pages) => pages === PAGES_FOR_IO));
  // A wish for no image at all still makes one of what must be kept.
  const pages = (before: readonly string[]) =>
    Number(
      fieldsOf(hibernated({ before: ["work 64 2", "swapon /dev/sda6", ...before] }), "snapshot")
        .at(-1)?.["pages"],
    );
  const smallest = pages(["put 0 /sys/power/image_size"]);
  assert.ok(smallest > 500 && smallest <= pages([]), `${smallest}`);
  const regions = of(recordedTrace("exp3.platform"), "linux.nosave_pages_marked")
    .map(({ range }) => range);
  assert.deepEqual([...new Set(regions)], ["0x00000000-0x00000fff", "0x0009f000-0x000fffff"]);
});
