import assert from "node:assert/strict";
import { IMAGE_TARGETS } from "../../machine/hardware_profile.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import {
  brokenRules,
  bytesOf,
  fieldsOf,
  judge,
  type Run,
  runMainline,
  settingsOf,
} from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

const MENU = [{ name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" }];

/** Simple hibernation, whole, with words on the command lines. */
function cycle(
  options: Partial<MachineOptions> & { readonly profile: string },
  words: { readonly a?: string; readonly b?: string; readonly c?: string } = {},
): Run {
  const { a = "", b = "", c = "" } = words;
  const load = loadCommand(settingsOf({ profile: options.profile }).mainline);
  return runMachine({
    ...options,
    menu: [
      { name: "A", append: `hostname=A root=/dev/sda2 console=ttyS0 ${a}`.trim() },
      { name: "C", append: `hostname=C root=/dev/ram0 console=ttyS0 ${c}`.trim() },
    ],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 64 2"),
      typed("A", load.replace("maxcpus=1", `maxcpus=1 ${b}`.trim())),
      typed("A", "kexec -e"),
      typed("B", "save-image"),
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

/** ns from the beginning of an image to its commit, and from its check to the exec in C. */
function imageTimes(run: Run): { save: number; load: number } {
  const at = (op: string): number =>
    run.events.find(({ type, summary }) => type === "fact.image" && summary?.["op"] === op)?.vt ??
      Number.NaN;
  return { save: at("commit") - at("begin"), load: at("load") - at("check") };
}

const NO_ACPI = { a: "acpi=off", b: "acpi=off", c: "acpi=off" };

Deno.test("simple hibernation works with ACPI off in every kernel", () => {
  const run = cycle({ profile: "2.6.27" }, NO_ACPI);
  resumedWell(run, "2.6.27");
  assert.deepEqual(fieldsOf(run, "acpi"), [], "no method and no register");
});

Deno.test("a 64-bit kernel without ACPI cannot switch off: by then the image is durable", () => {
  const options = { profile: "6.1-cured", memoryMiB: 256 };
  const saved = cycle(options, NO_ACPI);
  assert.match(saved.outcome, /expected power off.*Power down manually$/);
  // The plug is pulled; the disk is as it was then.
  const script: OperatorStep[] = [
    { do: "power_on" },
    { do: "choose", entry: "C", append: "" },
    typed("C", "restore-image"),
    typed("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "resumed" },
  ];
  const run = runMachine({ ...options, disk: bytesOf(saved.medium), script, menu: MENU });
  resumedWell(run, "6.1-cured");
});

Deno.test("the image's place costs what its device class costs: the drive, USB, a server", () => {
  const times = (["ide", "usb", "nfs"] as const).map((imageTarget) => {
    const run = cycle({ profile: "2.6.27", imageTarget, hardware: "t42", memoryMiB: 64 });
    resumedWell(run, imageTarget);
    return imageTimes(run);
  });
  const [ide, usb, nfs] = times;
  assert.ok(ide !== undefined && usb !== undefined && nfs !== undefined);
  assert.ok(ide.save < usb.save && usb.save < nfs.save, JSON.stringify(times));
  assert.ok(ide.load < usb.load && usb.load < nfs.load, JSON.stringify(times));
  // The image is moved at the bandwidth of its place and no faster.
  const plain = cycle({ profile: "2.6.27", imageTarget: "nfs", hardware: "t42", memoryMiB: 64 });
  const begin = fieldsOf(plain, "tool").length;
  assert.ok(begin > 0);
  const bytes = fieldsOf(plain, "disk_write", "B")
    .reduce((sum, { count }) => sum + Number(count) * 512, 0);
  assert.ok(nfs.save > bytes / IMAGE_TARGETS.nfs.writeBytesPerSecond * 1e9 * 0.9);
});

Deno.test("kexec_quiesce=suspend misuses the suspend callbacks: low power, F38; without it not", () => {
  const run = cycle({ profile: "2.6.27" }, { a: "kexec_quiesce=suspend" });
  const down = fieldsOf(run, "phase", "A").filter(({ message }) => message === "SUSPEND");
  assert.ok(down.length > 0);
  assert.ok(brokenRules(judge(run)).ids.includes("F38"), brokenRules(judge(run)).reasons);
  const plain = cycle({ profile: "2.6.27" });
  assert.ok(fieldsOf(plain, "phase", "A").every(({ message }) => message !== "SUSPEND"));
});

Deno.test("how much of RAM may be in use: half to resume, all but the window's copy to save", () => {
  const outcomes = [10, 25, 40, 55, 80].map((percent) => {
    const run = runMainline({
      memoryMiB: 128,
      processes: 1,
      processPages: Math.floor(128 * 256 * percent / 100),
    });
    assert.equal(brokenRules(judge(run)).reasons, "", `${percent} %`);
    const saved = fieldsOf(run, "image").some(({ op }) => op === "commit");
    return `${percent} ${saved ? "saved" : "not saved"}, ${run.outcome.slice(0, 7)}`;
  });
  assert.deepEqual(outcomes, [
    "10 saved, resumed",
    "25 saved, resumed",
    "40 saved, resumed",
    "55 saved, stuck: ",
    "80 saved, stuck: ",
  ]);
});

Deno.test("with 95 % of RAM in use there is no room for what stands in the window: ENOMEM, A goes on", () => {
  const run = runMachine({
    profile: "2.6.27",
    memoryMiB: 128,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", `work ${Math.floor(128 * 256 * 0.95)} 1`),
      typed("A", loadCommand(settingsOf({ profile: "2.6.27" }).mainline)),
      typed("A", "check"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "refused" },
    ],
  });
  assert.equal(run.outcome, "refused");
  assert.ok(
    run.lines.some((line) =>
      /^A: kexec_load failed: Cannot allocate memory \(\d+\.\d MiB of source pages/.test(line)
    ),
  );
  assert.ok(run.lines.at(-1)?.endsWith("all well"));
  assert.equal(brokenRules(judge(run)).reasons, "");
});
