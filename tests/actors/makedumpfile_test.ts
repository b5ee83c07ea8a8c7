import assert from "node:assert/strict";
import { emitNotes, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { jumpBackEntry } from "../../actors/programs/save_image.ts";
import { parseDumpCommand } from "../../actors/programs/dump_command.ts";
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
      dump("-E", "-d", "16", "/proc/vmcore", "/mnt/d"),
      dump("-d", "32", "/proc/vmcore", "/mnt/e"),
      dump("/proc/kcore", "/mnt/e"),
      dump("-i", "/mnt/none", "/proc/vmcore", "/mnt/e"),
    ],
  }, false);
  assert.deepEqual(results, [0, 1, 1, 1, 1]);
  const lines = printed();
  assert.ok(lines.includes("Specify '-x' option or '-i' option."));
  assert.ok(lines.includes("Dump_level(32) is invalid."));
  assert.ok(lines.some((line) => line.includes("(/proc/kcore). No such file or directory")));
  assert.ok(lines.some((line) => line.includes("(/mnt/none). No such file or directory")));
  const twice = inB({
    calls: [
      mount,
      dump("-E", "-d", "31", "/proc/vmcore", "/mnt/d"),
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

const commandOf = (...words: string[]) => {
  const parsed = parseDumpCommand(["makedumpfile", ...words]);
  assert.ok("command" in parsed, JSON.stringify(parsed));
  return parsed.command;
};

Deno.test("parseDumpCommand and jumpBackEntry read command lines", () => {
  assert.deepEqual(commandOf("-c", "-d", "31", "/proc/vmcore", "f"), {
    level: 31,
    force: false,
    edit: false,
    messages: 7,
    compression: 1,
    files: ["/proc/vmcore", "f"],
  });
  assert.deepEqual(commandOf("-fld17", "a", "--message-level=16", "b"), {
    level: 17,
    force: true,
    edit: false,
    messages: 16,
    compression: 2,
    files: ["a", "b"],
  });
  assert.equal(commandOf("a", "b").compression, 0);
  assert.equal(commandOf("-E", "a", "b").compression, undefined);
  assert.equal(commandOf("--edit", "a", "b").compression, undefined);
  assert.deepEqual([commandOf("-z", "a", "b").disabled, commandOf("-p", "a", "b").disabled], [
    "-z",
    "-p",
  ]);
  assert.equal(commandOf("-d", "x", "a", "b").level, 0, "as atoi has it");
  assert.equal(jumpBackEntry("a kexec_jump_back_entry=0x1f b"), "0x1f");
  assert.equal(jumpBackEntry("kexec_jump_back_entry=12"), undefined);
  assert.equal(jumpBackEntry("nokexec_jump_back_entry=0x1"), undefined);
});

Deno.test("parseDumpCommand says what is wrong as getopt and the tool do", () => {
  const invalid = "Commandline parameter is invalid.";
  const cases: readonly [string, string][] = [
    ["a", invalid],
    ["-g f", invalid],
    ["-c -E a b", invalid],
    ["-c -l a b", invalid],
    ["a b c", invalid],
    ["-Q a b", "makedumpfile: invalid option -- 'Q'"],
    ["--split a b", "makedumpfile: unrecognized option '--split'"],
    ["a b -d", "makedumpfile: option requires an argument -- 'd'"],
    ["-d 32 a b", "Dump_level(32) is invalid."],
    ["-d -1 a b", "Dump_level(-1) is invalid."],
    ["--message-level 32 a b", "Message_level(32) is invalid."],
  ];
  for (const [line, first] of cases) {
    const parsed = parseDumpCommand(["makedumpfile", ...line.split(" ")]);
    assert.ok("complaints" in parsed, line);
    assert.equal(parsed.complaints[0], first, line);
  }
});
