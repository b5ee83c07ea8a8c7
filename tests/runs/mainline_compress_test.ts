import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { isLzoContainer, parseLzoHeader } from "../../machine/formats/lzo_container.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { fileOn } from "./dump_kit.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

/** Simple hibernation with B on so many processors, its image compressed or not. */
function cycle(
  processorsOfB: number,
  compress: boolean,
  options: Partial<MachineOptions> = {},
): Run {
  const profile = options.profile ?? "2.6.27";
  const load = loadCommand(settingsOf({ profile }).mainline);
  return runMachine({
    hardware: "t42",
    memoryMiB: 64,
    cpus: 4,
    menu: [
      { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
      { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
    ],
    ...options,
    profile,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 1024 1 1 2"),
      typed("A", load.replace("maxcpus=1", `maxcpus=${processorsOfB}`)),
      typed("A", "kexec -e"),
      typed("B", compress ? "save-image --compress" : "save-image"),
      { do: "off" },
      { do: "power_on" },
      { do: "choose", entry: "C", append: "" },
      typed("C", "restore-image"),
      typed("A", "check"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "resumed" },
    ],
  });
}

function resumedWell(run: Run, what: string): void {
  assert.equal(run.outcome, "resumed", what);
  assert.ok(run.lines.at(-1)?.endsWith("all well"), what);
  assert.equal(brokenRules(judge(run)).reasons, "", what);
}

/** ns from the beginning of the image to its commit. */
function saveNs(run: Run): number {
  const at = (op: string): number =>
    run.events.find(({ type, summary }) => type === "fact.image" && summary?.["op"] === op)?.vt ??
      Number.NaN;
  return at("commit") - at("begin");
}

Deno.test("B compresses A's image with all its processors, and C's kexec expands it", () => {
  const one = cycle(1, true);
  const four = cycle(4, true);
  const plain = cycle(1, false);
  resumedWell(one, "1 processor");
  resumedWell(four, "4 processors");
  resumedWell(plain, "not compressed");
  const file = fileOn(one, 64, "/dump.elf.used");
  const whole = fileOn(plain, 64, "/dump.elf.used");
  assert.ok(isLzoContainer(file) && !isLzoContainer(whole));
  assert.equal(parseLzoHeader(file), whole.length);
  assert.ok(file.length < whole.length * 0.9, `${file.length} of ${whole.length}`);
  // The same bytes, whatever the processors; they make it faster.
  assert.deepEqual(fileOn(four, 64, "/dump.elf.used").length, file.length);
  assert.ok(saveNs(four) < saveNs(one), `${saveNs(four)} ${saveNs(one)}`);
});

Deno.test("on a slow place compression with many processors is faster than none, with one on a fast not", () => {
  const slow = { imageTarget: "nfs" } as const;
  assert.ok(saveNs(cycle(4, true, slow)) < saveNs(cycle(4, false, slow)));
  const fast = { hardware: "small-vm" } as const;
  assert.ok(saveNs(cycle(1, true, fast)) > saveNs(cycle(1, false, fast)));
});

Deno.test("a flipped byte in a compressed image is found by its sums, and nothing is loaded", () => {
  const whole = settingsOf({ profile: "2.6.27" });
  const menu = [
    { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
    { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
  ];
  const saved = runMachine({
    profile: "2.6.27",
    menu,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 256 1"),
      typed("A", loadCommand(whole.mainline)),
      typed("A", "kexec -e"),
      typed("B", "save-image --compress"),
      { do: "off" },
      { do: "finish", outcome: "hibernated" },
    ],
  });
  const disk = bytesOf(saved.medium);
  const image = fileOn(saved, 64, "/dump.elf");
  const sample = image.subarray(image.length - 6000, image.length - 5900);
  const at = Buffer.from(disk.buffer, disk.byteOffset, disk.length).indexOf(sample);
  assert.ok(at > 0);
  disk[at] = (disk[at] ?? 0) ^ 0xff;
  const run = runMachine({
    profile: "2.6.27",
    menu,
    disk,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "C", append: "" },
      typed("C", "restore-image"),
      { do: "prompt", at: "C" },
      { do: "finish", outcome: "refused" },
    ],
  });
  assert.equal(run.outcome, "refused");
  const offset = Buffer.from(image).indexOf(sample);
  const block = Math.floor(offset / 65_536) * 65_536;
  const { status, message } = fieldsOf(run, "tool").at(-1) ?? {};
  assert.equal(status, 1);
  assert.ok(
    String(message).includes(`SHA-256 of the 64 KiB at file offset ${block}`),
    `${message}`,
  );
});

Deno.test("a compressed image of a 64-bit kernel resumes as well", () => {
  const run = cycle(2, true, { profile: "6.1-cured", memoryMiB: 256, hardware: "small-vm" });
  resumedWell(run, "6.1-cured");
});
