import assert from "node:assert/strict";
import fc from "fast-check";
import { countLeftOut } from "../../actors/programs/dump_kdump_plan.ts";
import { toHex } from "../../machine/digest.ts";
import { EM_X86_64, emitElf, ET_CORE, PT_LOAD } from "../../machine/formats/elf.ts";
import { classifyFrames, emitFrames } from "../../machine/formats/mem_map.ts";
import { KDUMP_FLAG } from "../../machine/formats/kdump.ts";
import { type KernelRun, noise } from "./kernel_kit.ts";
import { type ReadKdump, readKdump } from "./kdump_kit.ts";
import {
  disk,
  FRAMES,
  inB,
  memoryOfA,
  pagesOf,
  saved,
  script,
  USED,
  WINDOW,
  ZERO_PFN,
} from "./image_kit.ts";

const KERNEL_PAGES = 1 + FRAMES * 8 / 4096;
const USED_PAGES = USED.reduce((sum, { count }) => sum + count, 0);
const MOUNT = ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }] as const;
const UNMOUNT = ["fs_unmount", { path: "/mnt" }] as const;

function dumped(mib: number, ...words: readonly (readonly string[])[]): KernelRun {
  const dumps = words.map((each) => script("makedumpfile", ...each));
  return inB({ medium: disk(mib), calls: [[...MOUNT], ...dumps, [...UNMOUNT]] });
}

function read(run: KernelRun, path: string, mib = 60): ReadKdump {
  return readKdump(saved(run, mib).fileAt(path));
}

Deno.test("program:makedumpfile writes its own format, with the pages an ELF file has", () => {
  // What compresses needs processors: tests/runs/mainline_makedumpfile_test.ts.
  for (const more of [[], ["-z"]]) {
    const run = dumped(
      60,
      [...more, "-d", "16", "/proc/vmcore", "/mnt/d"],
      ["-E", "-d", "16", "/proc/vmcore", "/mnt/e"],
    );
    assert.deepEqual(run.results, [0, 0, 0, 0], run.printed().join("\n"));
    const { header, pages, lost } = read(run, "/d");
    const elf = pagesOf(saved(run, 60).fileAt("/e"));
    assert.deepEqual([...pages.keys()], [...elf.keys()].toSorted((a, b) => a - b));
    for (const [pfn, page] of pages) assert.deepEqual(page, elf.get(pfn), `frame ${pfn}`);
    assert.equal(pages.size, KERNEL_PAGES + USED_PAGES);
    assert.deepEqual(lost, []);
    assert.equal(header.status, 0);
    assert.equal(header.level, 16);
    assert.equal(header.maxPfn, FRAMES);
    assert.deepEqual(header.utsname.slice(0, 3), ["Linux", "A", "2.6.27"]);
    assert.ok(header.vmcoreinfo.length > 0);
  }
});

Deno.test("program:makedumpfile says that a compression is not built in, and compresses not", () => {
  const plain = ["-d", "31", "/proc/vmcore"];
  const run = dumped(60, [...plain, "/mnt/a"], ["-z", ...plain, "/mnt/b"], [
    "-p",
    ...plain,
    "/mnt/c",
  ]);
  assert.deepEqual(run.results, [0, 0, 0, 0, 0]);
  const size = (path: string) => saved(run, 60).fileAt(path).length;
  assert.equal(size("/b"), size("/a"));
  assert.equal(size("/c"), size("/a"));
  const lines = run.printed();
  const option = (name: string, of: string) =>
    `'${name}' option is disabled, because this binary doesn't support ${of} compression.`;
  assert.ok(lines.includes(option("-z", "zstd")));
  assert.ok(lines.includes(option("-p", "snappy")));
});

Deno.test("program:makedumpfile -d 1 keeps zero pages in its format: one copy for all", () => {
  const run = dumped(60, ["-d", "17", "/proc/vmcore", "/mnt/d"], [
    "-d",
    "1",
    "/proc/vmcore",
    "/mnt/f",
  ]);
  const { pages } = read(run, "/d");
  assert.equal(pages.size, KERNEL_PAGES + USED_PAGES);
  assert.ok(pages.get(ZERO_PFN)?.every((byte) => byte === 0));
  const all = read(run, "/f");
  assert.equal(all.pages.size, FRAMES - 256 - (WINDOW.end - WINDOW.start) / 4096);
  const [small, large] = ["/d", "/f"].map((path) => saved(run, 60).fileAt(path).length);
  const descriptors = (all.pages.size - pages.size) * 24;
  assert.equal((large ?? 0) - (small ?? 0), descriptors, "free pages are zero in this memory");
});

Deno.test("program:makedumpfile without room leaves a file that says it is incomplete", () => {
  const run = inB({
    medium: disk(3),
    // B's own memory is not clean: nothing of it may come into the file.
    fillRam(ram) {
      memoryOfA(ram, true);
      ram.write(1100 * 4096, noise(WINDOW.end - 1100 * 4096, 1));
    },
    calls: [[...MOUNT], script("makedumpfile", "-d", "16", "/proc/vmcore", "/mnt/d"), [...UNMOUNT]],
  });
  assert.deepEqual(run.results, [0, 1, 0]);
  const lines = run.printed();
  assert.deepEqual(lines.slice(-3), [
    "write_buffer: Can't write the dump file(/mnt/d). No space left on device",
    "This is an incomplete dumpfile, but might analyzable.",
    "makedumpfile Failed.",
  ]);
  const { header, pages, lost } = read(run, "/d", 3);
  assert.equal(header.status, KDUMP_FLAG.incomplete);
  assert.equal(pages.size + lost.length, KERNEL_PAGES + USED_PAGES);
  assert.ok(pages.size > 400 && lost.length > 100, `${pages.size} pages, ${lost.length} lost`);
  assert.ok(lost.every((pfn) => pfn > Math.max(...pages.keys())), "the last ones are lost");
  const again = read(dumped(60, ["-d", "16", "/proc/vmcore", "/mnt/d"]), "/d").pages;
  for (const [pfn, page] of pages) assert.deepEqual(page, again.get(pfn));
  assert.ok(saved(run, 3).superblock().freeBlocks <= 1, "all the room is used");
});

Deno.test("program:makedumpfile -E without room leaves no file; without memory, none in its format", () => {
  const dump = script("makedumpfile", "-E", "-d", "16", "/proc/vmcore", "/mnt/d");
  const full = inB({ medium: disk(3), calls: [[...MOUNT], dump, [...UNMOUNT]] });
  assert.deepEqual(full.results, [0, 1, 0]);
  assert.throws(() => saved(full, 3).fileAt("/d"), /does not exist|ENOENT/);
  const poor = inB({
    free: [{ pfn: 1100, count: 300 }],
    calls: [[...MOUNT], script("makedumpfile", "/proc/vmcore", "/mnt/d"), [...UNMOUNT]],
  });
  assert.deepEqual(poor.results, [0, 1, 0]);
  assert.deepEqual(poor.printed(), [
    "write_buffer: Can't write the dump file(/mnt/d). Cannot allocate memory",
    "makedumpfile Failed.",
  ]);
  assert.throws(() => saved(poor).fileAt("/d"), /does not exist|ENOENT/);
});

Deno.test("program:makedumpfile reports what it left out, by class", () => {
  const run = dumped(60, ["--message-level", "16", "-d", "25", "/proc/vmcore", "/mnt/d"]);
  const original = FRAMES - 256 - (WINDOW.end - WINDOW.start) / 4096;
  const free = original - USED_PAGES - KERNEL_PAGES;
  const row = (name: string, count: number) =>
    `${name.padEnd(28)}: 0x${count.toString(16).padStart(16, "0")}`;
  // A zero page that is of another class counts there (recordings, fact 45).
  assert.deepEqual(run.printed(), [
    `Original pages  : 0x${original.toString(16).padStart(16, "0")}`,
    `  Excluded pages   : 0x${(original - KERNEL_PAGES).toString(16).padStart(16, "0")}`,
    row("    Pages filled with zero", 0),
    row("    Cache pages", 0),
    row("    Cache pages + private", 0),
    row("    User process data pages", USED_PAGES),
    row("    Free pages", free),
    `  Remaining pages  : 0x${KERNEL_PAGES.toString(16).padStart(16, "0")}`,
    "  (The number of pages is reduced to 0%.)",
    `Memory Hole     : 0x${(FRAMES - original).toString(16).padStart(16, "0")}`,
    "-".repeat(50),
    `Total pages     : 0x${FRAMES.toString(16).padStart(16, "0")}`,
  ]);
});

Deno.test("program:makedumpfile prints what --message-level asks for", () => {
  const plain = ["-d", "31", "/proc/vmcore"];
  const printed = (level: string, path: string) =>
    dumped(60, ["--message-level", level, ...plain, path]).printed();
  assert.deepEqual(printed("0", "/mnt/d"), []);
  assert.deepEqual(printed("1", "/mnt/d"), [`${"Copying data".padEnd(35)}: [100 %]`]);
  assert.deepEqual(printed("2", "/mnt/d"), [
    "The dumpfile is saved to /mnt/d.",
    "makedumpfile Completed.",
  ]);
  assert.deepEqual(printed("2", "/no/d"), ["makedumpfile Failed."]);
  assert.equal(printed("4", "/no/d").length, 1);
  const help = dumped(60, ["-h"], ["-v"], ["-x", "/mnt/vmlinux", ...plain, "/mnt/d"]);
  assert.deepEqual(help.results, [0, 0, 0, 1, 0]);
  const missing = "Can't open the kernel file(/mnt/vmlinux). No such file or directory";
  assert.ok(help.printed().some((line) => line.endsWith(missing)));
});

Deno.test("countLeftOut counts each frame once, as classifyFrames does", () => {
  const frames = 40;
  const base = { flags: 7, offset: 4096, vaddr: 0n, paddr: 0, align: 0 };
  const size = frames * 4096;
  const load = { ...base, type: PT_LOAD, filesz: size, memsz: size };
  const init = { class: 64, type: ET_CORE, machine: EM_X86_64, entry: 0 } as const;
  const vmcore = {
    class: 64,
    machine: EM_X86_64,
    header: toHex(emitElf(init, [load])),
    notes: "",
    noteOffset: 0,
    fileLength: 4096 + size,
    segments: [{ fileOffset: 4096, physical: 0, length: size, source: 0 }],
  };
  const flags = fc.array(fc.integer({ min: 0, max: 255 }), {
    minLength: frames,
    maxLength: frames,
  });
  fc.assert(fc.property(flags, fc.integer({ min: 0, max: 31 }), (each, level) => {
    const table = emitFrames(each.map((value) => ({ flags: value, owner: 0, count: 0 })));
    const { zero: _zero, ...expected } = classifyFrames(table, level).excluded;
    assert.deepEqual({ ...countLeftOut(vmcore, table, level) }, { ...expected });
  }));
});
