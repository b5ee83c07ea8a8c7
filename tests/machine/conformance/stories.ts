/**
 * The good stories: each is a trace in which every rule holds, and together they exercise all.
 *
 * @module
 */
import { MemoryBlobs } from "../../../machine/trace/blobs.ts";
import { seal, type StoredTrace } from "../../../machine/conformance/mutation.ts";
import { copyStories } from "./copy_stories.ts";
import { jumpStories } from "./jump_stories.ts";
import { ENTRY_A, ENTRY_B, PAIRS, Story } from "./story.ts";

/** A story's traces, in order. */
export interface GoodStory {
  readonly name: string;
  readonly traces: readonly { readonly file: string; readonly trace: StoredTrace }[];
}

const WHOLE = "112+ee";
const FILTERED = "112+ce,1f0+10";
const SHARED = new MemoryBlobs();

const LOAD_LINE = "--load-preserve-context bzImage --mem-min=0x100000 --mem-max=0xffffff " +
  "--initrd=rootfs.gz";

function bootA(story: Story): Story {
  return story.powerOn().boot("A", "root=/dev/hda2")
    .fact("cpus", { k: "A", online: "0-1" })
    .fact("mount", { k: "A", fs: "hda2", read_only: false, clean: true, mounts: 3 });
}

/** Loads that fail, each by another check of the table, then one that does not. */
function loadsOfA(story: Story): Story {
  story.tool("A", "--load-preserve-context bzImage", 1)
    .load("A", { capable: false, segments: 17, list: "", result: -1 })
    .load("A", { flags: "0x8", result: -22 })
    .load("A", { segments: 17, list: "", result: -22 })
    .load("A", { flags: "0x3e0002", result: -22 });
  const tries: readonly (readonly [string, number])[] = [
    ["0x100800+0x1000/0x0,0x100000+0x1000/0x0", -99],
    ["0x100000+0x2000/0x0,0x101000+0x1000/0x0", -22],
    ["0x100000+0x1000/0x1001,0x102000+0x1000/0x0", -22],
    ["0x0+0x101000/0x0,0x102000+0x1000/0x0", -22],
    ["0xfffff000+0xfff/0x0,0x102000+0x1000/0x0", -99],
  ];
  for (const [list, result] of tries) {
    story.locked("A", "load", () => story.load("A", { list, result }));
  }
  story.locked("A", "load", () => story.load("A").kimage("A", PAIRS));
  story.fact("lock", { k: "A", holder: "exec", op: "take", result: 0 })
    .fact("lock", { k: "A", holder: "load", op: "refuse", result: -16 })
    .load("A", { result: -16 })
    .fact("lock", { k: "A", holder: "exec", op: "release", result: 0 });
  story.locked("A", "load", () => story.load("A", { result: -12 }));
  return story.tool("A", LOAD_LINE, 0);
}

/** Executions that come to nothing: nothing loaded, lock taken, a task, a device. */
function failuresOfA(story: Story): Story {
  const k = "A";
  const exec = () => story.fact("exec", { k, loaded: true, preserve: true, start: "0x101000" });
  const down = () =>
    exec().fact("lock", { k, holder: "exec", op: "take", result: 0 })
      .fact("console", { k, op: "prepare" });
  const up = (result: number) =>
    story.fact("thaw", { k, what: "user" }).fact("console", { k, op: "restore" })
      .fact("lock", { k, holder: "exec", op: "release", result: 0 })
      .fact("exec_done", { k, result });
  story.fact("lock", { k, holder: "load", op: "take", result: 0 });
  exec().fact("lock", { k, holder: "exec", op: "refuse", result: -16 })
    .fact("exec_done", { k, result: -16 })
    .fact("lock", { k, holder: "load", op: "release", result: 0 });
  down().fact("freeze", { k, what: "user", result: -16 });
  up(-16);
  down().fact("freeze", { k, what: "user", result: 0 })
    .phases(k, "prepare", "FREEZE")
    .phase(k, "ide", "freeze", "FREEZE")
    .phase(k, "pci", "freeze", "FREEZE", -5)
    .phase(k, "ide", "restore", "RESTORE")
    .phases(k, "complete", "RESTORE");
  return up(-5);
}

/** A leaves, for B to be entered at `entry`. */
function leaveA(story: Story, start: string, entry: string): Story {
  return story.goDown("A", start).observeA("jump").leave("A").walkA()
    .fact("jump", {
      ...{ from: "A", to: "B", entry, preserve: true, sp: "0x131ffc", word: ENTRY_A },
    });
}

/** B goes back to A by its helper. */
function backToA(story: Story, start = ENTRY_A): Story {
  return story.goDown("B", start).leave("B")
    .fact("jump", {
      ...{ from: "B", to: "A", entry: ENTRY_A, preserve: true, sp: "0x106ffc", word: ENTRY_B },
    })
    .walkA().observeA("return").enter("A").comeUp("A", ENTRY_B);
}

function bootB(story: Story): Story {
  story.fact("purgatory", { k: "B", expected: "d1", actual: "d1" })
    .boot("B", `memmap=exactmap elfcorehdr=900K kexec_jump_back_entry=${ENTRY_A}`)
    .fact("vmcore", { k: "B", ranges: "0x112000-0x200000" })
    .fact("memory_write", { k: "B", by: "B", runs: "0+a0,100+12" });
  return story;
}

function warmJump(): GoodStory {
  const story = bootA(new Story(SHARED));
  story.fact("unload", { k: "A", slot: "default", result: 0 });
  story.locked(
    "A",
    "exec",
    () =>
      story.fact("exec", { k: "A", loaded: false, preserve: false, start: "0x0" })
        .fact("exec_done", { k: "A", result: -22 }),
  );
  failuresOfA(loadsOfA(story));
  story.fact("sync", { k: "A" });
  bootB(leaveA(story, "0x101000", "0x101000"));
  story.tool("B", "--load-jump-back-helper --entry=0x0", 1);
  story.locked(
    "B",
    "load",
    () =>
      story.load("B", { segments: 1, list: "0x0+0x0/0x0", entry: ENTRY_A })
        .kimage("B", "", { control: "105+1", swap: "106+1", indirection: "" }),
  );
  story.tool("B", `--load-jump-back-helper --entry=${ENTRY_A}`, 0).wait(3_000_000_000);
  backToA(story);
  leaveA(story, ENTRY_B, ENTRY_B);
  story.enter("B").comeUp("B", ENTRY_A);
  backToA(story);
  story.fact("fs_write", { k: "A", fs: "hda2", path: "/work" });
  return one("jump", story.finish("jump", "a1"));
}

function physicalMode(): GoodStory {
  const story = bootA(new Story(SHARED));
  story.locked("A", "load", () => story.load("A").kimage("A", PAIRS));
  story.goDown("A", "0x101000").observeA("jump").leave("A").walkA()
    .fact("jump", {
      ...{ from: "A", to: "phy_mode", entry: "0x101000" },
      ...{ preserve: true, sp: "0x131ffc", word: ENTRY_A },
    })
    .fact("jump", {
      ...{ from: "phy_mode", to: "A", entry: ENTRY_A, preserve: false, sp: "0x132000" },
      word: "0x6c6f6c",
    })
    .walkA().observeA("return").enter("A").comeUp("A", "0x6c6f6c")
    .tool("A", "-e", 1);
  return one("physical", story.finish("jump-physical", "a2"));
}

function wrongDigest(): GoodStory {
  const story = bootA(new Story(SHARED));
  story.locked("A", "load", () => story.load("A").kimage("A", PAIRS));
  leaveA(story, "0x101000", "0x101000");
  story.fact("purgatory", { k: "B", expected: "d1", actual: "d2" }).wait(10_000_000_000)
    .fact("power", { op: "reset" });
  return one("wrong_digest", story.finish("jump-wrong-digest", "a3"));
}

/** B saves A and turns the machine off, or is cut off. */
function save(story: Story, pages: string, end: "off" | "loss" | "early loss"): Story {
  story.locked("A", "load", () => story.load("A").kimage("A", PAIRS));
  story.tool("A", LOAD_LINE, 0).fact("sync", { k: "A" });
  bootB(leaveA(story, "0x101000", "0x101000"));
  const image = { k: "B", id: "dump-1", of: "A" };
  const flush = () =>
    story.fact("flush", { k: "B", op: "begin" }).fact("flush", { k: "B", op: "done" });
  story.fact("mount", { k: "B", fs: "hda3", read_only: false, clean: true, mounts: 1 })
    .fact("image", { ...image, op: "begin" })
    .fact("fs_write", { k: "B", fs: "hda3", path: "/dump.elf.part" })
    .fact("image", { ...image, op: "page", runs: pages })
    .fact("disk_write", { k: "B", block: 4096, count: 2048 });
  flush();
  if (end === "early loss") return story.fact("power", { op: "loss" }).leave("B");
  story.fact("fs_write", { k: "B", fs: "hda3", path: "/dump.elf" })
    .fact("image", { ...image, op: "commit", digest: "e1f" });
  flush();
  story.fact("unmount", { k: "B", fs: "hda3" });
  if (end === "loss") return story.fact("power", { op: "loss" }).leave("B");
  return story.fact("acpi", { k: "B", method: "_PTS", argument: 5 })
    .fact("power", { op: "off", state: "S5", k: "B" }).leave("B");
}

/** C finds the image and goes to A. */
function resume(story: Story): Story {
  const image = { k: "C", id: "dump-1", of: "A" };
  story.powerOn().boot("C", "root=/dev/ram0")
    .fact("mount", { k: "C", fs: "hda3", read_only: false, clean: true, mounts: 2 })
    .fact("image", { ...image, op: "check", digest: "e1f" });
  const pairs = "0:0+a0,112:1112+ee";
  story.locked("C", "load", () =>
    story.load("C", {
      ...{ flags: "0x0", preserve: false, entry: ENTRY_A, ram_pages: 0x4000 },
      list: "0x112000+0xee000/0xee000,0x0+0xa0000/0xa0000",
    }).kimage("C", pairs, { control: "100+1", swap: "101+1", indirection: "102+1" }));
  story.tool("C", `-l --args-none --entry=${ENTRY_A} dump.elf`, 0)
    .fact("image", { ...image, op: "load" })
    .fact("fs_write", { k: "C", fs: "hda3", path: "/dump.elf.used" })
    .fact("image", { ...image, op: "invalidate" })
    .fact("flush", { k: "C", op: "begin" }).fact("flush", { k: "C", op: "done" })
    .fact("unmount", { k: "C", fs: "hda3" })
    .fact("exec", { k: "C", loaded: true, preserve: false, start: ENTRY_A })
    .fact("lock", { k: "C", holder: "exec", op: "take", result: 0 })
    .fact("interrupts", { k: "C", enabled: false })
    .fact("point_of_no_return", { k: "C", preserve: false })
    .leave("C")
    .fact("swap", {
      ...{ k: "C", head: "0x102000", temporary: "0x101000", count: 0x18e, walk: 1, pairs },
    })
    .fact("jump", {
      ...{ from: "C", to: "A", entry: ENTRY_A, preserve: false, sp: "0x100ff8", word: "0x0" },
    });
  return story.walkA().observeA("return", [0x1e3]).enter("A").comeUp("A", "0x0")
    .tool("A", "-e", 1)
    .fact("fs_write", { k: "A", fs: "hda2", path: "/work" });
}

function one(name: string, trace: StoredTrace): GoodStory {
  return { name, traces: [{ file: name, trace }] };
}

function wholeCycle(name: string, pages: string, end: "off" | "loss"): GoodStory {
  const story = resume(save(bootA(new Story(SHARED)), pages, end));
  return one(name, story.finish("hibernate", `b${name.length}`));
}

/** The same cycle as two traces, the second going on from the first. */
function halves(): GoodStory {
  const whole = resume(save(bootA(new Story(SHARED)), WHOLE, "off")).finish("hibernate", "c1");
  const cut = whole.events.findLastIndex(({ summary }) => summary?.["op"] === "on");
  const first = seal(whole.header, whole.events.slice(0, cut), whole.footer);
  const header = {
    ...whole.header,
    run: "c200000000000000",
    scenario: "resume",
    continues: first.footer.sha256,
  };
  const second = seal(header, whole.events.slice(cut), whole.footer);
  return {
    name: "halves",
    traces: [{ file: "halves-1", trace: first }, { file: "halves-2", trace: second }],
  };
}

function ordinaryBoot(): GoodStory {
  const story = save(bootA(new Story(SHARED)), WHOLE, "early loss");
  bootA(story);
  return one("ordinary_boot", story.finish("hibernate", "d1"));
}

/** All good stories. */
export const GOOD: readonly GoodStory[] = [
  warmJump(),
  physicalMode(),
  wrongDigest(),
  wholeCycle("hibernate", WHOLE, "off"),
  wholeCycle("filtered", FILTERED, "off"),
  wholeCycle("power_loss", WHOLE, "loss"),
  ordinaryBoot(),
  halves(),
  ...[...jumpStories(SHARED), ...copyStories(SHARED)].map(([name, trace]) => one(name, trace)),
];

/** Blobs of all stories. */
export const BLOBS: MemoryBlobs = SHARED;

/** The only trace of a good story. */
export function good(name: string): StoredTrace {
  const trace = GOOD.find((story) => story.name === name)?.traces[0]?.trace;
  if (trace === undefined) throw new RangeError(`There is no good story '${name}'`);
  return trace;
}
