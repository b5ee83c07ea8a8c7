import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BlockAccess,
  buildExt2,
  createFile,
  Ext2Error,
  Ext2Image,
  type InitialisedBlock,
  makeDirectory,
  mountExt2,
  readDirectory,
  removeDirectory,
  rename,
  setSize,
  touch,
  unlink,
  unmountExt2,
  writeWhole,
} from "../../machine/formats/ext2/mod.ts";
import { diskLayout, diskSectorCount } from "../../machine/formats/disk_layout.ts";
import { emitMbr, parseMbr, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { freshVolume, TIME, UUID } from "../machine/formats/ext2_kit.ts";
import { HISTORY, perform } from "../machine/formats/ext2_model.ts";
import { hasTool, run } from "./tools.ts";

const withE2fsck = hasTool("e2fsck");
const withDebugfs = hasTool("debugfs");
const MIB = 1_048_576;

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed + (index >> 8)) & 0xff);
}

async function inTempDir(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "kjump-ext2-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function writeBlocks(
  path: string,
  blocks: readonly InitialisedBlock[],
  totalBytes: number,
  offsetBytes = 0,
): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  await file.truncate(totalBytes);
  for (const { block, bytes } of blocks) {
    await file.seek(offsetBytes + block * bytes.length, Deno.SeekMode.Start);
    await file.write(bytes);
  }
}

async function assertAccepted(image: string): Promise<void> {
  const { code, stdout, stderr } = await run("e2fsck", ["-fn", image]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}

/** A history of operations on a file system of so many blocks, and what e2fsck says of it. */
function history(
  name: string,
  { blockCount, inodeCount }: { blockCount: number; inodeCount?: number },
  steps: (access: BlockAccess) => void,
): void {
  Deno.test({
    name: `e2fsck accepts ${name}`,
    ignore: !withE2fsck,
    fn: () =>
      inTempDir(async (directory) => {
        const disk = freshVolume(blockCount, inodeCount);
        steps(disk);
        const image = `${directory}/image`;
        await writeBlocks(image, disk.takeChanged(), blockCount * 4096);
        await assertAccepted(image);
      }),
  });
}

history("a fresh file system of one group", { blockCount: 4096 }, () => {});
history("a fresh file system with a short last group", { blockCount: 2 * 32768 + 20 }, () => {});
history("a fresh file system of 200 groups", { blockCount: 200 * 32768 - 5 }, () => {});
history("a fresh file system with few inodes", { blockCount: 20_000, inodeCount: 12 }, () => {});

history("files of every depth of the block map", { blockCount: 3 * 32768 }, (access) => {
  const inodes = [0, 1, 12, 13, 1036, 1037, 5000, 60_000].map((blocks, index) => {
    const size = Math.max(0, blocks * 4096 - 3);
    return createFile(access, `/f${index}`, { mode: 0o644, time: TIME + 5, size }).inode;
  });
  const sizes = [[7, 1030 * 4096 + 1], [5, 5 * 4096], [5, 3000 * 4096]] as const;
  for (const [index, size] of sizes) {
    const inode = inodes[index];
    assert(inode !== undefined);
    setSize(access, inode, size, { time: TIME + 6 });
  }
  unlink(access, "/f4", { time: TIME + 8 });
});

history("a file of 6 GiB with a triple indirect block", { blockCount: 56 * 32768 }, (access) => {
  const size = 6 * 1024 * MIB + 17;
  const { inode } = createFile(access, "/dump.elf.part", { mode: 0o600, time: TIME + 5, size });
  setSize(access, inode, size - 1500 * MIB, { time: TIME + 6 });
  rename(access, "/dump.elf.part", "/dump.elf", { time: TIME + 6 });
});

history(
  "big directories, renames and removals",
  { blockCount: 8192, inodeCount: 3000 },
  (access) => {
    makeDirectory(access, "/big", { mode: 0o755, time: TIME + 1 });
    for (let index = 0; index < 1500; index++) {
      const path = `/big/a-name-that-takes-some-room-${index}`;
      createFile(access, path, { mode: 0o600, time: TIME + 2, size: index });
    }
    for (let index = 0; index < 1500; index += 3) {
      unlink(access, `/big/a-name-that-takes-some-room-${index}`, { time: TIME + 3 });
    }
    makeDirectory(access, "/other", { mode: 0o755, time: TIME + 4 });
    makeDirectory(access, "/other/inner", { mode: 0o700, time: TIME + 4 });
    makeDirectory(access, "/other/empty", { mode: 0o700, time: TIME + 4 });
    makeDirectory(access, "/gone", { mode: 0o700, time: TIME + 4 });
    rename(access, "/other/inner", "/big/inner", { time: TIME + 5 });
    rename(access, "/big/inner", "/other/empty", { time: TIME + 5 });
    rename(access, "/other/empty", "/inner", { time: TIME + 5 });
    removeDirectory(access, "/gone", { time: TIME + 6 });
    const name = "/big/a-name-that-takes-some-room-";
    rename(access, `${name}1`, `${name}2`, { time: TIME + 7 });
    rename(access, `${name}4`, "/inner/moved", { time: TIME + 7 });
    touch(access, { number: 2 }, { time: TIME + 8 });
  },
);

history("a disk that was filled and emptied in pieces", { blockCount: 33_000 }, (access) => {
  for (let index = 0; index < 60; index++) {
    createFile(access, `/p${index}`, { mode: 0o600, time: TIME + 1, size: 500 * 4096 });
  }
  for (let index = 0; index < 60; index += 2) unlink(access, `/p${index}`, { time: TIME + 2 });
  const size = 14_000 * 4096;
  const { extents } = createFile(access, "/scattered", { mode: 0o600, time: TIME + 3, size });
  assert(extents.length > 20);
  mountExt2(access, { time: TIME + 4, readOnly: false });
  unmountExt2(access, { time: TIME + 5 });
});

for (const [index, steps] of fc.sample(HISTORY, { seed: 20_261_120, numRuns: 12 }).entries()) {
  history(`random history ${index}`, { blockCount: 33_000, inodeCount: 64 }, (access) => {
    for (const step of steps) {
      try {
        perform(access, step, TIME + 1);
      } catch (error) {
        if (!(error instanceof Ext2Error)) throw error;
      }
    }
  });
}

Deno.test({
  name: "e2fsck accepts the copies of superblock and descriptors that formatExt2 made",
  ignore: !withE2fsck,
  fn: () =>
    inTempDir(async (directory) => {
      const image = `${directory}/image`;
      const blocks = freshVolume(3 * 32_768).takeChanged();
      await writeBlocks(image, blocks, 3 * 32_768 * 4096);
      for (const copy of ["32768", "65536"]) {
        const { code, stdout } = await run("e2fsck", ["-fn", "-b", copy, "-B", "4096", image]);
        assert.equal(code, 0, stdout);
      }
    }),
});

Deno.test({
  name: "dumpe2fs reads what mountExt2 wrote",
  ignore: !hasTool("dumpe2fs"),
  fn: () =>
    inTempDir(async (directory) => {
      const blocks = freshVolume(4096);
      mountExt2(blocks, { time: TIME + 60, readOnly: false });
      await writeBlocks(`${directory}/image`, blocks.takeChanged(), 4096 * 4096);
      const { stdout } = await run("dumpe2fs", ["-h", `${directory}/image`]);
      for (
        const line of [
          /Filesystem volume name: +test/,
          /Filesystem UUID: +a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf/,
          /Filesystem revision #: +0 /,
          /Filesystem features: +\(none\)/,
          /Filesystem state: +not clean/,
          /Mount count: +1\n/,
          /Maximum mount count: +-1\n/,
          /Block size: +4096/,
        ]
      ) assert.match(stdout, line);
    }),
});

Deno.test({
  name: "sfdisk, e2fsck and debugfs read a whole disk with files in its partitions",
  ignore: !withE2fsck || !withDebugfs || !hasTool("sfdisk"),
  fn: () =>
    inTempDir(async (directory) => {
      const image = `${directory}/disk`;
      const partitions = diskLayout({ memoryBytes: 64 * MIB });
      const sectorCount = diskSectorCount(partitions);
      const mbr = emitMbr({ diskSignature: 0x4b4a_0001, partitions });
      const small = pattern(70_001, 1);
      const large = pattern(5 * MIB + 5, 2);
      for (const partition of partitions.slice(0, 3)) {
        const blocks = buildExt2({
          blockCount: partition.sectorCount / 8,
          volumeName: "p",
          uuid: UUID,
          time: TIME,
          files: [
            { path: "/boot/kernel", data: small, mode: 0o644 },
            { path: "/boot/sub/large", data: large, mode: 0o600 },
            { path: "/zeros", size: 1_000_000, mode: 0o600 },
          ],
        });
        const total = sectorCount * SECTOR_BYTES;
        await writeBlocks(image, blocks, total, partition.firstSector * SECTOR_BYTES);
      }
      using file = await Deno.open(image, { write: true });
      await file.write(mbr);

      const dump = await run("sfdisk", ["-d", image]);
      assert.equal(dump.code, 0, dump.stderr);
      assert.match(dump.stdout, /label: dos\n/);
      assert.match(dump.stdout, /label-id: 0x4b4a0001\n/);
      const rows = [...dump.stdout.matchAll(/start= *(\d+), size= *(\d+), type=(\w+)(.*)/g)];
      assert.deepEqual(
        rows.map(([, start, size, type, rest]) => [Number(start), Number(size), type, rest]),
        partitions.map(({ bootable, type, firstSector, sectorCount }) => [
          firstSector,
          sectorCount,
          type.toString(16),
          bootable ? ", bootable" : "",
        ]),
      );
      const verify = await run("sfdisk", ["--verify", image]);
      assert.equal(verify.code, 0, verify.stdout + verify.stderr);
      assert.deepEqual(parseMbr(mbr).partitions, partitions);

      const whole = await Deno.readFile(image);
      for (const { firstSector } of partitions.slice(0, 3)) {
        const offset = firstSector * SECTOR_BYTES;
        const place = `${image}?offset=${offset}`;
        await assertAccepted(place);
        for (const [path, data] of [["/boot/kernel", small], ["/boot/sub/large", large]] as const) {
          const out = `${directory}/out`;
          await run("debugfs", ["-R", `dump ${path} ${out}`, place]);
          assert.deepEqual(await Deno.readFile(out), data);
          assert.deepEqual(Ext2Image.of(whole, offset).fileAt(path), data);
        }
      }
    }),
});

Deno.test({
  name: "debugfs finds the same inode, blocks and names as lookup, extentsOf and readDirectory",
  ignore: !withDebugfs,
  fn: () =>
    inTempDir(async (directory) => {
      const blocks = freshVolume(4096);
      const data = pattern(1500 * 4096 + 9, 7);
      const { inode, extents } = writeWhole(blocks, "/ünïcode", data, {
        mode: 0o640,
        time: TIME + 9,
      });
      const image = `${directory}/image`;
      await writeBlocks(image, blocks.takeChanged(), 4096 * 4096);
      const stat = await run("debugfs", ["-R", `stat <${inode.number}>`, image]);
      assert.match(stat.stdout, /Type: regular +Mode: +0640/);
      assert.match(stat.stdout, new RegExp(`Size: ${data.length}\n`));
      assert.match(stat.stdout, new RegExp(`Links: 1 +Blockcount: ${inode.blocks * 8}\n`));
      const listed = await run("debugfs", ["-R", `blocks <${inode.number}>`, image]);
      const mine = extents.flatMap(({ block, count }) =>
        Array.from({ length: count }, (_, index) => block + index)
      );
      const theirs = new Set(listed.stdout.trim().split(/\s+/).map(Number));
      assert.equal(theirs.size, inode.blocks);
      assert(mine.every((block) => theirs.has(block)));
      const names = await run("debugfs", ["-R", "ls -p /", image]);
      assert.match(names.stdout, new RegExp(`^/${inode.number}/100640/0/0/ünïcode/`, "m"));
    }),
});

Deno.test({
  name: "Ext2Image and the operations take a file system that mke2fs made",
  ignore: !withE2fsck || !hasTool("mke2fs"),
  fn: () =>
    inTempDir(async (directory) => {
      const source = `${directory}/source`;
      const image = `${directory}/image`;
      await Deno.mkdir(`${source}/sub`, { recursive: true });
      const data = pattern(3 * MIB + 1, 5);
      await Deno.writeFile(`${source}/sub/data`, data);
      const holes = new Uint8Array(6 * MIB);
      holes.set(pattern(5000, 6), 5 * MIB);
      await Deno.writeFile(`${source}/holes`, holes);
      const options = ["-q", "-F", "-t", "ext2", "-r", "0", "-b", "4096", "-d", source, image];
      const made = await run("mke2fs", [...options, "40000"]);
      assert.equal(made.code, 0, made.stderr);

      const bytes = await Deno.readFile(image);
      const volume = Ext2Image.of(bytes);
      assert.deepEqual(volume.fileAt("/sub/data"), data);
      assert.deepEqual(volume.fileAt("/holes"), holes);
      assert.deepEqual(
        volume.readAt("/holes", 5 * MIB - 7, 100),
        holes.slice(5 * MIB - 7).slice(0, 100),
      );
      const info = mountExt2(volume.access, { time: TIME, readOnly: false });
      assert.equal(info.clean, true);
      assert.equal(info.groups, 2);
      rename(volume.access, "/sub/data", "/holes", { time: TIME + 1 });
      writeWhole(volume.access, "/sub/new", data, { mode: 0o644, time: TIME + 1 });
      unmountExt2(volume.access, { time: TIME + 2 });
      await Deno.writeFile(image, bytes);
      await assertAccepted(image);
      assert.deepEqual(volume.fileAt("/holes"), data);
      const names = readDirectory(volume.access, "/sub").map(({ name }) => name);
      assert.deepEqual(names, [".", "..", "new"]);
    }),
});

Deno.test({
  name: "emitMbr writes the very table that sfdisk writes",
  ignore: !hasTool("sfdisk"),
  fn: () =>
    inTempDir(async (directory) => {
      for (const memoryBytes of [64 * MIB, 3 * 1024 * MIB, 16 * 1024 * MIB]) {
        const partitions = diskLayout({ memoryBytes });
        const script = partitions.map(({ bootable, type, firstSector, sectorCount }) => {
          const end = bootable ? ", bootable" : "";
          return `start=${firstSector}, size=${sectorCount}, type=${type.toString(16)}${end}\n`;
        });
        const head = "label: dos\nlabel-id: 0x12345678\n";
        await Deno.writeTextFile(`${directory}/script`, head + script.join(""));
        const image = `${directory}/disk`;
        await writeBlocks(image, [], diskSectorCount(partitions) * SECTOR_BYTES);
        const shell = 'sfdisk -q "$1" < "$2"';
        const made = await run("sh", ["-c", shell, "sh", image, `${directory}/script`]);
        assert.equal(made.code, 0, made.stderr);
        using file = await Deno.open(image);
        const sector = new Uint8Array(SECTOR_BYTES);
        await file.read(sector);
        assert.deepEqual(emitMbr({ diskSignature: 0x12345678, partitions }), sector);
      }
    }),
});
