/**
 * Good stories of the systems that copy a kernel's memory within itself: swsusp with its
 * refusals, and TuxOnIce.
 *
 * @module
 */
import type { Fact } from "../../../machine/protocol/facts.ts";
import type { StoredTrace } from "../../../machine/conformance/mutation.ts";
import type { MemoryBlobs } from "../../../machine/trace/blobs.ts";
import { FRAMES, Story } from "./story.ts";

const MAP = "0x0-0xa0000:1,0xdc000-0x100000:2,0x100000-0x200000:1,0x200000-0x210000:4";
/** A's pages in use, as its image has them, and free ones, into which they are copied. */
const SAVED = "1+9f,100+60";

function classes(): Uint8Array {
  const bytes = new Uint8Array(FRAMES).fill(2);
  const set = (pfn: number, count: number, flags: number) => bytes.fill(flags, pfn, pfn + count);
  set(0x1, 0x9f, 4);
  set(0x100, 0x20, 4);
  set(0x120, 0x20, 8);
  set(0x140, 0x20, 16);
  set(0x160, 0x90, 1);
  set(0x1f0, 0x10, 64);
  return bytes;
}

const notify = (
  story: Story,
  k: string,
  event: string,
): Story =>
  story.fact("notifier", {
    ...{ k, chain: "pm", event, callback: "bluetooth", returned: "done", result: 0 },
  });

/** hibernate() up to the frozen tasks (protocol.md B.5.2 steps 3 to 7.3). */
function freeze(story: Story, k: string): Story {
  story.fact("console", { k, op: "prepare" });
  return notify(story, k, "PM_HIBERNATION_PREPARE")
    .fact("sync", { k })
    .fact("freeze", { k, what: "user", result: 0 });
}

function unfreeze(story: Story, k: string): Story {
  return notify(story.fact("thaw", { k, what: "all" }), k, "PM_POST_HIBERNATION")
    .fact("console", { k, op: "restore" });
}

/** The copy, and its first return. */
function copy(story: Story, k: string): Story {
  story.fact("preallocate", {
    ...{ k, pages: 0xff, usable: 0x800, metadata: 16, reserved: 4, result: 0 },
  })
    .fact("freeze", { k, what: "kthreads", result: 0 })
    .quiet(k, "FREEZE")
    .method(k, "_PTS")
    .fact("save", { k, what: "nvs", digest: "nvs" })
    .alone(k)
    .clockOut(k);
  story.fact("frame_classes", { k, when: "jump", count: FRAMES }, classes())
    .fact("snapshot", { k, pages: 0xff, free: 0x200, result: 0 })
    .fact("in_suspend", { k, value: 1, at: "copy" })
    .fact("in_suspend", { k, value: 1, at: "first return", returned: 0 })
    .clockIn(k);
  return story.together(k)
    .fact("restore", { k, what: "nvs", digest: "nvs" })
    .method(k, "_WAK")
    .wake(k, "thaw", "THAW");
}

const SWAP = { device: "/dev/hda6", kind: "swap", active: true, mounted: false } as const;

function write(story: Story, k: string): Story {
  const image = { k, id: "s1", of: "A" };
  return story.fact("image_device", { k, ...SWAP, signature: "SWAPSPACE2" })
    .fact("swap_area", { k, device: "/dev/hda6", op: "allocate", blocks: 512, result: 0 })
    .fact("header_save", { k, room: 394, needed: 16, result: 0 })
    .fact("image", { ...image, op: "begin" })
    .fact("image", { ...image, op: "page", runs: SAVED });
}

function powerDown(story: Story, k: string): Story {
  story.phases(k, "prepare", "HIBERNATE")
    .phases(k, "poweroff", "HIBERNATE")
    .phases(k, "poweroff_late", "HIBERNATE")
    .phases(k, "poweroff_noirq", "HIBERNATE");
  return story.method(k, "_PTS")
    .fact("cpus", { k, online: "0" })
    .fact("interrupts", { k, enabled: false })
    .fact("syscore", { k, op: "suspend", result: 0 })
    .sleepS4(k);
}

function boot(story: Story, k: string, cmdline = "root=/dev/hda2 resume=/dev/hda6"): Story {
  return story.boot(k, cmdline)
    .fact("firmware_map", { k, ranges: MAP, crc: "0x1" })
    .fact("cpus", { k, online: "0-1" });
}

function start(blobs: MemoryBlobs): Story {
  return boot(new Story(blobs).powerOn(), "A")
    .fact("mount", { k: "A", fs: "hda2", read_only: false, clean: true, mounts: 3 })
    .fact("swap_area", { k: "A", device: "/dev/hda6", op: "on", result: 0 });
}

/** A committed image, and the machine asleep. */
function hibernated(blobs: MemoryBlobs): Story {
  const story = write(copy(freeze(start(blobs), "A"), "A"), "A").flushed("A");
  story.fact("image", { k: "A", id: "s1", of: "A", op: "commit" }).flushed("A");
  return powerDown(story, "A");
}

function check(
  story: Story,
  what: Fact<"header_check">["what"],
  stored: string,
  found = stored,
  result = 0,
  more: Partial<Fact<"header_check">> = {},
): Story {
  return story.fact("header_check", { k: "C", what, stored, found, result, ...more });
}

/** C looks at the image, up to what it compares before it loads pages. */
function look(story: Story): Story {
  const image = { k: "C", id: "s1", of: "A" };
  check(story.fact("image", { ...image, op: "check" }), "signature", "S1SUSPEND")
    .fact("image", { ...image, op: "invalidate" }).flushed("C");
  check(story, "hardware", "0x1", "0x2", 0, { obeyed: false });
  check(story, "control", "0x123456789abcdeF");
  check(story, "version", "2.6.23-a", "2.6.23-b");
  check(check(story, "e820", "0x1"), "memory", "512");
  return story.fact("image", { ...image, op: "load" })
    .fact("loader_pages", {
      ...{ k: "C", image: "100+40", safe: "170+20" },
      code: "190+4",
      id: "s1",
    });
}

function restored(story: Story): Story {
  story.powerOn().fact("power", { op: "wake", state: "S4" });
  look(boot(story, "C"));
  check(story, "crc", "0xabc");
  story.fact("freeze", { k: "C", what: "user", result: 0 })
    .fact("freeze", { k: "C", what: "kthreads", result: 0 })
    .quiet("C", "QUIESCE")
    .alone("C")
    .fact("page_tables", { k: "C", which: "boot", root: "0x1000" })
    .fact("page_tables", { k: "C", which: "temporary", root: "0x190000" })
    .fact("final_copy", {
      k: "C",
      code: "0x120",
      count: 0xff,
      last: "0x120",
      stack: false,
      runs: SAVED,
    })
    .leave("C")
    .fact("jump", {
      from: "C",
      to: "A",
      entry: "0x105000",
      preserve: false,
      sp: "0x0",
      word: "0x0",
    })
    .fact("page_tables", { k: "A", which: "image", root: "0x1000" })
    .enter("A")
    .fact("resumed", { k: "A", peer: "0x0" })
    .fact("in_suspend", { k: "A", value: 0, at: "second return", returned: 0 });
  story.clockIn("A").together("A")
    .fact("restore", { k: "A", what: "nvs", digest: "nvs" })
    .method("A", "_WAK")
    .wake("A", "restore", "RESTORE");
  return unfreeze(story, "A").fact("selftest", {
    ...{ k: "A", what: "device", name: "ide", expected: "0", actual: "0" },
  });
}

/** Looks that end in an ordinary boot, each by another comparison. */
function refusals(blobs: MemoryBlobs): StoredTrace {
  const story = hibernated(blobs);
  const tries: readonly (readonly [Fact<"header_check">["what"], string, string, number])[] = [
    ["signature", "SWAPSPACE2", "S1SUSPEND", -22],
    ["hardware", "0x1", "0x2", -22],
    ["control", "0x1", "0x2", -22],
    ["magic", "0x23456789abcdef02", "0x12345679", -22],
    ["e820", "0x1", "0x2", -19],
    ["memory", "512", "256", -1],
  ];
  for (const [what, stored, found, result] of tries) {
    story.fact("power", { op: "off" }).powerOn();
    check(boot(story, "C"), what, stored, found, result, { obeyed: true });
    const code = what === "signature" || what === "hardware" ? -22 : -1;
    story.fact("resume_attempt", {
      ...{ k: "C", device: "/dev/hda6", noresume: false, read: true, result: code },
    });
    story.leave("C");
  }
  return story.finish("swsusp-refusals", "e2");
}

/** A stream whose sum is wrong, after which the loader brings its devices up again. */
function wrongSum(blobs: MemoryBlobs): StoredTrace {
  const story = hibernated(blobs).powerOn().fact("power", { op: "wake", state: "S4" });
  look(boot(story, "C"));
  check(story, "crc", "0xabc", "0xabd", -61);
  return story.finish("swsusp-sum", "e3");
}

/** noresume: the image is invalidated, then its swap is used. */
function noResume(blobs: MemoryBlobs): StoredTrace {
  const story = hibernated(blobs).powerOn();
  boot(story, "C", "noresume")
    .fact("resume_attempt", {
      ...{ k: "C", device: "/dev/hda6", noresume: true, read: false, result: 0 },
    })
    .fact("image", { k: "C", op: "invalidate", id: "s1" }).flushed("C")
    .fact("swap_area", { k: "C", device: "/dev/hda6", op: "on", result: 0 });
  return story.finish("swsusp-noresume", "e4");
}

/** Hibernations that come to nothing: no room, a device, a full swap area; then a rollback. */
function failures(blobs: MemoryBlobs): StoredTrace {
  const story = freeze(start(blobs), "A").fact("preallocate", {
    ...{ k: "A", pages: 0x400, usable: 0x800, metadata: 16, reserved: 4, result: -12 },
  });
  unfreeze(story, "A");
  freeze(story, "A").phases("A", "prepare", "FREEZE")
    .phase("A", "ide", "freeze", "FREEZE")
    .phase("A", "pci", "freeze", "FREEZE", -5)
    .phase("A", "ide", "thaw", "RECOVER")
    .phases("A", "complete", "RECOVER");
  unfreeze(story, "A");
  write(copy(freeze(story, "A"), "A"), "A")
    .fact("image", { k: "A", op: "abort", id: "s1", of: "A" })
    .fact("swap_area", { k: "A", device: "/dev/hda6", op: "free", result: 0 });
  unfreeze(story, "A");
  write(copy(freeze(story, "A"), "A"), "A").flushed("A")
    .fact("image", { k: "A", op: "commit", id: "s1", of: "A" }).flushed("A")
    .fact("image", { k: "A", op: "invalidate", id: "s1", of: "A" }).flushed("A");
  unfreeze(story, "A").fact("header_save", { k: "A", room: 8, needed: 16, result: -75 });
  return story.finish("swsusp-failures", "e5");
}

/** Page set 2 before the copy, page set 1 after it, and back again. */
function twoSets(blobs: MemoryBlobs): StoredTrace {
  const story = start(blobs);
  const set = (one: "1" | "2", op: Fact<"pageset">["op"]) =>
    story.fact("pageset", { k: "A", set: one, op, pages: 64 });
  const image = { k: "A", id: "t1", of: "A" };
  freeze(story, "A").fact("image", { ...image, op: "begin" });
  set("2", "write").quiet("A", "FREEZE").alone("A");
  set("1", "copy");
  story.together("A").wake("A", "thaw", "THAW");
  set("1", "write").flushed("A").fact("image", { ...image, op: "commit" }).flushed("A")
    .fact("power", { op: "off", state: "S5", k: "A" }).leave("A").powerOn();
  boot(story, "C").fact("image", { k: "C", op: "check", id: "t1" })
    .fact("image", { k: "C", op: "load", id: "t1", of: "A" }).leave("C")
    .fact("jump", { from: "C", to: "A", entry: "0x1", preserve: false, sp: "0x0", word: "0x0" })
    .enter("A").fact("resumed", { k: "A", peer: "0x0" });
  set("1", "restore");
  story.together("A");
  set("2", "read");
  return unfreeze(story, "A").finish("tuxonice", "e6");
}

/** The stories by name. */
export function copyStories(blobs: MemoryBlobs): readonly (readonly [string, StoredTrace])[] {
  return [
    ["swsusp", restored(hibernated(blobs)).finish("swsusp", "e1")],
    ["swsusp_refusals", refusals(blobs)],
    ["swsusp_sum", wrongSum(blobs)],
    ["swsusp_noresume", noResume(blobs)],
    ["swsusp_failures", failures(blobs)],
    ["tuxonice", twoSets(blobs)],
  ];
}
