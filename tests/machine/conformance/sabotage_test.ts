import assert from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import {
  alterFields,
  cutBefore,
  dropEvents,
  insertEvent,
  isFact,
  nth,
  seal,
  type StoredTrace,
} from "../../../machine/conformance/mutation.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import type { TraceEvent } from "../../../machine/trace/event.ts";
import { fact } from "./bad_kit.ts";
import { BLOBS, good } from "./stories.ts";

function judge(trace: StoredTrace): Report {
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  checker.begin(trace.header);
  for (const event of trace.events) checker.event(event);
  checker.finishTrace(trace.footer);
  return checker.report();
}

function breaks(trace: StoredTrace, ...ids: readonly string[]): void {
  assert.deepEqual(idsWith(judge(trace), "violated"), ids);
}

function isHeld(trace: StoredTrace, id: string): void {
  const report = judge(trace);
  assert.deepEqual(idsWith(report, "violated"), []);
  assert.ok(idsWith(report, "held").includes(id), id);
}

const CYCLE = good("hibernate");
const WARM = good("jump");
const first = (...is: Parameters<typeof isFact>) => nth(isFact(...is), 0);

Deno.test("F34 notices devices that were never frozen, and one that was forgotten", () => {
  const phases = isFact("phase", { k: "A", message: "FREEZE" });
  breaks(dropEvents(CYCLE, phases), "F34");
  breaks(
    dropEvents(CYCLE, isFact("phase", { k: "A", name: "freeze_noirq", device: "pci" })),
    "F34",
  );
  breaks(dropEvents(CYCLE, isFact("syscore", { k: "A", op: "suspend" })), "F34");
});

Deno.test("F25 notices a wrong entry after which nothing ran any more", () => {
  const strayed = alterFields(CYCLE, isFact("jump", { to: "A" }), { entry: "0x1000" });
  breaks(cutBefore(strayed, nth(isFact("swap", { k: "A" }), 1)), "F25");
});

Deno.test("F25 says nothing of a new kernel with the name of one that power ended", () => {
  const twice = seal(WARM.header, [...WARM.events, ...WARM.events], WARM.footer);
  assert.deepEqual(idsWith(judge(twice), "violated"), []);
});

Deno.test("F95 notices a clock that is not read again, and one that stood while time passed", () => {
  breaks(dropEvents(CYCLE, isFact("clock", { k: "A", op: "enter" })), "F95");
  const left = WARM.events.find(isFact("clock", { k: "A", op: "leave" }))?.summary?.["real"];
  const stood = first("clock", { k: "A", op: "enter" });
  breaks(alterFields(WARM, stood, { real: Number(left) }), "F95");
  const ran = first("clock", { k: "A", op: "enter" });
  breaks(alterFields(WARM, ran, { monotonic: 3_000_000_000 }), "F95");
});

Deno.test("F31 and F32 notice interrupts that come before the state is restored", () => {
  const early = fact("interrupts", { k: "A", enabled: true });
  breaks(insertEvent(CYCLE, "before", first("restore", { k: "A" }), early), "F31", "F32");
});

Deno.test("F24 notices pages outside the window, but not outside RAM or after power is gone", () => {
  const write = (k: string, runs: string) => fact("memory_write", { k, by: k, runs });
  const vmcore = isFact("vmcore");
  breaks(insertEvent(CYCLE, "after", vmcore, write("B", "ff+1,112+1")), "F24");
  isHeld(insertEvent(CYCLE, "after", vmcore, write("B", "a0+60,200+4")), "F24");
  isHeld(insertEvent(CYCLE, "after", isFact("boot", { k: "C" }), write("C", "112+8")), "F24");
  isHeld(insertEvent(CYCLE, "after", vmcore, write("A", "112+8")), "F24");
});

Deno.test("F52 and F53 notice a commit that only the disk's cache has", () => {
  const flushes = isFact("flush", { k: "B" });
  let seen = 0;
  const last = (event: TraceEvent, index: number) => flushes(event, index) && seen++ >= 2;
  breaks(dropEvents(CYCLE, last), "F52", "F53");
});

Deno.test("F52 does not take a flush that began before the last page for one that covers it", () => {
  const page = fact("image", { k: "B", op: "page", id: "dump-1", of: "A", runs: "112+1" });
  const between = first("flush", { k: "B", op: "begin" });
  breaks(insertEvent(CYCLE, "after", between, page), "F52");
});

Deno.test("F60 and F100 notice an invalidation that is not flushed, after a loss of power", () => {
  breaks(dropEvents(good("power_loss"), isFact("flush", { k: "C" })), "F60", "F100");
});

Deno.test("F100 notices memory that changed over a loss of power", () => {
  const other = insertEvent(
    dropEvents(good("power_loss"), isFact("frames", { when: "return" })),
    "before",
    first("resumed", { k: "A" }),
    {
      ...fact("frames", { k: "A", when: "return", count: 512 }),
      blob: BLOBS.put(new Uint8Array(2048)),
    },
  );
  breaks(other, "F23", "F78", "F100");
});

Deno.test("F100 takes an ordinary boot after a loss for what it should be", () => {
  isHeld(good("ordinary_boot"), "F100");
});

Deno.test("F58 lets the saver's file system be used, and nothing that is mounted by A", () => {
  const use = (fs: string) => fact("fs_read", { k: "C", fs, path: "/etc/fstab" });
  isHeld(insertEvent(CYCLE, "after", isFact("image", { op: "check" }), use("hda3")), "F58");
  breaks(insertEvent(CYCLE, "after", isFact("image", { op: "check" }), use("hda2")), "F58");
});

Deno.test("F59 notices a boot that mounts without having looked at all", () => {
  const mount = fact("mount", { k: "C", fs: "hda4", read_only: true, clean: true, mounts: 1 });
  const unseen = dropEvents(CYCLE, isFact("image", { op: "check" }));
  breaks(insertEvent(unseen, "after", isFact("boot", { k: "C" }), mount), "F59");
});

Deno.test("F87 notices what belongs to a sleep", () => {
  const off = isFact("power", { op: "off" });
  const method = (name: string, argument: number) =>
    fact("acpi", { k: "A", method: name, argument });
  breaks(insertEvent(CYCLE, "before", off, method("_PTS", 4)), "F87");
  breaks(insertEvent(CYCLE, "after", isFact("resumed"), method("\\_WAK", 4)), "F87");
  breaks(insertEvent(CYCLE, "after", isFact("resumed"), method("_BFS", 4)), "F87");
});

Deno.test("F94 notices two kernels that run at one time", () => {
  const vmcore = isFact("vmcore");
  const started = insertEvent(CYCLE, "after", vmcore, { kind: "start", actor: "A" });
  const boot = fact("boot", { k: "X", release: "1", ranges: "0x0-0x1000", cmdline: "" });
  assert.ok(
    idsWith(judge(insertEvent(started, "after", vmcore, boot)), "violated").includes("F94"),
  );
  const timer = { kind: "timer", actor: "A", type: "tick" } as const;
  breaks(insertEvent(CYCLE, "after", vmcore, timer), "F94");
});

Deno.test("F22 takes the same pairs in other runs for the same, and other pairs for others", () => {
  const swap = first("swap", { k: "A" });
  isHeld(alterFields(WARM, swap, { pairs: "110:110+2,0:140+50,50:190+50,100:120+10" }), "F22");
  const again = first("swap", { k: "A" });
  breaks(alterFields(WARM, again, { pairs: "110:110+2,0:140+50,50:190+50,100:121+10" }), "F22");
  const fewer = first("swap", { k: "A" });
  breaks(alterFields(WARM, fewer, { count: 3 }), "F22");
});
