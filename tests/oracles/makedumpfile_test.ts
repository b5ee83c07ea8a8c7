/**
 * Real tools look at what makedumpfile in the machine left on its disk: debugfs takes the files
 * from the file system, libkdumpfile and file read them, and Debian's makedumpfile makes a dump of
 * our ELF core, which our reader reads.
 *
 * Debian's makedumpfile does not take a core with our VMCOREINFO: it looks for the kernel's version
 * in memory, by SYMBOL(init_uts_ns) through the page tables of SYMBOL(swapper_pg_dir), and our
 * kernels have neither (mem_map.ts). With the note's name changed it works without the kernel's
 * help, at the levels 0 and 1. It is no judge of a kdump file without such a note: it crashes on
 * its own, too.
 */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { diskLayout, PARTITION } from "../../machine/formats/disk_layout.ts";
import { SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { pagesOf } from "../actors/image_kit.ts";
import { readKdump } from "../actors/kdump_kit.ts";
import { fileOn } from "../runs/dump_kit.ts";
import { dumpAll } from "../runs/makedumpfile_kit.ts";
import { bytesOf, type Run } from "../runs/run_kit.ts";
import { hasTool, pythonWith, run as tool } from "./tools.ts";

const DEBUGFS = "/usr/sbin/debugfs";
const PROFILES = [["2.6.27", 64, "ia32"], ["6.1-cured", 256, "x86_64"]] as const;
const runs = new Map<string, Run>();

function dumped(profile: string, memoryMiB: number): Run {
  const run = runs.get(profile) ?? dumpAll(profile, memoryMiB);
  runs.set(profile, run);
  return run;
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "kjump-makedumpfile-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Files of the hibernating partition as debugfs has them. */
async function extract(folder: string, run: Run, memoryMiB: number, names: readonly string[]) {
  const partition = diskLayout({ memoryBytes: memoryMiB * 1024 ** 2 })[PARTITION.hibernating - 1];
  assert.ok(partition !== undefined);
  const start = partition.firstSector * SECTOR_BYTES;
  const volume = bytesOf(run.medium).subarray(start, start + partition.sectorCount * SECTOR_BYTES);
  await Deno.writeFile(`${folder}/volume`, volume);
  for (const name of names) {
    const request = `dump /${name} ${folder}/${name}`;
    const { code, stderr } = await tool(DEBUGFS, ["-R", request, `${folder}/volume`]);
    assert.equal(code, 0, stderr);
  }
}

const READER = `
import kdumpfile, sys, zlib
dump = kdumpfile.kdumpfile(sys.argv[1])
print(dump.attr["file.format"], dump.attr["arch.name"], dump.attr["linux.uts.release"])
print(dump.attr["linux.vmcoreinfo.lines.OSRELEASE"])
for line in open(sys.argv[2]):
    print(zlib.crc32(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, int(line), 4096)))
`;

const python = pythonWith("kdumpfile");
for (const [profile, memoryMiB, arch] of PROFILES) {
  Deno.test({
    name: `libkdumpfile reads A's pages from the files makedumpfile of ${profile} wrote`,
    ignore: python === undefined || !hasTool(DEBUGFS),
    fn: () =>
      inFolder(async (folder) => {
        const run = dumped(profile, memoryMiB);
        const names = ["d16.kdump", "d16z.kdump", "d16l.kdump"];
        await extract(folder, run, memoryMiB, names);
        const pages = [...pagesOf(fileOn(run, memoryMiB, "/d16.elf"))];
        const addresses = pages.map(([pfn]) => `${pfn * 4096}\n`).join("");
        await Deno.writeTextFile(`${folder}/addresses`, addresses);
        const sums = pages.map(([, page]) => String(crc32(page)));
        for (const name of names) {
          const args = ["-c", READER, `${folder}/${name}`, `${folder}/addresses`];
          const { code, stdout, stderr } = await tool(python ?? "", args);
          assert.equal(code, 0, stderr);
          const [about, release, ...found] = stdout.trim().split("\n");
          assert.equal(about, `diskdump ${arch} ${release}`);
          assert.ok(profile.startsWith(release?.split(".").slice(0, 2).join(".") ?? "?"));
          assert.deepEqual(found, sums, name);
        }
      }),
  });
}

Deno.test({
  name: "file knows what makedumpfile in the machine wrote",
  ignore: !hasTool("file") || !hasTool(DEBUGFS),
  fn: () =>
    inFolder(async (folder) => {
      const [profile, memoryMiB] = PROFILES[0];
      await extract(folder, dumped(profile, memoryMiB), memoryMiB, ["d16z.kdump"]);
      const { stdout } = await tool("file", ["-b", `${folder}/d16z.kdump`]);
      assert.match(stdout, /^Kdump compressed dump v6, system Linux, node A, release 2\.6\.27/);
    }),
});

for (const [profile, memoryMiB] of PROFILES) {
  Deno.test({
    name: `Debian's makedumpfile dumps the core of ${profile} as makedumpfile in the machine does`,
    ignore: !hasTool("makedumpfile"),
    fn: () =>
      inFolder(async (folder) => {
        const run = dumped(profile, memoryMiB);
        const core = fileOn(run, memoryMiB, "/d16.elf");
        const name = new TextEncoder().encode("VMCOREINFO\0");
        const at = core.findIndex((_, index) =>
          index < 8192 && name.every((byte, offset) => core[index + offset] === byte)
        );
        assert.ok(at > 0);
        core[at] = 0x58;
        await Deno.writeFile(`${folder}/core`, core);
        for (const [option, ours] of [["-c", "/d16z.kdump"], ["-l", "/d16l.kdump"]] as const) {
          const path = `${folder}/${option}`;
          const args = [option, "-d", "0", `${folder}/core`, path];
          const { code, stderr } = await tool("makedumpfile", args);
          assert.equal(code, 0, stderr);
          const theirs = readKdump(await Deno.readFile(path));
          const mine = readKdump(fileOn(run, memoryMiB, ours));
          assert.deepEqual(theirs.pages, mine.pages);
          for (const field of ["version", "status", "blockBytes", "maxPfn"] as const) {
            assert.deepEqual(theirs.header[field], mine.header[field], field);
          }
          // Theirs runs on 64 bits and writes its own width, whatever the core's is.
          assert.equal(theirs.header.notes.length, mine.header.notes.length);
        }
      }),
  });
}
