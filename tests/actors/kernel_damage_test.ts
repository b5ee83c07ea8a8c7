/**
 * What a flipped bit does (DESIGN.md 3): in an image on disk, with and without the check of its
 * sums, and in RAM while another kernel runs.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  brokenRules,
  bytesOf,
  facts,
  fieldsOf,
  judge,
  type Run,
  runMainline,
} from "../runs/run_kit.ts";
import { noise } from "./kernel_kit.ts";
import {
  boot,
  classesAtJump,
  dumpOffset,
  flipInDump,
  flipInRam,
  frameWith,
  imageVolume,
  placeWhileAway,
  runHooked,
  type,
  until,
} from "./kernel_hooks.ts";

const MEMORY_MIB = 64;
const PAYLOAD = noise(20 * PAGE_BYTES, 5);

let hibernated: Run | undefined;

/** A, hibernated once for all tests, and a copy of its disk for each. */
function hibernation(): { run: Run; disk: Uint8Array } {
  hibernated ??= runMainline({ part: "hibernate", payload: PAYLOAD });
  strictEqual(hibernated.outcome, "hibernated");
  return { run: hibernated, disk: bytesOf(hibernated.medium) };
}

/** C boots and tries; who has the prompt then is looked at. */
function resume(disk: Uint8Array, command: string, at: string): Run {
  const script = [...boot("C"), type("C", command), ...until(at)];
  return runMainline({ script, disk, payload: PAYLOAD });
}

function resumeAndCheck(disk: Uint8Array): Run {
  const script = [
    ...boot("C"),
    type("C", "restore-image --no-verify"),
    type("A", "check"),
    ...until("A"),
  ];
  return runMainline({ script, disk, payload: PAYLOAD });
}

/** Physical address of A's state pages, as it told the processor. */
function stateAddress(run: Run): number {
  const event = run.events.find((each) =>
    each.kind === "send" && each.type === "cpu.run_control_page" && each.actor === "A"
  );
  return Number(event?.summary?.["state"]);
}

/** A page of a process that it will not write soon: its last one. */
function processPage(run: Run): number {
  return classesAtJump(run.events, run.blobs, "A").lastIndexOf(FRAME.user) * PAGE_BYTES;
}

/** Where A had a page of the payload: the frame of its page cache with that content in the dump. */
function payloadPage(run: Run, disk: Uint8Array): { offset: number; physical: number } {
  const dump = imageVolume(disk, MEMORY_MIB).fileAt("/dump.elf");
  const page = PAYLOAD.subarray(3 * PAGE_BYTES, 4 * PAGE_BYTES);
  const classes = classesAtJump(run.events, run.blobs, "A");
  for (let pfn = 0; pfn < classes.length; pfn++) {
    if (classes[pfn] !== FRAME.cache) continue;
    const offset = dumpOffset(dump, placeWhileAway(run, pfn * PAGE_BYTES));
    if (dump.subarray(offset, offset + PAGE_BYTES).every((byte, at) => byte === page[at])) {
      return { offset, physical: pfn * PAGE_BYTES };
    }
  }
  throw new Error("The payload is not in the dump");
}

/** What a program complained of first, in full: the trace shortens long lines of the console. */
function complaint(run: Run, program: string): string {
  const tool = fieldsOf(run, "tool").find((fields) => fields["program"] === program);
  return String(tool?.["message"] ?? "");
}

Deno.test("restore-image refuses an image with one flipped bit and says where, A is not entered", () => {
  const { run, disk } = hibernation();
  const dump = imageVolume(disk, MEMORY_MIB).fileAt("/dump.elf");
  const offset = dumpOffset(dump, placeWhileAway(run, processPage(run)));
  flipInDump(disk, MEMORY_MIB, offset + 123, 6);
  const after = resume(disk, "restore-image", "C");
  strictEqual(after.outcome, "done");
  const block = offset - offset % 65_536;
  const line = complaint(after, "restore-image");
  match(line, new RegExp(`/mnt/dump\\.elf: SHA-256 of the 64 KiB at file offset ${block}\\b`));
  const address = Number(/physical address (0x[0-9a-f]+)/.exec(line)?.[1]);
  deepStrictEqual(dumpOffset(dump, address), block, "the address is that of the block");
  const tool = fieldsOf(after, "tool").find(({ program }) => program === "restore-image");
  strictEqual(tool?.["status"], 1);
  deepStrictEqual(fieldsOf(after, "boot").map(({ k }) => k), ["C"]);
  strictEqual(fieldsOf(after, "resumed").length, 0);
  strictEqual(fieldsOf(after, "image").some(({ op }) => op === "invalidate"), false);
  const left = imageVolume(bytesOf(after.medium), MEMORY_MIB).fileAt("/dump.elf");
  strictEqual(left.length, dump.length, "the image is still there");
});

Deno.test("restore-image --no-verify of a bit in A's state: A panics with the address", () => {
  const { run, disk } = hibernation();
  const state = stateAddress(run);
  const dump = imageVolume(disk, MEMORY_MIB).fileAt("/dump.elf");
  flipInDump(disk, MEMORY_MIB, dumpOffset(dump, state) + 1000, 2);
  const after = resume(disk, "restore-image --no-verify", "A");
  const [panic] = fieldsOf(after, "panic");
  strictEqual(panic?.["k"], "A");
  match(String(panic?.["reason"]), new RegExp(`^state pages 0x${state.toString(16)}-0x`));
  match(after.outcome, /saw nothing; last line: Kernel panic - not syncing: state pages 0x/);
});

Deno.test("restore-image --no-verify of a bit in a process: A's check names its address", () => {
  const { run, disk } = hibernation();
  const physical = processPage(run);
  const dump = imageVolume(disk, MEMORY_MIB).fileAt("/dump.elf");
  flipInDump(disk, MEMORY_MIB, dumpOffset(dump, placeWhileAway(run, physical)) + 123, 6);
  const after = resumeAndCheck(disk);
  strictEqual(after.outcome, "done");
  const address = (physical + 123).toString(16);
  const wrong = new RegExp(`^A: check: process [0-9]+: wrong content at address 0x${address}$`);
  strictEqual(after.lines.some((line) => wrong.test(line)), true, after.lines.join("\n"));
  const tool = fieldsOf(after, "tool").find(({ program }) => program === "check");
  strictEqual(tool?.["status"], 1);
});

Deno.test("restore-image --no-verify of a bit in a tmpfs file: A's check names file and address", () => {
  const { run, disk } = hibernation();
  const { offset, physical } = payloadPage(run, disk);
  flipInDump(disk, MEMORY_MIB, offset + 17, 0);
  const after = resumeAndCheck(disk);
  strictEqual(after.outcome, "done");
  const line = complaint(after, "check");
  const start = physical - 3 * PAGE_BYTES;
  match(line, new RegExp(`file /tmp/payload from address 0x${start.toString(16)}: SHA-256`));
  const test = fieldsOf(after, "selftest").find(({ what }) => what === "file");
  strictEqual(test?.["expected"] === test?.["actual"], false);
});

const LOAD_B = "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 " +
  '--mem-max=0xffffff --initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"';

/** A works and jumps to B, a bit of one of A's frames is flipped, B jumps back, A checks. */
function flippedFrame(flags: number): { run: Run; address: number } {
  let address = 0;
  const script = [
    ...boot("A"),
    type("A", "work 64 2"),
    type("A", LOAD_B),
    type("A", "kexec -e"),
    type("B", "jump-back"),
    type("A", "check"),
    ...until("A"),
  ];
  const events: Run["events"][number][] = [];
  const run = runHooked({ script }, (event, scheduler, blobs) => {
    if (event.kind === "note") events.push(event);
    if (event.type !== "fact.boot" || event.actor !== "B") return;
    // Outside the window, so that it stays where it is while B runs.
    address = frameWith(classesAtJump(events, blobs, "A"), flags, 0x1000) * PAGE_BYTES + 99;
    flipInRam(scheduler, address, 4);
  });
  return { run, address };
}

Deno.test("a flipped bit in a free page is nobody's loss: A's check finds all well, no rule breaks", () => {
  const { run, address } = flippedFrame(FRAME.free);
  strictEqual(address > 0x100_0000, true);
  strictEqual(run.outcome, "done");
  const line = run.lines.findLast((text) => text.startsWith("A: check"));
  match(line ?? "", /all well$/);
  deepStrictEqual(brokenRules(judge(run)), { ids: [], reasons: "" });
});

Deno.test("a flipped bit in a frame of A's kernel is seen by the observer, who breaks F23", () => {
  const { run } = flippedFrame(FRAME.kernel);
  strictEqual(facts(run.events, "frames").length >= 2, true);
  strictEqual(brokenRules(judge(run)).ids.includes("F23"), true);
});
