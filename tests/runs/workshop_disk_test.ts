import assert from "node:assert/strict";
import { partitionOf } from "../../actors/kernel/block_devices.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { NVRAM_BYTES, parseNvram } from "../../machine/formats/nvram.ts";
import { runMachine } from "./machine_kit.ts";
import type { Run } from "./run_kit.ts";

function panics({ lines }: Run): boolean {
  return lines.some((line) => line.includes("VFS: Unable to mount root fs"));
}

/** Boots with a root and shows what is mounted. */
function bootWith(root: string, layout: "standard" | "workshop" = "workshop") {
  return runMachine({
    profile: "2.6.27",
    layout,
    menu: [{ name: "A", append: `hostname=A root=${root} console=ttyS0` }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      { do: "type", at: "A", line: "cat /proc/mounts" },
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "booted" },
    ],
    recovery: [{ do: "finish", outcome: "no root" }],
  });
}

Deno.test("partitionOf knows the disk's partitions by each of their names", () => {
  for (const name of ["/dev/hda7", "/dev/sda7", "hda7", "sda7", "3:7", "8:7"]) {
    assert.equal(partitionOf(name), 7, name);
  }
  assert.equal(partitionOf("/dev/sda12"), 12);
  for (
    const name of [
      "",
      "/dev/sda",
      "/dev/sda0",
      "/dev/sdb1",
      "/dev/hdc",
      "254:0",
      "7:3",
      "8:0",
      "8:64",
      "/dev/ram0",
      "xsda1",
      "/dev/sda1 ",
    ]
  ) assert.equal(partitionOf(name), undefined, name);
});

Deno.test("A kernel mounts any partition of the workshop as its root, by any name", () => {
  const roots: readonly (readonly [string, string])[] = [
    ["/dev/hda2", "sda2"],
    ["/dev/sda5", "sda5"],
    ["8:8", "sda8"],
  ];
  for (const [root, fs] of roots) {
    const { outcome, lines } = bootWith(root);
    assert.equal(outcome, "booted", lines.join("\n"));
    assert(lines.includes(`A: /dev/${fs} / ext2 rw 0 0`), lines.join("\n"));
  }
});

Deno.test("A kernel panics on a root that is swap, raw, an extended partition or not there", () => {
  for (const root of ["/dev/sda6", "/dev/sda7", "/dev/sda3", "/dev/sda9"]) {
    assert(panics(bootWith(root)), root);
  }
});

Deno.test("A kernel finds no logical partition on the standard disk", () => {
  assert(panics(bootWith("/dev/sda5", "standard")));
});

Deno.test("Firmware finds its NVRAM behind the extended partition", () => {
  const { lines, medium } = bootWith("/dev/sda2");
  assert(!lines.some((line) => line.includes("Settings")), lines.join("\n"));
  const [, , , nvram] = diskLayout({ memoryBytes: 64 * 1024 ** 2, layout: "workshop" });
  const bytes = new Uint8Array(NVRAM_BYTES);
  medium.read((nvram?.firstSector ?? 0) * 512, bytes);
  assert.equal(parseNvram(bytes)?.sequence, 1);
});
