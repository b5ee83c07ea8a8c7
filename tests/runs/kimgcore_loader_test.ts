/** The boot loader resumes A by itself, without C (planned in protocol.md B.2.6, H). */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { dumpOffset, flipInDump, imageVolume } from "../actors/kernel_hooks.ts";
import { boot, type, until } from "./kimgcore_kit.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "R", append: "", resume: "/dump.elf" },
] as const;

function run(
  script: readonly OperatorStep[],
  options: Partial<Omit<MachineOptions, "script">> = {},
): Run {
  return runMachine({ profile: "2.6.27", menu: MENU, scenario: "loader", ...options, script });
}

const HIBERNATE: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type("A", loadCommand(settingsOf().mainline)),
  type("A", "kexec -e"),
  type("B", "save-image"),
  { do: "off" },
];

const RESUME: readonly OperatorStep[] = [
  ...boot("R"),
  type("A", "check"),
  ...until("A", "resumed"),
];

let saved: Uint8Array | undefined;

function savedDisk(): Uint8Array {
  saved ??= bytesOf(run([...HIBERNATE, { do: "finish", outcome: "saved" }]).medium);
  return saved.slice();
}

function loaderSaid({ lines }: Run): string[] {
  return lines.filter((line) => line.startsWith("loader: ")).map((line) => line.slice(8));
}

Deno.test("the boot loader resumes A straight from dump.elf, without a boot of any kernel", () => {
  const whole = run([...HIBERNATE, ...RESUME]);
  strictEqual(whole.outcome, "resumed", whole.lines.slice(-3).join("; "));
  ok(whole.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
  deepStrictEqual(fieldsOf(whole, "boot").map(({ k }) => k), ["A", "B"]);
  const operations = fieldsOf(whole, "image", "loader").map(({ op }) => op);
  deepStrictEqual(operations, ["check", "load", "invalidate"]);
  const jump = fieldsOf(whole, "jump").at(-1);
  deepStrictEqual([jump?.["from"], jump?.["to"], jump?.["word"]], ["loader", "A", "0x0"]);
  const { ids, reasons } = brokenRules(judge(whole));
  deepStrictEqual(ids, [], reasons);
});

Deno.test("the boot loader invalidates the image on the medium before it enters A (F60)", () => {
  const resumed = run(RESUME, { disk: savedDisk() });
  const at = (pick: (index: number) => boolean) =>
    resumed.events.findIndex((_event, index) => pick(index));
  const fact = (index: number, name: string) => resumed.events[index]?.type === `fact.${name}`;
  const summary = (index: number) => resumed.events[index]?.summary;
  const invalidated = at((i) => fact(i, "image") && summary(i)?.["op"] === "invalidate");
  const flushed = at((i) => i > invalidated && fact(i, "flush") && summary(i)?.["op"] === "done");
  const entered = at((i) => fact(i, "jump"));
  ok(0 < invalidated && invalidated < flushed && flushed < entered);
  const volume = imageVolume(bytesOf(resumed.medium), 64);
  strictEqual(volume.inodeAt("/dump.elf"), undefined);
  ok(volume.inodeAt("/dump.elf.used") !== undefined);
  // A second time there is nothing to resume; the menu comes again.
  const again = run([
    ...boot("R"),
    { do: "choose", entry: "A", append: "" },
    ...until("A", "booted"),
  ], { disk: bytesOf(resumed.medium) });
  strictEqual(again.outcome, "booted");
  match(loaderSaid(again)[0] ?? "", /^Cannot resume: no image: \/dump\.elf does not exist\./);
});

function refusal(disk: Uint8Array, options: Partial<MachineOptions> = {}): string {
  const refused = run([
    ...boot("R"),
    { do: "choose", entry: "A", append: "" },
    ...until("A", "booted"),
  ], { ...options, disk });
  strictEqual(refused.outcome, "booted");
  deepStrictEqual(
    fieldsOf(refused, "image", "loader").filter(({ op }) => op === "invalidate" || op === "load"),
    [],
  );
  ok(imageVolume(bytesOf(refused.medium), 64).inodeAt("/dump.elf") !== undefined);
  return loaderSaid(refused).find((line) => line.startsWith("Cannot resume")) ?? "";
}

/** The bytes of a small file of the image's file system, in the bytes of the disk. */
function change(disk: Uint8Array, from: string, to: string): Uint8Array {
  const partition = diskLayout({ memoryBytes: 64 * 1024 ** 2 })[2];
  const start = (partition?.firstSector ?? 0) * 512;
  const wanted = new TextEncoder().encode(from);
  const length = (partition?.sectorCount ?? 0) * 512;
  for (let at = start; at < start + length; at += 4096) {
    const block = disk.subarray(at, at + 4096);
    const text = new TextDecoder("latin1").decode(block.subarray(0, 2048));
    const found = text.indexOf(from);
    if (found < 0) continue;
    strictEqual(wanted.length, to.length);
    disk.set(new TextEncoder().encode(to), at + found);
    return disk;
  }
  throw new Error(`'${from}' is nowhere`);
}

Deno.test("the boot loader refuses an image with a flipped bit and names the place", () => {
  const disk = savedDisk();
  const volume = imageVolume(disk, 64);
  // The control page: its content is nowhere else.
  const entry = Number(new TextDecoder().decode(volume.fileAt("/kexec_jump_back_entry")));
  flipInDump(disk, 64, dumpOffset(volume.fileAt("/dump.elf"), entry + 0x200), 3);
  match(
    refusal(disk),
    /^Cannot resume: the 64 KiB at file offset \d+,/,
  );
});

Deno.test("the boot loader refuses a manifest, a list of sums or an entry that was changed", () => {
  match(
    refusal(change(savedDisk(), '"level"', '"leVel"')),
    /the manifest of \/dump\.elf is damaged/,
  );
  const disk = savedDisk();
  const volume = imageVolume(disk, 64);
  const sums = new TextDecoder().decode(volume.fileAt("/dump.elf.sum")).slice(0, 24);
  const other = sums.slice(0, 23) + (sums.endsWith("0") ? "1" : "0");
  match(refusal(change(disk, sums, other)), /\/dump\.elf\.sum is not the one that was saved/);
  const second = savedDisk();
  const entry = new TextDecoder().decode(imageVolume(second, 64).fileAt("/kexec_jump_back_entry"));
  const stale = entry.replace(/c0\n$/, "d0\n");
  match(refusal(change(second, entry, stale)), /is not the one that was saved/);
});

Deno.test("the boot loader refuses an entry at which no control page's code stands (G.4)", () => {
  const disk = savedDisk();
  const entry = new TextDecoder().decode(imageVolume(disk, 64).fileAt("/kexec_jump_back_entry"))
    .trim();
  const stale = entry.replace(/0c0$/, "1c0");
  change(change(disk, `${entry}\n`, `${stale}\n`), `"${entry}"`, `"${stale}"`);
  match(
    refusal(disk),
    new RegExp(`entry ${stale} is not inside a control page: a stale jump-back`),
  );
});

Deno.test("the boot loader goes back to its menu when the image cannot be read", () => {
  const disk = savedDisk();
  const partition = diskLayout({ memoryBytes: 64 * 1024 ** 2 })[2];
  const sector = (partition?.firstSector ?? 0) + 10_000;
  const why = refusal(disk, {
    setup: { badSectors: [{ sector, count: 5000, on: "read" }] },
  });
  match(why, /^Cannot resume: the disk reports error -5/);
});
