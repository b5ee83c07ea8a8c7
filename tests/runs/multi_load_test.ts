/** A dump of more than 16 segments comes back where one image takes several calls (B.4.7). */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { boot, MENU, type, until, volumeOf } from "./kimgcore_kit.ts";
import { runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const FILES = 40;
const PAGE = 4096;

function file(path: string, pages: number, seed: number) {
  const data = new Uint8Array(pages * PAGE);
  for (let at = 0; at < data.length; at++) data[at] = (at * 7 + seed * 31) & 0xff || 1;
  return { path, mode: 0o600, data };
}

/** A's free memory lies between files: every second large one gave way to a small one. */
function fragmented(): OperatorStep[] {
  const steps: OperatorStep[] = [];
  for (let index = 0; index < FILES; index++) {
    steps.push(type("A", `cp /root/large /tmp/file${index}`));
  }
  for (let index = 0; index < FILES; index += 2) {
    steps.push(type("A", `cp /root/small /tmp/file${index}`));
  }
  return steps;
}

const ROOT_FILES = [file("/root/large", 24, 1), file("/root/small", 2, 2)];

/** Loads B first: what it takes lies together. */
function saved(profile: string): Run {
  return runMachine({
    profile,
    menu: MENU,
    memoryMiB: 96,
    scenario: "multi load",
    rootFiles: ROOT_FILES,
    script: [
      ...boot("A"),
      type("A", "work 3800 1"),
      type("A", loadCommand(settingsOf({ profile }).mainline)),
      ...fragmented(),
      type("A", "kexec -e"),
      type("B", "save-image"),
      { do: "off" },
      { do: "finish", outcome: "saved" },
    ],
  });
}

function resumed(profile: string, before: Run, at: string): Run {
  return runMachine({
    profile,
    menu: MENU,
    memoryMiB: 96,
    scenario: "multi load",
    disk: bytesOf(before.medium),
    script: [
      ...boot("C"),
      type("C", "restore-image"),
      ...(at === "A" ? [type("A", "check")] : []),
      ...until(at, "done"),
    ],
  });
}

function loads(run: Run): number {
  const dump = volumeOf(run, 3, 96).fileAt("/dump.elf");
  return parseElf(dump).programs.filter((program) => program.type === PT_LOAD).length;
}

Deno.test("an image of more than 16 segments is refused, and loaded by several calls by the flag", () => {
  const one = saved("2.6.27");
  strictEqual(one.outcome, "saved");
  ok(loads(one) > 16, `${loads(one)} segments`);
  const refused = resumed("2.6.27", one, "C");
  strictEqual(refused.outcome, "done");
  const [tool] = fieldsOf(refused, "tool", "C");
  match(String(tool?.["message"]), /kexec_load failed: Invalid argument/);

  const profile = "2.6.27-multi";
  strictEqual(kernelProfile(profile).multiLoad, true);
  const many = saved(profile);
  const segments = loads(many);
  ok(segments > 16, `${segments} segments`);
  const back = resumed(profile, many, "A");
  strictEqual(back.outcome, "done", back.lines.slice(-3).join("; "));
  match(back.lines.at(-1) ?? "", /^A: check: 1 processes?, 40 files, 5 devices: all well$/);
  const calls = fieldsOf(back, "load", "C").map(({ segments: count }) => Number(count));
  ok(calls.length > 1 && calls.every((count) => count <= 16), calls.join());
  strictEqual(calls.reduce((sum, count) => sum + count, 0), segments);
  const { ids, reasons } = brokenRules(judge(many, back));
  deepStrictEqual(ids, [], reasons);
});
