/**
 * Good stories of the systems before mainline jump: the prototype of August 2007, and
 * khibernation v7 with kimgcore.
 *
 * @module
 */
import type { Fact } from "../../../machine/protocol/facts.ts";
import type { StoredTrace } from "../../../machine/conformance/mutation.ts";
import type { MemoryBlobs } from "../../../machine/trace/blobs.ts";
import { classesOfA, ENTRY_A, ENTRY_B, FRAMES, PAIRS, Story, sums } from "./story.ts";

const REGION = "crashkernel=256K@1536K";
/** RAM of a kernel in the region: low memory and [1536K,1792K). */
const REGION_RAM = "0x0-0xa0000,0x180000-0x1c0000";
const LOW_AND_WINDOW = "0x0-0xa0000,0x100000-0x112000";
const MAP = "0x0-0xa0000:1,0xdc000-0x100000:2,0x100000-0x200000:1,0x200000-0x210000:4";
const SAVED_RFC = "0+a0,100+80,1c0+40";
const INSIDE = "0x180000+0x20000/0x1000";

/** kernel_kexec of a kernel that leaves by its crash slot, or back by the jump buffer. */
function leaveRfc(
  story: Story,
  k: string,
  to: string,
  entry: string,
  by: "slot" | "buffer",
): Story {
  story.fact("exec", {
    ...{ k, loaded: by === "slot", preserve: true, start: entry },
    ...(by === "slot" ? { slot: "crash" as const } : {}),
  });
  if (by === "buffer") story.fact("jump_buffer", { k, op: "use", pfn: "0x133" });
  story.fact("freeze", { k, what: "user", result: 0 }).quiet(k, "FREEZE").alone(k).clockOut(k);
  story.fact("point_of_no_return", { k, preserve: true });
  if (k === "A") {
    story.fact("frames", { k, when: "jump", count: FRAMES }, sums(7))
      .fact("frame_classes", { k, when: "jump", count: FRAMES }, classesOfA());
  }
  return story.leave(k)
    .fact("jump", { from: k, to, entry, preserve: true, sp: "0x0", word: ENTRY_A });
}

const loadCrash = (story: Story, k: string, change: Partial<Fact<"load">> = {}): Story =>
  story.load(k, {
    ...{ slot: "crash", flags: "0x1", segments: 1, list: INSIDE, entry: "0x181000" },
    ...change,
  });

const loadedCheck = (story: Story, k: string, value: number, found = true): Story =>
  story.fact("loaded_check", { k, file: "/sys/kernel/kexec_crash_loaded", found, value });

function rfc(blobs: MemoryBlobs): StoredTrace {
  const story = new Story(blobs).powerOn();
  story.boot("A", `root=/dev/hda acpi=off ${REGION}`)
    .fact("mount", { k: "A", fs: "hda", read_only: false, clean: true, mounts: 3 })
    .fact("unload", { k: "A", slot: "crash", result: 0 })
    .fact("jump_buffer", { k: "A", op: "export", pfn: "0x133" });
  loadedCheck(story, "A", 0).tool("A", "-j", 1);
  loadedCheck(story, "A", 0, false)
    .fact("exec", { k: "A", loaded: false, preserve: true, start: "0x0", slot: "crash" })
    .fact("exec_done", { k: "A", result: -22 }).tool("A", "-j", 1);
  loadCrash(story, "A", { list: "0x100000+0x1000/0x0", result: -99 });
  loadCrash(story, "A");
  loadCrash(story, "A", { result: -12 });
  loadedCheck(story, "A", 0).tool("A", "-j", 1);
  loadCrash(story, "A");
  loadedCheck(story, "A", 1);
  leaveRfc(story, "A", "B", "0x181000", "slot")
    .boot("B", "root=/dev/hdb single acpi=off kexec_backup=1600K", REGION_RAM)
    .fact("mount", { k: "B", fs: "hdb", read_only: false, clean: true, mounts: 1 })
    .fact("memory_write", { k: "B", by: "B", runs: "0+a0,180+40" })
    .fact("jump_buffer", { k: "B", op: "save", pfn: "0x133" });
  const image = { id: "vmcore", of: "A" };
  story.fact("image", { k: "B", ...image, op: "begin" })
    .fact("image", { k: "B", ...image, op: "page", runs: SAVED_RFC }).flushed("B")
    .fact("image", { k: "B", ...image, op: "commit" }).flushed("B")
    .fact("unmount", { k: "B", fs: "hdb" })
    .fact("power", { op: "off", state: "S5", k: "B" }).leave("B").powerOn();
  story.boot("C", `root=/dev/hdc acpi=off ${REGION}`)
    .fact("mount", { k: "C", fs: "hdc", read_only: false, clean: true, mounts: 1 });
  loadCrash(story, "C");
  leaveRfc(story, "C", "D", "0x181000", "slot")
    .boot("D", "root=/dev/hdb single acpi=off kexec_backup=1600K", REGION_RAM)
    .fact("mount", { k: "D", fs: "hdb", read_only: false, clean: true, mounts: 2 })
    .fact("image_ranges", { k: "D", id: "vmcore", ranges: "0x0-0xa0000", class: "32" })
    .fact("tool", { k: "D", program: "krestore", arguments: "old", status: 1 })
    .fact("image_ranges", {
      ...{ k: "D", id: "vmcore", class: "64" },
      ranges: "0x0-0xa0000,0x100000-0x180000,0x1c0000-0x200000",
    })
    .fact("image", { k: "D", ...image, op: "load" })
    .fact("memory_write", { k: "D", by: "D", runs: "100+80,1c0+40" })
    .fact("jump_buffer", { k: "D", op: "write", pfn: "0x133" });
  leaveRfc(story, "D", "A", ENTRY_A, "buffer")
    .fact("frames", { k: "A", when: "return", count: FRAMES }, sums(7))
    .enter("A").fact("resumed", { k: "A", peer: "0x0" });
  story.clockIn("A").together("A").wake("A", "restore", "RESTORE")
    .fact("thaw", { k: "A", what: "user" }).fact("exec_done", { k: "A", result: 0 });
  return story.finish("rfc", "f1");
}

type Chain = Fact<"notifier">["chain"];

function chain(story: Story, k: string, which: Chain, command: string, callback: string): Story {
  const base = { k, chain: which, event: command, result: 0 };
  if (callback !== "default") {
    story.fact("notifier", { ...base, callback: "console", returned: "done" });
  }
  const returned = callback === "default" ? "done" : "stop";
  return story.fact("notifier", { ...base, callback, returned });
}

const WRITE = "0x6b630001";
const RESUME = "0x6b630002";

interface Leaving {
  readonly k: string;
  readonly to: string;
  readonly start: string;
  readonly entry: string;
  readonly word: string;
  readonly command?: string;
  readonly callback?: string;
}

/** A kernel of v7 leaves by a command. */
function leaveV7(story: Story, leaving: Leaving): Story {
  const { k, to, start, entry, word, command = "0x0", callback = "default" } = leaving;
  story.fact("exec", { k, loaded: true, preserve: true, start, command })
    .fact("lock", { k, holder: "exec", op: "take", result: 0 });
  chain(story, k, "pre", command, callback).fact("console", { k, op: "prepare" });
  const pm = { k, chain: "pm", callback: "usb", returned: "done", result: 0 } as const;
  if (command === WRITE) story.fact("notifier", { ...pm, event: "PM_HIBERNATION_PREPARE" });
  story.fact("freeze", { k, what: "user", result: 0 }).quiet(k, "FREEZE");
  if (command === WRITE) story.method(k, "_PTS");
  story.alone(k).clockOut(k).fact("point_of_no_return", { k, preserve: true });
  const watch = { k, when: "jump", count: FRAMES } as const;
  story.fact("frames", watch, sums(7)).fact("frame_classes", watch, classesOfA()).leave(k);
  if (k === "A") story.walkA();
  return story.fact("jump", { from: k, to, entry, preserve: true, sp: "0x131ffc", word });
}

/** And goes on after it. */
function arriveV7(story: Story, k: string, peer: string, command: string, callback: string): Story {
  if (k === "A") {
    story.walkA().fact("frames", { k, when: "return", count: FRAMES }, windowSums());
  }
  story.enter(k).fact("resumed", { k, peer }).fact("image_start", { k, start: peer });
  story.clockIn(k);
  const slept = command === RESUME && k === "A";
  story.fact("restore", { k, what: "cpu", digest: `cpu-${k}` })
    .fact("syscore", { k, op: "resume", result: 0 });
  chain(story, k, "post", command, callback);
  if (slept) story.method(k, "_BFS");
  story.fact("interrupts", { k, enabled: true }).fact("cpus", { k, online: "0-1" });
  if (slept) story.method(k, "_WAK");
  story.wake(k, "restore", "RESTORE").fact("thaw", { k, what: "user" });
  if (slept) {
    story.fact("notifier", {
      ...{ k, chain: "pm", event: "PM_POST_HIBERNATION", callback: "usb" },
      ...{ returned: "done", result: 0 },
    });
  }
  return story.fact("console", { k, op: "restore" })
    .fact("lock", { k, holder: "exec", op: "release", result: 0 })
    .fact("exec_done", { k, result: 0 });
}

/** What A finds: its own pages as they were, and in the sources what B left in the window. */
function windowSums(): Uint8Array {
  const bytes = sums(7);
  const own = sums(7);
  for (const [destination, source, count] of [[0, 0x140, 0xa0], [0x100, 0x120, 0x10]] as const) {
    bytes.set(own.subarray(destination * 4, (destination + count) * 4), source * 4);
  }
  return bytes;
}

const kimgcore = (story: Story, change: Partial<Fact<"kimgcore">> & Pick<Fact<"kimgcore">, "op">) =>
  story.fact("kimgcore", { k: "A", result: 0, ...change });

const SIZE = 64 + 2 * 56 + 0xa0000 + 0x12000;

/** Opens that fail, then one that is read to its end. */
function readFile(story: Story): Story {
  const lock = (holder: string, op: Fact<"lock">["op"]) =>
    story.fact("lock", { k: "A", holder, op, result: op === "refuse" ? -16 : 0 });
  lock("load", "take");
  lock("kimgcore", "refuse");
  kimgcore(story, { op: "open", result: -16, loaded: true });
  lock("load", "release");
  lock("kimgcore", "take");
  const header = { entry: ENTRY_B, start: ENTRY_B, segments: 2, size: SIZE, loaded: true };
  kimgcore(story, { op: "open", ...header });
  kimgcore(story, { op: "read", offset: 0, length: SIZE, digest: "d" });
  kimgcore(story, { op: "release" });
  return lock("kimgcore", "release").tool("A", "cp /proc/kimgcore .", 0);
}

const loadIn = (story: Story, k: string, entry: string, words: string): Story => {
  story.locked(k, "load", () => story.load(k, { entry }).kimage(k, k === "A" ? PAIRS : ""));
  return story.tool(k, words, 0);
};

const hardware = (story: Story, at: "prepare" | "use", signature = "0x1"): Story =>
  story.fact("hardware", { k: "A", at, signature, map: "0x2" });

function bootV7(story: Story, k: string, cmdline: string, ranges?: string): Story {
  return story.boot(k, cmdline, ranges).fact("cpus", { k, online: "0-1" });
}

const BACK = { k: "B", to: "A", start: ENTRY_A, entry: ENTRY_A, word: ENTRY_B } as const;

/** B booted once, and read out of kimgcore. */
function prepared(blobs: MemoryBlobs): Story {
  const story = new Story(blobs).powerOn();
  bootV7(story, "A", "root=/dev/hda2").fact("firmware_map", { k: "A", ranges: MAP, crc: "0x1" })
    .fact("mount", { k: "A", fs: "hda2", read_only: false, clean: true, mounts: 3 });
  story.fact("lock", { k: "A", holder: "kimgcore", op: "take", result: 0 });
  kimgcore(story, { op: "open", result: -2, loaded: false })
    .fact("lock", { k: "A", holder: "kimgcore", op: "release", result: 0 });
  loadIn(story, "A", "0x101000", "--load-jump-back bzImage");
  leaveV7(story, { k: "A", to: "B", start: "0x101000", entry: "0x101000", word: ENTRY_A });
  bootV7(
    story,
    "B",
    `khdev=3:7 go_to_hibernate kexec_jump_back_entry=${ENTRY_A}`,
    LOW_AND_WINDOW,
  );
  loadIn(story, "B", ENTRY_A, "--load-jump-back-helper");
  arriveV7(leaveV7(story, BACK), "A", ENTRY_B, "0x0", "default");
  return readFile(hardware(story, "prepare"));
}

/** The accelerated run: B goes on where it was, writes, and the machine sleeps. */
function saved(blobs: MemoryBlobs): Story {
  const story = prepared(blobs);
  hardware(story, "use");
  loadIn(story, "A", ENTRY_B, "-l --args-none --flags=0x3e kimgcore");
  leaveV7(story, {
    ...{ k: "A", to: "B", start: ENTRY_B, entry: ENTRY_B, word: ENTRY_A },
    ...{ command: WRITE, callback: "kexec_snapshot" },
  });
  arriveV7(story, "B", ENTRY_A, WRITE, "kexec_prepare_write_image");
  const image = { k: "B", id: "v1", of: "A" };
  story.fact("vmcore", { k: "B", ranges: "0x112000-0x200000" }).fact("image_device", {
    ...{ k: "B", device: "3:7", kind: "raw", signature: "", active: false, mounted: false },
  })
    .fact("image", { ...image, op: "begin" })
    .fact("image", { ...image, op: "page", runs: "112+ee" }).flushed("B")
    .fact("image", { ...image, op: "commit" }).flushed("B")
    .method("B", "_GTS");
  return story.sleepS4("B");
}

function resumed(story: Story): Story {
  story.powerOn().fact("power", { op: "wake", state: "S4" });
  bootV7(story, "C", "memmap=exactmap go_to_resume khdev=3:7", LOW_AND_WINDOW)
    .fact("firmware_map", { k: "C", ranges: MAP, crc: "0x1" });
  const image = { k: "C", id: "v1", of: "A" };
  story.fact("image", { ...image, op: "check" })
    .fact("header_check", { k: "C", what: "hardware", stored: "0x1", found: "0x1", result: 0 })
    .fact("image", { ...image, op: "invalidate" }).flushed("C")
    .fact("image_ranges", { k: "C", id: "v1", ranges: "0x112000-0x200000", class: "64" })
    .fact("image", { ...image, op: "load" })
    .fact("memory_write", { k: "C", by: "C", runs: "112+ee" });
  loadIn(story, "C", ENTRY_A, "--load-jump-back-helper");
  leaveV7(story, {
    ...{ k: "C", to: "A", start: ENTRY_A, entry: ENTRY_A, word: "0x1060fb" },
    ...{ command: RESUME, callback: "kexec_prepare_resume" },
  });
  return arriveV7(story, "A", "0x1060fb", RESUME, "kexec_resume");
}

/** Other hardware: kimgcore is made anew. A write that fails: B goes back. */
function failures(blobs: MemoryBlobs): StoredTrace {
  const story = prepared(blobs);
  hardware(hardware(story, "use", "0x7"), "prepare", "0x7");
  loadIn(story, "A", ENTRY_B, "-l --args-none --flags=0x3e kimgcore");
  leaveV7(story, {
    ...{ k: "A", to: "B", start: ENTRY_B, entry: ENTRY_B, word: ENTRY_A },
    ...{ command: WRITE, callback: "kexec_snapshot" },
  });
  arriveV7(story, "B", ENTRY_A, WRITE, "kexec_prepare_write_image");
  const image = { k: "B", id: "v1", of: "A" };
  story.fact("image", { ...image, op: "begin" }).fact("image", { ...image, op: "abort" });
  leaveV7(story, BACK);
  story.walkA().enter("A").fact("resumed", { k: "A", peer: ENTRY_B });
  return story.finish("kimgcore-failures", "f3");
}

/** The stories by name. */
export function jumpStories(blobs: MemoryBlobs): readonly (readonly [string, StoredTrace])[] {
  return [
    ["rfc", rfc(blobs)],
    ["kimgcore", resumed(saved(blobs)).finish("kimgcore", "f2")],
    ["kimgcore_failures", failures(blobs)],
  ];
}
