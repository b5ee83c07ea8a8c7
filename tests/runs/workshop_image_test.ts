/** Images in a file system on the disk of the workshop, where the third partition is extended. */
import { type } from "../../actors/scenario/script_words.ts";
import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { DiskFile } from "../../server/terminal/disk_file.ts";
import { readSavedImage } from "../../server/terminal/saved_image.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
  { name: "R", append: "", resume: "/dump.elf" },
] as const;

function boot(entry: string): OperatorStep[] {
  return [{ do: "power_on" }, { do: "choose", entry, append: "" }];
}

const SAVE: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type("A", loadCommand(settingsOf().mainline)),
  type("A", "kexec -e"),
  type("B", "save-image"),
  { do: "off" },
];

const CHECK: readonly OperatorStep[] = [
  type("A", "check"),
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "resumed" },
];

function run(script: readonly OperatorStep[], options: Partial<MachineOptions> = {}): Run {
  return runMachine({ profile: "2.6.27", menu: MENU, layout: "workshop", ...options, script });
}

function assertResumed(done: Run): void {
  assert.equal(done.outcome, "resumed", done.lines.slice(-3).join("; "));
  assert.ok(done.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
  assert.equal(brokenRules(judge(done)).reasons, "");
}

Deno.test("save-image and restore-image find the workshop's partition for images", () => {
  const done = run([...SAVE, ...boot("C"), type("C", "restore-image"), ...CHECK]);
  assertResumed(done);
  const mounted = fieldsOf(done, "mount").filter(({ k }) => k !== "A").map(({ fs }) => fs);
  assert.deepEqual(mounted, ["sda8", "sda8"]);
});

Deno.test("the boot loader follows the chain of logical partitions to the image", () => {
  assertResumed(run([...SAVE, ...boot("R"), ...CHECK]));
});

Deno.test("readSavedImage finds an image on the workshop's disk", async () => {
  const saved = run([...SAVE, { do: "finish", outcome: "saved" }]);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytesOf(saved.medium));
    using disk = new DiskFile(path);
    const image = readSavedImage(disk);
    assert.equal(image?.state, "ready");
    assert.equal(image?.check.wrong, 0);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("save-image and the boot loader say so where the partition for images is no ext2", () => {
  const wiped = bytesOf(
    run([...boot("A"), { do: "prompt", at: "A" }, { do: "finish", outcome: "up" }]).medium,
  );
  const found = run(
    SAVE.slice(0, -1).concat([{ do: "prompt", at: "B" }, { do: "finish", outcome: "no" }]),
    {
      layout: "workshop",
      disk: withoutChain(wiped),
    },
  );
  assert.equal(found.outcome, "no");
  assert.ok(found.lines.some((line) => line.startsWith("B: save-image: mounting /mnt failed: ")));
  const loader = run([...boot("R"), { do: "choose", entry: "A", append: "" }, ...CHECK], {
    disk: withoutChain(wiped),
  });
  assert.ok(loader.lines.some((line) => line.includes("Cannot resume: ")), loader.lines.join("\n"));
});

/** The disk with the first record of the chain of logical partitions blank. */
function withoutChain(disk: Uint8Array): Uint8Array {
  const changed = disk.slice();
  const first = new DataView(changed.buffer).getUint32(446 + 2 * 16 + 8, true);
  changed.fill(0, first * 512, (first + 1) * 512);
  return changed;
}
