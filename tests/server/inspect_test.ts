import { match, ok, strictEqual, throws } from "node:assert/strict";
import { writeDisk } from "../../actors/disk_image/build_disk.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { newDisk, type RunSettings } from "../../actors/scenario/mainline_run.ts";
import { syntheticKernel } from "../../actors/disk_image/synthetic_kernel.ts";
import { EM_386, parseElf } from "../../machine/formats/elf.ts";
import { emitNotes, emitVmcoreinfo, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { dumpLayout } from "../../machine/formats/vmcore.ts";
import { createDiskFile, FileMedium } from "../../machine/host/file_medium.ts";
import { DiskFile } from "../../server/terminal/disk_file.ts";
import { inspectFile } from "../../server/terminal/inspect.ts";
import type { Inspection } from "../../server/terminal/inspection.ts";
import { machineOnDisk } from "../../server/terminal/machine_disk.ts";
import { ScratchFolder } from "./terminal_kit.ts";

const MIB = 0x10_0000;
const TRACES = new URL("../../fixtures/traces/good/", import.meta.url).pathname;

/** The value of a row. */
function value({ sections }: Inspection, title: string, name: string): string {
  const row = sections.find((each) => each.title === title)?.rows.find(([each]) => each === name);
  ok(row !== undefined, `no '${name}' under '${title}'`);
  return row[1];
}

function settings(): RunSettings {
  const profile = kernelProfile("2.6.27");
  return {
    mainline: {
      part: "cycle",
      profile,
      window: profile.window,
      processes: 1,
      processPages: 1,
      payload: false,
      awayNs: 0,
      verify: true,
    },
    memoryBytes: 64 * MIB,
    cpus: 1,
    hardware: "small-vm",
    seed: 1,
    choices: [],
    seededOrder: false,
    realBaseUs: 1_795_132_800_000_000,
    brokenNetwork: false,
  };
}

function makeDisk(path: string): void {
  const build = newDisk(settings());
  createDiskFile(path, build.byteLength);
  const medium = new FileMedium(path);
  writeDisk(medium, build);
  medium.close();
}

function coreFile(): Uint8Array {
  const text = emitVmcoreinfo([["OSRELEASE", "2.6.27"], ["PAGESIZE", "4096"]]);
  const layout = dumpLayout({
    class: 32,
    machine: EM_386,
    note: emitNotes([vmcoreinfoNote(text)]),
    ranges: [{ start: MIB, end: MIB + 8192 }],
  });
  const bytes = new Uint8Array(layout.fileLength);
  bytes.set(layout.header);
  bytes.set(emitNotes([vmcoreinfoNote(text)]), layout.noteOffset);
  return bytes;
}

Deno.test("inspectFile tells an ELF core: headers, notes, VMCOREINFO", () => {
  using scratch = new ScratchFolder();
  const inspection = inspectFile(scratch.write("core", coreFile()));
  strictEqual(inspection.kind, "ELF memory image");
  match(inspection.about, /class 32 for Intel 80386, 8 KiB of memory in 1 segment$/);
  match(value(inspection, "Program headers", "LOAD"), /RWE offset 0x1000, physical 0x100000/);
  strictEqual(value(inspection, "VMCOREINFO", "OSRELEASE"), "2.6.27");
});

Deno.test("inspectFile refuses an ELF file that was cut anywhere", () => {
  using scratch = new ScratchFolder();
  const bytes = coreFile();
  strictEqual(parseElf(bytes).programs.length, 2);
  for (const length of [4, 20, 51, 52, 100, 300, 4096, bytes.length - 1]) {
    const path = scratch.write("cut", bytes.subarray(0, length));
    throws(() => inspectFile(path), { name: "UsageError", message: /'.*cut'.*truncated|at byte/ });
  }
});

Deno.test("inspectFile tells a disk: partitions, NVRAM, file systems, image", () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("disk.img");
  makeDisk(path);
  const inspection = inspectFile(path);
  strictEqual(inspection.kind, "disk image");
  match(value(inspection, "Partition table", "3"), /87 MiB .*: hibernating$/);
  strictEqual(value(inspection, "NVRAM", "machine"), "small-vm, 64 MiB, 1 processor");
  match(value(inspection, "NVRAM", "clock"), /^2026-11-20T00:00:00Z$/);
  strictEqual(value(inspection, "Partition 3, ext2", "state"), "clean, mounted 0 times");
  match(value(inspection, "Files of partition 2", "/boot/bzImage"), /bytes$/);
  strictEqual(value(inspection, "Memory image", "state"), "there is none");
  Deno.truncateSync(path, 100 * MIB);
  throws(() => inspectFile(path), { name: "UsageError", message: /truncated/ });
});

Deno.test("machineOnDisk reads machine and kernel profile, and refuses any other disk", () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("disk.img");
  makeDisk(path);
  const { nvram, profile } = machineOnDisk(path);
  strictEqual(nvram.memoryBytes, 64 * MIB);
  strictEqual(profile.name, "2.6.27");
  using disk = new DiskFile(path);
  const nvramAt = disk.partition(4).firstSector * 512;
  const file = Deno.openSync(path, { write: true });
  file.seekSync(nvramAt + 100, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(1));
  file.close();
  throws(() => machineOnDisk(path), { name: "UsageError", message: /Not a valid nvram/ });
  const other = scratch.write("other", new Uint8Array(4096));
  throws(() => machineOnDisk(other), { name: "UsageError", message: /no disk of a machine/ });
});

Deno.test("inspectFile tells a trace, whole or torn", () => {
  using scratch = new ScratchFolder();
  const path = `${TRACES}hibernate.ndjson`;
  const inspection = inspectFile(path);
  strictEqual(inspection.kind, "trace");
  strictEqual(value(inspection, "Header", "scenario"), "hibernate");
  strictEqual(value(inspection, "Facts", "resumed"), "1");
  match(value(inspection, "Footer", "SHA-256"), /^[0-9a-f]{64}, as the lines have$/);
  const text = Deno.readTextFileSync(path);
  const torn = scratch.write("torn", text.slice(0, text.length / 2));
  match(value(inspectFile(torn), "Footer", "missing"), /^no line feed \(line \d+\)$/);
});

Deno.test("inspectFile tells a bzImage with its stamp", () => {
  using scratch = new ScratchFolder();
  const bytes = syntheticKernel({
    arch: "x86_64",
    version: 6101,
    profile: "6.1-cured",
    release: "6.1.192",
  });
  const inspection = inspectFile(scratch.write("bzImage", bytes));
  strictEqual(inspection.kind, "bzImage");
  strictEqual(value(inspection, "Set-up header", "arch"), "x86_64");
  match(value(inspection, "Stamp", "program"), /6101/);
});

Deno.test("inspectFile refuses what it does not know, with how it begins", () => {
  using scratch = new ScratchFolder();
  const path = scratch.write("x", "hello");
  throws(() => inspectFile(path), { name: "UsageError", message: /begins with 68 65 6c 6c/ });
  const empty = scratch.write("e", "");
  throws(() => inspectFile(empty), { name: "UsageError", message: /it is empty/ });
  throws(() => inspectFile(scratch.file("none")), { message: /no such file/ });
  throws(() => inspectFile(scratch.path), { message: /no file|a folder/ });
});
