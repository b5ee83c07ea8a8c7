import assert from "node:assert/strict";
import { sha256, toHex } from "../../machine/digest.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import { EM_386, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { emitNotes, emitVmcoreinfo, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { emitFrames, FRAME, vmcoreinfoOf } from "../../machine/formats/mem_map.ts";
import {
  buildCoreHeaders,
  LINEAR_OFFSET,
  LOWMEM_LIMIT_I386,
} from "../../machine/formats/vmcore.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import { parseSums } from "../../actors/kernel/small_files.ts";
import { parseManifest } from "../../actors/programs/image_manifest.ts";
import { jumpBackEntry } from "../../actors/programs/save_image.ts";
import { parseDumpCommand } from "../../actors/programs/makedumpfile.ts";
import { call, done, type Procedure } from "../../actors/kernel/procedure.ts";
import {
  type Call,
  diskWith,
  type KernelPlan,
  type KernelRun,
  noise,
  runKernel,
  volumeOn,
} from "./kernel_kit.ts";
import { hasTool, run as runTool } from "../oracles/tools.ts";

const MIB = 1024 ** 2;
const RAM = 32 * MIB;
/** What B has: the window, with the core headers at its beginning. */
const WINDOW = { start: 4 * MIB, end: 12 * MIB };
const CORE_HEADERS = WINDOW.start;
const NOTE = 13 * MIB;
const MEM_MAP = 14 * MIB;
const FRAMES = RAM / 4096;
/** Frames of A in use besides its table and note: with content, and one of them all zero. */
const USED = [{ pfn: 4096, count: 300 }, { pfn: 5000, count: 1 }, { pfn: 6000, count: 700 }];
const ZERO_PFN = 6005;
const ENTRY = "0xd45000";
const COMMAND_LINE = `root=/dev/ram0 elfcorehdr=4096K kexec_jump_back_entry=${ENTRY}`;

function frameTable(): Uint8Array {
  const free = { flags: FRAME.free, owner: 0, count: 0 };
  const frames = new Array<{ flags: number; owner: number; count: number }>(FRAMES).fill(free);
  const take = (pfn: number, count: number, flags: number) =>
    frames.fill({ flags, owner: 1, count: 1 }, pfn, pfn + count);
  take(0, MIB / 4096, FRAME.reserved);
  // What A had in the window is not there now; its table says nothing of that.
  take(WINDOW.start / 4096, (WINDOW.end - WINDOW.start) / 4096, FRAME.kernel);
  take(NOTE / 4096, 1, FRAME.kernel);
  take(MEM_MAP / 4096, FRAMES * 8 / 4096, FRAME.kernel);
  for (const { pfn, count } of USED) take(pfn, count, FRAME.user);
  return emitFrames(frames);
}

const INFO = emitVmcoreinfo(vmcoreinfoOf({
  osRelease: "2.6.27",
  kernelName: "A",
  memMapPhysical: MEM_MAP,
  frameCount: FRAMES,
}));

/** A's memory as it stands while B runs. */
function memoryOfA(ram: FlatStore, withNote: boolean): void {
  const note = emitNotes([vmcoreinfoNote(INFO)]);
  ram.write(NOTE, note);
  ram.write(MEM_MAP, frameTable());
  for (const { pfn, count } of USED) ram.write(pfn * 4096, noise(count * 4096, pfn));
  ram.write(ZERO_PFN * 4096, new Uint8Array(4096));
  ram.write(
    CORE_HEADERS,
    buildCoreHeaders({
      class: 32,
      machine: EM_386,
      ramRanges: [{ start: MIB, end: RAM }],
      excluded: [WINDOW],
      notes: withNote ? [{ paddr: NOTE, size: note.length }] : [],
      linearOffset: LINEAR_OFFSET.i386,
      lowmemLimit: LOWMEM_LIMIT_I386,
    }),
  );
}

const POWER_OFF: Procedure = {
  name: "power_off",
  steps: [{
    name: "off",
    run(kernel) {
      kernel.print("OFF");
      return done(0);
    },
  }],
};

/** What the machine's kexec would be asked: loading reads the whole file and looks at the sums. */
const KEXEC: Procedure = {
  name: "program:kexec",
  steps: [
    {
      name: "stat",
      run(kernel, vars) {
        kernel.print(`KEXEC ${String(vars["argv"])} ${vars["verify"] !== undefined}`);
        if (!String(vars["argv"]).includes("-l")) return done(0);
        return call("fs_stat", { path: "/mnt/dump.elf" });
      },
      then(_kernel, vars, answer) {
        vars["size"] = fieldOf(answer, "size") ?? 0;
        return { do: "next" };
      },
    },
    {
      name: "read",
      run: (_kernel, vars) =>
        call("fs_read", {
          path: "/mnt/dump.elf",
          offset: 0,
          length: vars["size"] ?? 0,
          runs: [{ pfn: 4096, count: 4096 }],
          ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
        }),
      then(kernel, _vars, answer) {
        const wrong = JSON.stringify(fieldOf(answer, "mismatches") ?? []);
        if (wrong !== "[]") kernel.print(`DAMAGED ${wrong}`);
        return done(wrong === "[]" ? 0 : 1);
      },
    },
  ],
};

const disk = (mib = 40) =>
  diskWith([{ mib: 8, files: [] }, { mib: 8, files: [] }, { mib, files: [] }]);
const saved = (run: KernelRun, mib = 40) => volumeOn(run.medium, 17, mib);
const script = (...argv: string[]): Call => [`program:${argv[0]}`, { argv }];

function inB(plan: Partial<KernelPlan> & Pick<KernelPlan, "calls">, note = true): KernelRun {
  return runKernel({
    medium: disk(),
    ramBytes: RAM,
    free: [{ pfn: 1100, count: (WINDOW.end - 1100 * 4096) / 4096 }],
    fillRam: (ram) => memoryOfA(ram, note),
    procedures: [POWER_OFF, KEXEC],
    ...plan,
    state: {
      commandLine: COMMAND_LINE,
      firmwareMap: [{ start: 0, length: RAM, type: 1 }],
      vmcore: { address: CORE_HEADERS, bytes: 16 * 1024 },
      ...plan.state,
    },
  });
}

const save = script("save-image");

/** The PT_LOADs of a dump by frame. */
function pagesOf(dump: Uint8Array): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  for (const program of parseElf(dump).programs) {
    if (program.type !== PT_LOAD) continue;
    for (let at = 0; at < program.filesz; at += 4096) {
      const from = program.offset + at;
      pages.set((program.paddr + at) / 4096, dump.subarray(from, from + 4096));
    }
  }
  return pages;
}

Deno.test("vmcore_open rebuilds the file from the core headers, and says which memory it is", () => {
  const { results, facts } = inB({ calls: [["vmcore_open"]] });
  assert.deepEqual(facts("vmcore"), [
    { k: "K", ranges: "0x100000-0x400000,0xc00000-0x2000000" },
  ]);
  assert.equal(fieldOf(results[0], "notes"), toHex(emitNotes([vmcoreinfoNote(INFO)])));
  assert.equal(fieldOf(results[0], "machine"), EM_386);
});

Deno.test("vmcore_open refuses headers that are not sane, notes out of memory and no notes", () => {
  const open: Call[] = [["vmcore_open"]];
  const fill = (change: (ram: FlatStore) => void) => (ram: FlatStore) => {
    memoryOfA(ram, true);
    change(ram);
  };
  const broken = inB({
    calls: open,
    fillRam: fill((ram) => ram.write(CORE_HEADERS, noise(16, 1))),
  });
  assert.deepEqual(broken.results, [-ERRNO.EINVAL]);
  const far = inB({ calls: open, state: { firmwareMap: [{ start: 0, length: MIB, type: 1 }] } });
  assert.deepEqual(far.results, [-ERRNO.EFAULT]);
  assert.deepEqual(inB({ calls: open, state: { profile: "6.1" } }, false).results, [-ERRNO.ENOMEM]);
  assert.ok(typeof inB({ calls: open }, false).results[0] === "object", "2.6.27 does without");
  const { results } = runKernel({ medium: disk(), calls: open });
  assert.deepEqual(results, [-ERRNO.ENOENT]);
});

Deno.test("save-image writes A's pages and nothing else, names them last, then switches off", () => {
  const run = inB({ calls: [save] });
  const lines = run.printed();
  assert.equal(lines.at(-2), "OFF", lines.join("\n"));
  const files = saved(run);
  assert.equal(files.superblock().state & 1, 1, "unmounted");
  assert.equal(files.inodeAt("/dump.elf.part"), undefined);
  const dump = files.fileAt("/dump.elf");
  const pages = pagesOf(dump);
  const wanted = [
    { pfn: NOTE / 4096, count: 1 },
    { pfn: MEM_MAP / 4096, count: FRAMES * 8 / 4096 },
    ...USED,
  ].flatMap(({ pfn, count }) => Array.from({ length: count }, (_, index) => pfn + index));
  assert.deepEqual([...pages.keys()].toSorted((a, b) => a - b), wanted.toSorted((a, b) => a - b));
  for (const [pfn, bytes] of pages) assert.deepEqual(bytes, run.ram.view(pfn * 4096, 4096).slice());
  const sumText = new TextDecoder().decode(files.fileAt("/dump.elf.sum"));
  const sums = parseSums(sumText) ?? [];
  assert.equal(sums.length, Math.ceil(dump.length / 65_536));
  for (const [index, sum] of sums.entries()) {
    assert.equal(sum, sha256(dump.subarray(index * 65_536, (index + 1) * 65_536)));
  }
  const manifest = parseManifest(new TextDecoder().decode(files.fileAt("/manifest")));
  assert.equal(manifest?.id, `A@${ENTRY}`);
  assert.equal(manifest?.pages, wanted.length);
  assert.equal(manifest?.sums, sha256(sumText));
  assert.equal(new TextDecoder().decode(files.fileAt("/kexec_jump_back_entry")), `${ENTRY}\n`);
});

Deno.test("save-image says begin, pages, flush, commit, flush, in that order", () => {
  const { events } = inB({ calls: [save] });
  const steps = events.flatMap(({ type, summary }) => {
    if (type === "fact.image") return [String(summary?.["op"])];
    if (type === "fact.flush" && summary?.["op"] === "done") return ["flushed"];
    return [];
  });
  const once = steps.filter((step, index) => step !== "page" || step !== steps[index - 1]);
  // The last flush is that of unmounting.
  const wanted = ["flushed", "begin", "page", "flushed", "commit", "flushed", "flushed"];
  assert.deepEqual(once, wanted);
  const images = events.filter(({ type }) => type === "fact.image");
  assert.ok(images.every(({ summary }) => summary?.["id"] === `A@${ENTRY}`));
});

Deno.test("save-image takes free pages too where nothing says which are free", () => {
  const run = inB({ calls: [save], medium: disk(60) }, false);
  assert.equal(run.printed().at(-2), "OFF");
  const pages = pagesOf(saved(run, 60).fileAt("/dump.elf"));
  assert.equal(pages.size, (RAM - MIB - (WINDOW.end - WINDOW.start)) / 4096);
  const text = new TextDecoder().decode(INFO);
  const medium = disk(60);
  const told = inB({
    medium,
    calls: [
      ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }],
      ["fs_write_small", { path: "/mnt/vmcoreinfo", text }],
      save,
    ],
  }, false);
  const filtered = pagesOf(volumeOn(told.medium, 17, 60).fileAt("/dump.elf"));
  assert.equal(filtered.size, 1 + FRAMES * 8 / 4096 + 1001);
});

Deno.test("save-image without room, or on a disk that fails, leaves no image and the power on", () => {
  const full = inB({ calls: [save], medium: disk(4) });
  assert.deepEqual(full.results, [1]);
  assert.match(
    full.printed().at(-1) ?? "",
    /^save-image: write_buffer: Can't write the dump file\(\/mnt\/dump.elf.part\). No space left/,
  );
  assert.deepEqual(full.facts("image").map(({ op }) => op), ["begin", "abort"]);
  const names = (run: KernelRun, mib: number) => saved(run, mib).list().map(({ path }) => path);
  assert.deepEqual(names(full, 4).filter((path) => path.includes("dump")), []);
  const badSectors = [{ sector: 17 * 2048 + 2000, count: 8, on: "write" as const }];
  const broken = inB({ calls: [save], badSectors });
  assert.deepEqual(broken.results, [1], broken.printed().join("\n"));
  assert.ok(!broken.printed().includes("OFF"));
  assert.deepEqual(broken.facts("image").map(({ op }) => op).filter((op) => op !== "page"), [
    "begin",
    "abort",
  ]);
  assert.deepEqual(names(broken, 40).filter((path) => path.includes("dump")), []);
  const lost = inB({ calls: [save], state: { commandLine: "root=/dev/ram0" } });
  assert.deepEqual(lost.results, [1]);
  assert.equal(lost.printed()[0], "save-image: no kexec_jump_back_entry= on the command line");
});

Deno.test("save-image in the place of an earlier image first takes that one's name away", () => {
  const first = inB({ calls: [save] });
  const second = inB({ calls: [save], medium: first.medium });
  assert.equal(second.printed().at(-2), "OFF");
  assert.deepEqual(
    saved(second).list().map(({ path }) => path).filter((path) => path.includes("dump")).toSorted(),
    ["/dump.elf", "/dump.elf.sum"],
  );
});

const restore = script("restore-image");
const inC = (medium: KernelPlan["medium"], ...argv: string[]) =>
  runKernel({
    medium,
    ramBytes: RAM,
    free: [{ pfn: 256, count: 3000 }],
    procedures: [POWER_OFF, KEXEC],
    calls: [argv.length === 0 ? restore : script("restore-image", ...argv)],
  });

Deno.test("restore-image loads the image, takes its name away for good, and enters", () => {
  const { medium } = inB({ calls: [save] });
  const run = inC(medium);
  assert.deepEqual(run.printed(), [
    `KEXEC kexec,-l,--args-none,--entry=${ENTRY},/mnt/dump.elf true`,
    "KEXEC kexec,-e false",
  ]);
  const files = saved(run);
  assert.equal(files.inodeAt("/dump.elf"), undefined);
  assert.ok(files.inodeAt("/dump.elf.used") !== undefined);
  const steps = run.events.flatMap(({ type, summary }) => {
    if (type === "fact.image") return [String(summary?.["op"])];
    if (type === "fact.flush" && summary?.["op"] === "done") return ["flushed"];
    return type === "fact.mount" ? ["mount"] : [];
  });
  assert.deepEqual(steps, ["mount", "check", "load", "invalidate", "flushed", "flushed"]);
  const again = inC(medium);
  assert.deepEqual(again.results, [1]);
  const message = "restore-image: no image: /mnt/dump.elf: No such file or directory";
  assert.deepEqual(again.printed(), [message]);
  assert.deepEqual(again.facts("image"), [{ k: "K", op: "check", id: "none" }]);
});

Deno.test("restore-image with a flipped bit loads nothing and leaves the image, unless told not to look", () => {
  const { medium } = inB({ calls: [save] });
  const files = volumeOn(medium, 17, 40);
  const stat = runKernel({
    medium,
    calls: [
      ["fs_mount", { path: "/mnt", partition: 3, readOnly: true }],
      ["fs_stat", { path: "/mnt/dump.elf" }],
    ],
  }).results[1];
  const extents = fieldOf(stat, "extents");
  const block = Number(fieldOf(Array.isArray(extents) ? extents[0] : null, "block"));
  const at = 17 * MIB + (block + 40) * 4096 + 9;
  const byte = new Uint8Array(1);
  medium.read(at, byte);
  medium.write(at, new Uint8Array([(byte[0] ?? 0) ^ 16]));
  const run = inC(medium);
  assert.deepEqual(run.results, [1]);
  assert.ok(run.printed().includes('DAMAGED [{"fileOffset":131072}]'), run.printed().join("\n"));
  assert.ok(!run.printed().some((line) => line.startsWith("KEXEC kexec,-e")));
  assert.equal(
    volumeOn(medium, 17, 40).inodeAt("/dump.elf")?.size,
    files.inodeAt("/dump.elf")?.size,
  );
  const blind = inC(medium, "--no-verify", "--no-invalidate");
  assert.equal(blind.printed().at(-1), "KEXEC kexec,-e false");
  assert.ok(volumeOn(medium, 17, 40).inodeAt("/dump.elf") !== undefined);
});

Deno.test("restore-image looks whether sums, entry and manifest belong together", () => {
  const damage = (path: string, text: string) => {
    const { medium } = inB({ calls: [save] });
    runKernel({
      medium,
      calls: [
        ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }],
        ["fs_write_small", { path: `/mnt/${path}`, text }],
        ["fs_unmount", { path: "/mnt" }],
      ],
    });
    const run = inC(medium);
    assert.deepEqual(run.results, [1]);
    return run.printed().at(-1) ?? "";
  };
  assert.match(damage("kexec_jump_back_entry", "0x1000\n"), /entry 0x1000 is not the one/);
  assert.match(damage("kexec_jump_back_entry", "nowhere\n"), /holds no address: 'nowhere'/);
  assert.match(damage("dump.elf.sum", `0 ${"00".repeat(32)}\n`), /dump\.elf\.sum has SHA-256 /);
  assert.match(damage("dump.elf.sum", "?\n"), /Invalid argument \(--no-verify/);
  assert.match(damage("manifest", "{}\n"), /manifest is missing or damaged/);
});

Deno.test("program:makedumpfile leaves out what its level says", () => {
  const pages = (level: string, note = true) => {
    const run = inB({
      medium: disk(60),
      calls: [
        ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }],
        script("makedumpfile", "-E", "-d", level, "/proc/vmcore", "/mnt/d"),
        ["fs_unmount", { path: "/mnt" }],
      ],
    }, note);
    assert.deepEqual(run.results, [0, 0, 0], run.printed().join("\n"));
    assert.equal(run.printed().at(-1), "makedumpfile Completed.");
    return pagesOf(saved(run, 60).fileAt("/d"));
  };
  const kernelPages = 1 + FRAMES * 8 / 4096;
  assert.equal(pages("16").size, kernelPages + 1001);
  assert.equal(pages("17").size, kernelPages + 1000);
  assert.ok(!pages("17").has(ZERO_PFN));
  assert.equal(pages("24").size, kernelPages);
  assert.equal(pages("0", false).size, (RAM - MIB - (WINDOW.end - WINDOW.start)) / 4096);
  assert.equal(pages("1").size, kernelPages + 1000, "free pages are zero in this memory");
});

Deno.test("program:makedumpfile says why it cannot, and exits with 1", () => {
  const mount: Call = ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }];
  const dump = (...words: string[]) => script("makedumpfile", ...words);
  const { results, printed } = inB({
    calls: [
      mount,
      dump("-d", "16", "/proc/vmcore", "/mnt/d"),
      dump("-d", "32", "/proc/vmcore", "/mnt/e"),
      dump("/proc/kcore", "/mnt/e"),
      dump("-i", "/mnt/none", "/proc/vmcore", "/mnt/e"),
    ],
  }, false);
  assert.deepEqual(results, [0, 1, 1, 1, 1]);
  const lines = printed();
  assert.ok(lines.includes("Specify '-x' option or '-i' option."));
  assert.ok(lines.includes("Commandline parameter is invalid."));
  assert.ok(lines.some((line) => line.includes("(/proc/kcore). No such file or directory")));
  assert.ok(lines.some((line) => line.includes("(/mnt/none). No such file or directory")));
  const twice = inB({
    calls: [
      mount,
      dump("-d", "31", "/proc/vmcore", "/mnt/d"),
      dump("-d", "31", "/proc/vmcore", "/mnt/d"),
      dump("-f", "-d", "31", "/proc/vmcore", "/mnt/d"),
    ],
  });
  assert.deepEqual(twice.results, [0, 0, 1, 0]);
  assert.ok(twice.printed().some((line) => line.includes("(/mnt/d). File exists")));
});

Deno.test("program:makedumpfile -g writes down what -i takes", () => {
  const page = emitNotes([vmcoreinfoNote(INFO)]);
  const run = runKernel({
    medium: disk(),
    fillRam: (ram) => ram.write(0x50_0000, page),
    free: [{ pfn: 2048, count: 2048 }],
    state: {
      layout: {
        text: { pfn: 256, count: 1 },
        memMap: 0,
        vmcoreinfo: 0x50_0000,
        context: 0,
        log: { pfn: 257, count: 1 },
        state: { pfn: 258, count: 1 },
        frameCount: FRAMES,
        pageTable: 0,
      },
    },
    calls: [
      script("mount", "/dev/sda3", "/mnt"),
      script("makedumpfile", "-g", "/mnt/vmcoreinfo", "-x", "vmlinux"),
      script("umount", "/mnt"),
      script("umount", "/mnt"),
      script("mount", "/dev/sda9", "/mnt"),
    ],
  });
  assert.deepEqual(run.results, [0, 0, 0, 32, 32]);
  assert.deepEqual(saved(run).fileAt("/vmcoreinfo"), INFO);
});

Deno.test("parseDumpCommand and jumpBackEntry read command lines", () => {
  assert.deepEqual(parseDumpCommand(["makedumpfile", "-c", "-d", "31", "/proc/vmcore", "f"]), {
    level: 31,
    force: false,
    files: ["/proc/vmcore", "f"],
  });
  for (const words of [["a"], ["-d"], ["-d", "x", "a", "b"], ["-q", "a", "b"], ["-g", "f"]]) {
    assert.equal(parseDumpCommand(["makedumpfile", ...words]), undefined, words.join(" "));
  }
  assert.equal(jumpBackEntry("a kexec_jump_back_entry=0x1f b"), "0x1f");
  assert.equal(jumpBackEntry("kexec_jump_back_entry=12"), undefined);
  assert.equal(jumpBackEntry("nokexec_jump_back_entry=0x1"), undefined);
});

Deno.test("a saved image is an ELF core that readelf reads, on a file system e2fsck likes", {
  ignore: !hasTool("readelf") || !hasTool("e2fsck"),
}, async () => {
  const run = inB({ calls: [save] });
  const directory = await Deno.makeTempDir();
  try {
    const bytes = new Uint8Array(40 * MIB);
    run.medium.read(17 * MIB, bytes);
    await Deno.writeFile(`${directory}/partition`, bytes);
    await Deno.writeFile(`${directory}/dump.elf`, saved(run).fileAt("/dump.elf"));
    const check = await runTool("e2fsck", ["-fn", `${directory}/partition`]);
    assert.equal(check.code, 0, check.stdout);
    const { code, stdout, stderr } = await runTool("readelf", ["-lW", `${directory}/dump.elf`]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(stdout.match(/^ {2}LOAD/gm)?.length, 5);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
