import assert from "node:assert/strict";
import { emitNotes, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { jumpBackEntry } from "../../actors/programs/save_image.ts";
import { parseDumpCommand } from "../../actors/programs/makedumpfile.ts";
import { type Call, runKernel } from "./kernel_kit.ts";
import {
  disk,
  FRAMES,
  inB,
  INFO,
  pagesOf,
  RAM,
  saved,
  script,
  WINDOW,
  ZERO_PFN,
} from "./image_kit.ts";

const MIB = 1024 ** 2;

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
    edit: false,
    files: ["/proc/vmcore", "f"],
  });
  for (const words of [["a"], ["-d"], ["-d", "x", "a", "b"], ["-q", "a", "b"], ["-g", "f"]]) {
    assert.equal(parseDumpCommand(["makedumpfile", ...words]), undefined, words.join(" "));
  }
  assert.equal(jumpBackEntry("a kexec_jump_back_entry=0x1f b"), "0x1f");
  assert.equal(jumpBackEntry("kexec_jump_back_entry=12"), undefined);
  assert.equal(jumpBackEntry("nokexec_jump_back_entry=0x1"), undefined);
});
