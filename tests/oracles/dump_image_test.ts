/**
 * Real tools look at what a real run left: the disk of a machine that hibernated, the image on it,
 * the ACPI tables in its RAM. The image's pages are compared with RAM at the jump, of which the
 * observer noted a CRC for every frame.
 */
import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { mainlineScript } from "../../actors/scenario/mainline.ts";
import { walkAcpi } from "../../machine/formats/acpi/walk.ts";
import { sha256 } from "../../machine/digest.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, parsePairRuns, parseRuns } from "../../machine/formats/page_runs.ts";
import { boot, classesAtJump, imageVolume, longText, until } from "../actors/kernel_hooks.ts";
import { bytesOf, facts, fieldsOf, type Run, runMainline, settingsOf } from "../runs/run_kit.ts";
import { hasTool, pythonWith, run as tool } from "./tools.ts";

const MEMORY_MIB = 64;
const SECTOR = 512;

interface Profile {
  readonly name: string;
  readonly memoryMiB: number;
  readonly kind: RegExp;
}

const PROFILES: readonly Profile[] = [
  { name: "2.6.27", memoryMiB: MEMORY_MIB, kind: /^ELF 32-bit LSB core file, Intel 80386/ },
  { name: "6.1-cured", memoryMiB: 512, kind: /^ELF 64-bit LSB core file, x86-64/ },
];

const runs = new Map<string, Run>();

/** A machine that hibernated, once for each profile. */
function hibernated({ name, memoryMiB }: Profile): Run {
  let found = runs.get(name);
  if (found === undefined) {
    found = runMainline({ part: "hibernate", profile: name, memoryMiB });
    strictEqual(found.outcome, "hibernated");
    runs.set(name, found);
  }
  return found;
}

function dumpOf(profile: Profile): Uint8Array {
  const { medium } = hibernated(profile);
  return imageVolume(bytesOf(medium), profile.memoryMiB).fileAt("/dump.elf");
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "kjump-dump-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function withDump(profile: Profile, use: (path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/dump.elf`, dumpOf(profile));
    await use(`${folder}/dump.elf`);
  });
}

/** A partition of a disk in a file of its own. */
async function writePartition(file: string, disk: Uint8Array, index: number): Promise<void> {
  const partition = diskLayout({ memoryBytes: MEMORY_MIB * 1024 ** 2 })[index];
  if (partition === undefined) throw new Error(`No partition ${index + 1}`);
  const start = partition.firstSector * SECTOR;
  await Deno.writeFile(file, disk.slice(start, start + partition.sectorCount * SECTOR));
}

/**
 * What each frame of the dump must hold: by its number, the CRC the observer noted at A's jump.
 * What stood in the window is in the image's source pages; frames that were free, and those the
 * jump itself writes, are left out.
 */
function expectedPages(profile: Profile): Map<number, number> {
  const run = hibernated(profile);
  const noted = facts(run.events, "frames").find(({ summary }) =>
    summary?.["k"] === "A" && summary["when"] === "jump"
  );
  const checksums = run.blobs.get(noted?.blob?.replace("sha256:", "") ?? "");
  const [kimage] = facts(run.events, "kimage");
  if (checksums === undefined || kimage === undefined) throw new Error("Nothing was noted");
  const view = new DataView(checksums.buffer, checksums.byteOffset);
  const classes = classesAtJump(run.events, run.blobs, "A");
  const origin = new Map<number, number>();
  for (const pair of parsePairRuns(longText(kimage, "pairs", run.blobs))) {
    for (let at = 0; at < pair.count; at++) origin.set(pair.source + at, pair.destination + at);
  }
  for (const name of ["control", "swap"]) {
    for (const { pfn, count } of parseRuns(String(kimage.summary?.[name]))) {
      for (let at = 0; at < count; at++) classes[pfn + at] = FRAME.free;
    }
  }
  const expected = new Map<number, number>();
  for (const { type, paddr, filesz } of parseElf(dumpOf(profile)).programs) {
    if (type !== PT_LOAD) continue;
    for (let at = paddr; at < paddr + filesz; at += PAGE_BYTES) {
      const pfn = at / PAGE_BYTES;
      const was = origin.get(pfn) ?? pfn;
      if (((classes[was] ?? FRAME.free) & FRAME.free) !== 0) continue;
      expected.set(pfn, view.getUint32(was * 4, true));
    }
  }
  return expected;
}

const KDUMPFILE_SCRIPT = `
import sys, zlib, kdumpfile
dump = kdumpfile.kdumpfile(sys.argv[1])
for address in sys.argv[2:]:
    print(zlib.crc32(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, int(address), 4096)))
`;

for (const profile of PROFILES) {
  Deno.test({
    name: `readelf and file see a core of few segments in the image of a ${profile.name} run`,
    ignore: !hasTool("readelf") || !hasTool("file"),
    fn: () =>
      withDump(profile, async (path) => {
        const { code, stdout, stderr } = await tool("readelf", ["-lnW", path]);
        deepStrictEqual([code, stderr], [0, ""]);
        const loads = stdout.match(/^ {2}LOAD /gm) ?? [];
        strictEqual(loads.length > 0 && loads.length <= 16, true, `${loads.length} LOADs`);
        strictEqual(stdout.match(/^ {2}NOTE /gm)?.length, 1);
        match(stdout, /VMCOREINFO +0x[0-9a-f]+/);
        match((await tool("file", ["-b", path])).stdout, profile.kind);
      }),
  });

  Deno.test({
    name: `eu-elflint complains only of the note's type in the image of a ${profile.name} run`,
    ignore: !hasTool("eu-elflint"),
    fn: () =>
      withDump(profile, async (path) => {
        const { stdout, stderr } = await tool("eu-elflint", [path]);
        const lines = (stdout + stderr).trim().split("\n");
        deepStrictEqual(lines.map((line) => line.replace(/ at offset [0-9]+$/, "")), [
          "phdr[0]: unknown core file note type 0",
        ]);
      }),
  });

  const python = pythonWith("kdumpfile");
  Deno.test({
    name:
      `libkdumpfile reads from the image what stood in RAM at the jump of a ${profile.name} run`,
    ignore: python === undefined,
    fn: () =>
      withDump(profile, async (path) => {
        const expected = [...expectedPages(profile)];
        strictEqual(expected.length > 1000, true);
        const step = Math.floor(expected.length / 50);
        const sample = expected.filter((_, index) => index % step === 0);
        strictEqual(sample.length >= 50, true);
        const addresses = sample.map(([pfn]) => String(pfn * PAGE_BYTES));
        const { code, stdout, stderr } = await tool(python ?? "", [
          "-c",
          KDUMPFILE_SCRIPT,
          path,
          ...addresses,
        ]);
        strictEqual(code, 0, stderr);
        deepStrictEqual(stdout.trim().split("\n").map(Number), sample.map(([, crc]) => crc));
      }),
  });
}

const [DEFAULT] = PROFILES;
if (DEFAULT === undefined) throw new Error("No profile");

/** What sfdisk -d says of each partition: start, size, type. */
function partitionLines(text: string): number[][] {
  const lines = text.matchAll(/start= *([0-9]+), size= *([0-9]+), type=([0-9a-f]+)/g);
  return [...lines].map(([, start = "", size = "", kind = ""]) => [
    Number(start),
    Number(size),
    parseInt(kind, 16),
  ]);
}

Deno.test({
  name: "sfdisk -d sees the four partitions of a disk that was hibernated on",
  ignore: !hasTool("/usr/sbin/sfdisk"),
  fn: () =>
    inFolder(async (folder) => {
      const file = `${folder}/disk`;
      await Deno.writeFile(file, bytesOf(hibernated(DEFAULT).medium));
      const { code, stdout, stderr } = await tool("/usr/sbin/sfdisk", ["-d", file]);
      strictEqual(code, 0, stderr);
      const layout = diskLayout({ memoryBytes: MEMORY_MIB * 1024 ** 2 });
      deepStrictEqual(
        partitionLines(stdout),
        layout.map(({ firstSector, sectorCount, type }) => [firstSector, sectorCount, type]),
      );
    }),
});

Deno.test({
  name: "e2fsck -fn finds no error in any partition of a disk that was hibernated on",
  ignore: !hasTool("/usr/sbin/e2fsck"),
  fn: () =>
    inFolder(async (folder) => {
      const disk = bytesOf(hibernated(DEFAULT).medium);
      for (const index of [0, 1, 2]) {
        const file = `${folder}/partition${index + 1}`;
        await writePartition(file, disk, index);
        const { code, stdout, stderr } = await tool("/usr/sbin/e2fsck", ["-fn", file]);
        strictEqual(code, 0, `partition ${index + 1}: ${stdout}${stderr}`);
        // A is only asleep, so its root is still mounted; the image's file system is not.
        const state = (await tool("/usr/sbin/e2fsck", ["-n", file])).stdout;
        match(state, index === 1 ? /not cleanly unmounted/ : /: clean, /);
      }
    }),
});

/** A file of the image's partition as debugfs gets it out, or what it said. */
async function debugfsDump(folder: string, disk: Uint8Array, path: string) {
  await writePartition(`${folder}/image`, disk, 2);
  const output = `${folder}/out`;
  const said = await tool("/usr/sbin/debugfs", ["-R", `dump ${path} ${output}`, `${folder}/image`]);
  try {
    return { bytes: await Deno.readFile(output), said: said.stderr };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { bytes: undefined, said: said.stderr };
  }
}

Deno.test({
  name: "debugfs gets the image out of the disk byte for byte, and its sums are those beside it",
  ignore: !hasTool("/usr/sbin/debugfs"),
  fn: () =>
    inFolder(async (folder) => {
      const disk = bytesOf(hibernated(DEFAULT).medium);
      const { bytes, said } = await debugfsDump(folder, disk, "/dump.elf");
      if (bytes === undefined) throw new Error(said);
      strictEqual(sha256(bytes), sha256(dumpOf(DEFAULT)));
      const list = (await debugfsDump(folder, disk, "/dump.elf.sum")).bytes;
      const sums = new TextDecoder().decode(list).match(/[0-9a-f]{64}/g) ?? [];
      strictEqual(sums.length, Math.ceil(bytes.length / 65_536));
      sums.forEach((sum, index) => {
        strictEqual(sha256(bytes.subarray(index * 65_536, (index + 1) * 65_536)), sum);
      });
    }),
});

/** The same hibernation with the power cut before an event, and nothing of the cache surviving. */
function cutBefore(at: number): Run {
  // With a script of his own the person does not try to resume afterwards.
  return runMainline({
    script: mainlineScript(settingsOf({ part: "hibernate" }).mainline),
    choices: [{ kind: "power_cut", at, durable: "none" }],
  });
}

Deno.test({
  name: "debugfs finds the whole image after a power cut behind its commit, and none before it",
  ignore: !hasTool("/usr/sbin/debugfs"),
  fn: () =>
    inFolder(async (folder) => {
      const { events } = hibernated(DEFAULT);
      const commit = events.findIndex(({ type, summary }) =>
        type === "fact.image" && summary?.["op"] === "commit"
      );
      const flushed = events.findIndex(({ type, summary }, index) =>
        index > commit && type === "fact.flush" && summary?.["op"] === "done"
      );
      const whole = await debugfsDump(
        folder,
        bytesOf(cutBefore((events[flushed]?.seq ?? 0) + 1).medium),
        "/dump.elf",
      );
      if (whole.bytes === undefined) throw new Error(whole.said);
      strictEqual(sha256(whole.bytes), sha256(dumpOf(DEFAULT)));
      await Deno.remove(`${folder}/out`);
      const none = await debugfsDump(
        folder,
        bytesOf(cutBefore(events[commit]?.seq ?? 0).medium),
        "/dump.elf",
      );
      strictEqual(none.bytes, undefined);
      match(none.said, /File not found/);
    }),
});

Deno.test({
  name: "iasl takes apart the ACPI tables that stand in the RAM of a running machine",
  ignore: !hasTool("iasl"),
  fn: () =>
    inFolder(async (folder) => {
      const run = runMainline({ script: [...boot("A"), ...until("A")] });
      const { ram } = run.scheduler;
      const found = walkAcpi((address, length) => ram.view(address, length));
      if (found === undefined) throw new Error("No tables in RAM");
      const names: string[] = [];
      const tables = [...found.tables, { signature: "DSDT", bytes: found.dsdt }];
      for (const { signature, bytes } of tables) {
        const file = `${folder}/${signature.toLowerCase()}.dat`;
        await Deno.writeFile(file, bytes.slice());
        const { code, stdout, stderr } = await tool("iasl", ["-d", file]);
        strictEqual(code, 0, `${signature}: ${stdout}${stderr}`);
        doesNotMatch(stdout + stderr, /checksum|invalid|\berror\b/i, signature);
        names.push(signature);
      }
      deepStrictEqual(names, ["FACP", "APIC", "DSDT"]);
      strictEqual(fieldsOf(run, "boot").length, 1);
    }),
});
