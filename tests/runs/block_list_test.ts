/** A's image in a file of A's own file system, written and read by block list (B.2.6). */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { parseBlockList } from "../../machine/formats/block_list.ts";
import { parseElf } from "../../machine/formats/elf.ts";
import { KHDEV_VALID, parseKhdevHeader } from "../../machine/formats/khdev_header.ts";
import { boot, MENU, type, until, volumeOf } from "./kimgcore_kit.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, bytesOf, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const FILE = "/khimage";

function run(
  script: readonly OperatorStep[],
  options: Partial<Omit<MachineOptions, "script">> = {},
): Run {
  return runMachine({ profile: "2.6.27", menu: MENU, scenario: "block list", ...options, script });
}

const HIBERNATE: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type("A", `block-list ${FILE} 24 -- ${loadCommand(settingsOf().mainline)}`),
  type("A", "kexec -e"),
  type("B", "block-save"),
];

interface Saved {
  readonly run: Run;
  readonly disk: Uint8Array;
  readonly sector: number;
}

let saved: Saved | undefined;

function hibernated(): Saved {
  if (saved !== undefined) return saved;
  const done = run([...HIBERNATE, { do: "off" }, { do: "finish", outcome: "saved" }]);
  strictEqual(done.outcome, "saved", done.lines.slice(-3).join("; "));
  const line = done.lines.find((each) => each.includes("khsector="));
  const sector = Number(/khsector=(\d+)/.exec(line ?? "")?.[1]);
  saved = { run: done, disk: bytesOf(done.medium), sector };
  return saved;
}

Deno.test("block-save writes a whole image into A's file and touches no file system (F58)", () => {
  const { run: done, sector } = hibernated();
  deepStrictEqual(fieldsOf(done, "mount", "B"), []);
  deepStrictEqual(fieldsOf(done, "fs_write", "B"), []);
  const volume = volumeOf(done, 2);
  const file = volume.fileAt(FILE);
  const header = parseKhdevHeader(file.subarray(0, 4096));
  strictEqual(header.valid, KHDEV_VALID);
  strictEqual(header.kernel, "A");
  const list = parseBlockList(file.subarray(512));
  strictEqual(list.firstSector + (list.runs[0]?.block ?? 0) * 8, sector);
  strictEqual(list.runs.reduce((sum, { count }) => sum + count, 0), 24 * 256);
  const elf = file.subarray(4096, 4096 + header.lengthBytes);
  ok(parseElf(elf).programs.length > 1);
  const operations = fieldsOf(done, "image", "B").map(({ op }) => op)
    .filter((op, index, all) => op !== all[index - 1]);
  deepStrictEqual(operations, ["begin", "page", "commit"]);
  deepStrictEqual(
    fieldsOf(done, "image_device", "B").map(({ device, kind, mounted }) => [device, kind, mounted]),
    [["sda2", "file", false]],
  );
});

Deno.test("block-resume brings A back by the list alone, once (F60, F61)", () => {
  const { run: first, disk, sector } = hibernated();
  const resumed = run([
    ...boot("C"),
    type("C", `block-resume ${sector}`),
    type("A", "check"),
    ...until("A", "resumed"),
  ], { disk });
  strictEqual(resumed.outcome, "resumed", resumed.lines.slice(-3).join("; "));
  ok(resumed.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
  deepStrictEqual(fieldsOf(resumed, "mount", "C"), []);
  const { ids, reasons } = brokenRules(judge(first, resumed));
  deepStrictEqual(ids, [], reasons);
  strictEqual(parseKhdevHeader(volumeOf(resumed, 2).fileAt(FILE).subarray(0, 4096)).valid, 0);
  const again = run([
    ...boot("C"),
    type("C", `block-resume ${sector}`),
    ...until("C", "stayed"),
  ], { disk: bytesOf(resumed.medium) });
  strictEqual(again.outcome, "stayed");
  match(why(again, "C"), /the image has no valid mark/);
});

function why(done: Run, k: string): string {
  return String(fieldsOf(done, "tool", k).at(-1)?.["message"]);
}

Deno.test("block-resume takes the sector from khsector= and refuses what is no image", () => {
  const { disk, sector } = hibernated();
  const choose = (append: string): OperatorStep[] => [
    { do: "power_on" },
    { do: "choose", entry: "C", append },
  ];
  const resumed = run([
    ...choose(`khsector=${sector}`),
    type("C", "block-resume"),
    ...until("A", "resumed"),
  ], { disk });
  strictEqual(resumed.outcome, "resumed");
  const refusal = (line: string, bytes = disk, options = {}): string => {
    const stayed = run([...choose(""), type("C", line), ...until("C", "stayed")], {
      ...options,
      disk: bytes,
    });
    strictEqual(stayed.outcome, "stayed");
    deepStrictEqual(fieldsOf(stayed, "load", "C"), []);
    return why(stayed, "C");
  };
  match(refusal("block-resume"), /no sector: khsector=/);
  match(refusal("block-resume 2048"), /no image: .*no memory image here/);
  match(refusal("block-resume 999999999"), /cannot read the image: Input\/output error/);
  const flipped = disk.slice();
  const at = sector * 512 + 4096 + 2_000_000;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  match(refusal(`block-resume ${sector}`, flipped), /the image has SHA-256 [0-9a-f]{64}, saved/);
  const torn = disk.slice();
  torn[sector * 512 + 40] = 1;
  match(refusal(`block-resume ${sector}`, torn), /no image: .*CRC-32 is wrong/);
  const unlisted = disk.slice();
  unlisted[sector * 512 + 512 + 100] = 1;
  match(refusal(`block-resume ${sector}`, unlisted), /no image: .*block list.*CRC-32 is wrong/);
});

Deno.test("block-save gives up where the image has no room or the disk an error, and A goes on", () => {
  const small = run([
    ...HIBERNATE.map((step) =>
      step.do === "type" ? { ...step, line: step.line.replace(`${FILE} 24`, `${FILE} 4`) } : step
    ),
    type("B", "jump-back"),
    type("A", "check"),
    ...until("A", "went on"),
  ]);
  strictEqual(small.outcome, "went on");
  match(String(fieldsOf(small, "tool", "B")[0]?.["message"]), /No space left on device/);
  deepStrictEqual(fieldsOf(small, "image", "B").map(({ op }) => op), ["begin", "abort"]);
  const { sector } = hibernated();
  const broken = run([
    ...HIBERNATE,
    type("B", "jump-back"),
    type("A", "check"),
    ...until("A", "went on"),
  ], { setup: { badSectors: [{ sector: sector + 4096, count: 8, on: "write" }] } });
  strictEqual(broken.outcome, "went on");
  match(String(fieldsOf(broken, "tool", "B")[0]?.["message"]), /Input\/output error/);
  strictEqual(fieldsOf(broken, "image", "B").at(-1)?.["op"], "abort");
});

Deno.test("block-save wants khlist= and a list there; block-list says how it is called", () => {
  const load = loadCommand(settingsOf().mainline);
  const odd = run([
    ...boot("A"),
    type("A", "block-list"),
    type("A", "block-list /file none"),
    type("A", "block-list /nowhere/file 1"),
    type("A", load.replace("hostname=B", "hostname=B khlist=0x1400000")),
    type("A", "kexec -e"),
    type("B", "block-save"),
    ...until("B", "odd"),
  ]);
  strictEqual(odd.outcome, "odd");
  const said = fieldsOf(odd, "tool").map(({ program, message }) => `${program} ${message ?? ""}`);
  ok(said.some((line) => line.startsWith("block-list block-list: usage")), said.join("; "));
  ok(said.some((line) => line.includes("/nowhere/file: No such file or directory")));
  match(why(odd, "B"), /khlist: .*no block list here/);
});
