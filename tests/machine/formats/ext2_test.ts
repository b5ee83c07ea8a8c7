import assert from "node:assert/strict";
import { FormatError } from "../../../machine/errors.ts";
import {
  type BlockAccess,
  buildExt2,
  createFile,
  Ext2Error,
  type Ext2ErrorCode,
  Ext2Image,
  extentsOf,
  formatExt2,
  lookup,
  makeDirectory,
  mountExt2,
  readDirectory,
  readSuperblock,
  removeDirectory,
  rename,
  setSize,
  SparseBlocks,
  touch,
  unlink,
  unmountExt2,
  writeWhole,
} from "../../../machine/formats/ext2/mod.ts";
import { fromHex } from "../../../machine/digest.ts";
import { assertConsistent, freshVolume, TIME, UUID } from "./ext2_kit.ts";

const GIB = 1_073_741_824;

/** The first 136 bytes of a superblock that mke2fs 1.47.0 made (revision 0, 200 MiB). */
const MKE2FS = "00c8000000c80000000a0000b3c10000f5c70000000000000200000002000000" +
  "00800000008000000064000000000000f398006b0000ffff53ef010001000000" +
  "f398006b000000000000000000000000000000000b0000008000000000000000" +
  "00000000000000000ed7af308f0c4bfd86593618e6aff78768656c6c6f000000" +
  "0000000000000000";

function fails(code: Ext2ErrorCode, operation: () => unknown): void {
  assert.throws(operation, (error) => error instanceof Ext2Error && error.code === code);
}

function snapshot(access: SparseBlocks, blockCount: number): Uint8Array[] {
  return Array.from({ length: blockCount }, (_, block) => access.block(block).slice());
}

Deno.test("readSuperblock reads what mke2fs wrote", () => {
  const blocks = new SparseBlocks();
  blocks.block(0).set(fromHex(MKE2FS), 1024);
  const info = readSuperblock(blocks);
  assert.deepEqual({ ...info, uuid: 0 }, {
    blockCount: 51200,
    inodeCount: 51200,
    blocksPerGroup: 32768,
    inodesPerGroup: 25600,
    groups: 2,
    freeBlocks: 49587,
    freeInodes: 51189,
    revision: 0,
    state: 1,
    mountCount: 0,
    maxMountCount: -1,
    mountTime: 0,
    writeTime: 0x6b0098f3,
    checkTime: 0x6b0098f3,
    volumeName: "hello",
    uuid: 0,
    readOnlyCompatible: 0,
  });
});

Deno.test("mountExt2 refuses what is no ext2 of its kind, with FormatError only", () => {
  const cases: [number, number][] = [
    [1080, 0x00], // magic
    [1100, 2], // revision
    [1048, 0], // 1 KiB blocks
    [1044, 1], // first data block
    [1028, 4], // 4 blocks, by the two bytes below
    [1056, 3], // blocks per group
    [1064, 7], // inodes per group
    [1024, 1], // inode count
  ];
  for (const [at, value] of cases) {
    const disk = freshVolume(200);
    disk.block(0)[at] = value;
    assert.throws(() => mountExt2(disk, { time: TIME, readOnly: true }), FormatError, `${at}`);
  }
  for (const [at, value] of [[1112, 0], [1120, 2]] as const) {
    const disk = freshVolume(200);
    disk.block(0)[1100] = 1;
    disk.block(0)[at] = value;
    assert.throws(() => mountExt2(disk, { time: TIME, readOnly: true }), FormatError, `${at}`);
  }
  for (const at of [0, 4, 8]) {
    const disk = freshVolume(200);
    disk.block(1)[at + 1] = 1;
    assert.throws(() => mountExt2(disk, { time: TIME, readOnly: true }), FormatError, `${at}`);
  }
});

Deno.test("Ext2Image refuses an image truncated at every block, and every length of block 0", () => {
  const blocks = buildExt2({
    blockCount: 64,
    volumeName: "",
    uuid: UUID,
    time: TIME,
    files: [{ path: "/a", data: new Uint8Array(80_000).fill(7), mode: 0o644 }],
  });
  const image = new Uint8Array(64 * 4096);
  for (const { block, bytes } of blocks) image.set(bytes, block * 4096);
  const last = Math.max(...blocks.map(({ block }) => block));
  assert.equal(Ext2Image.of(image).fileAt("/a").length, 80_000);
  for (let block = 0; block <= last; block++) {
    assert.throws(() => Ext2Image.of(image.subarray(0, block * 4096)).fileAt("/a"), FormatError);
  }
  for (let length = 0; length < 4096; length++) {
    assert.throws(() => Ext2Image.of(image.subarray(0, length)).superblock(), FormatError);
  }
});

Deno.test("mountExt2 counts mounts and takes the mark of validity until unmountExt2", () => {
  const disk = freshVolume(200);
  const before = snapshot(disk, 200);
  assert.equal(mountExt2(disk, { time: TIME + 1, readOnly: true }).clean, true);
  assert.deepEqual(snapshot(disk, 200), before);
  assert.equal(mountExt2(disk, { time: TIME + 2, readOnly: false }).clean, true);
  const mounted = readSuperblock(disk);
  assert.deepEqual([mounted.state, mounted.mountCount, mounted.mountTime], [0, 1, TIME + 2]);
  assert.equal(mountExt2(disk, { time: TIME + 3, readOnly: false }).clean, false);
  unmountExt2(disk, { time: TIME + 4, wasClean: false });
  assert.equal(readSuperblock(disk).state, 0);
  unmountExt2(disk, { time: TIME + 5 });
  const after = readSuperblock(disk);
  assert.deepEqual([after.state, after.mountCount, after.writeTime], [1, 2, TIME + 5]);
  assert.equal(readSuperblock(freshVolume(200)).mountCount, 0);
});

Deno.test("mountExt2 writes no file system with features it does not know", () => {
  const disk = freshVolume(200);
  disk.block(0)[1100] = 1;
  disk.block(0)[1124] = 4;
  mountExt2(disk, { time: TIME, readOnly: true });
  fails("EROFS", () => mountExt2(disk, { time: TIME, readOnly: false }));
});

Deno.test("formatExt2 makes a consistent file system of any size", () => {
  for (const blockCount of [64, 100, 4096, 32768, 32769, 33_000, 3 * 32768 - 1]) {
    const disk = freshVolume(blockCount);
    assertConsistent(disk);
    const { blockCount: made, volumeName } = readSuperblock(disk);
    assert(made <= blockCount && made > blockCount - 300);
    assert.equal(volumeName, "test");
    assert.deepEqual(readDirectory(disk, "/"), [
      { name: ".", inode: 2 },
      { name: "..", inode: 2 },
      { name: "lost+found", inode: 11 },
    ]);
  }
  const fields = { volumeName: "", uuid: UUID, time: TIME };
  assert.throws(() => formatExt2({ ...fields, blockCount: 10 }), RangeError);
  assert.throws(() => formatExt2({ ...fields, blockCount: 0 }), RangeError);
  assert.throws(() => formatExt2({ ...fields, blockCount: 100, inodeCount: 9000 }), RangeError);
  const longName = { ...fields, blockCount: 100, volumeName: "seventeen letters" };
  assert.throws(() => formatExt2(longName), RangeError);
  assert.throws(() => formatExt2({ ...longName, volumeName: "", uuid: UUID.slice(1) }), RangeError);
});

Deno.test("createFile gives a file one run of blocks where there is one", () => {
  const disk = freshVolume(32_768);
  const { inode, extents } = createFile(disk, "/dump", {
    mode: 0o600,
    time: TIME,
    size: 80 * 4096 * 256,
  });
  assert.equal(extents.length, 1);
  assert.deepEqual([inode.mode, inode.size, inode.links], [0o100600, 80 * 4096 * 256, 1]);
  assert.equal(inode.blocks, 20_480 + 1 + 1 + 19);
  assert.deepEqual(extentsOf(disk, inode), extents);
  const first = extents[0]?.block ?? 0;
  const range = { fileBlock: 1030, count: 10 };
  assert.deepEqual(extentsOf(disk, inode, range), [{
    fileBlock: 1030,
    block: first + 1030,
    count: 10,
  }]);
  assert.deepEqual(extentsOf(disk, inode, { fileBlock: 20_480, count: 5 }), []);
  assertConsistent(disk);
});

Deno.test("createFile puts a file of several groups in one run for each group", () => {
  const disk = freshVolume(5 * 32_768);
  const size = 100_000 * 4096;
  const { inode, extents } = createFile(disk, "/dump", { mode: 0o600, time: TIME, size });
  assert.equal(extents.length, 4);
  assert.equal(extents.reduce((sum, { count }) => sum + count, 0), 100_000);
  assertConsistent(disk);
  setSize(disk, inode, 0, { time: TIME });
  assert.equal(lookup(disk, "/dump")?.blocks, 0);
  assertConsistent(disk);
});

Deno.test("setSize makes revision 0 revision 1 with the first file of 2 GiB, as Linux does", () => {
  const disk = freshVolume(40 * 32_768);
  const { inode } = createFile(disk, "/dump", { mode: 0o600, time: TIME, size: 2 * GIB - 1 });
  assert.equal(readSuperblock(disk).revision, 0);
  setSize(disk, inode, 2 * GIB, { time: TIME });
  const info = readSuperblock(disk);
  assert.deepEqual([info.revision, info.readOnlyCompatible], [1, 2]);
  const large = setSize(disk, inode, 4 * GIB + 100_000_001, { time: TIME }).inode;
  assert.equal(large.size, 4 * GIB + 100_000_001);
  assert.equal(lookup(disk, "/dump")?.size, 4 * GIB + 100_000_001);
  mountExt2(disk, { time: TIME, readOnly: false });
  const free = info.freeBlocks + Math.ceil((2 * GIB - 1) / 4096) + 512;
  unlink(disk, "/dump", { time: TIME });
  assert.equal(readSuperblock(disk).freeBlocks, free + 1);
});

Deno.test("unlink gives back exactly what createFile took", () => {
  const disk = freshVolume(4096);
  const { freeBlocks, freeInodes } = readSuperblock(disk);
  for (const blocks of [0, 1, 12, 13, 1036, 1037, 2500]) {
    createFile(disk, "/f", { mode: 0o600, time: TIME, size: blocks * 4096 });
    unlink(disk, "/f", { time: TIME + 1 });
    const info = readSuperblock(disk);
    assert.deepEqual([info.freeBlocks, info.freeInodes], [freeBlocks, freeInodes]);
  }
});

Deno.test("rename replaces an existing file in one operation and frees it", () => {
  const disk = freshVolume(400);
  const time = TIME;
  writeWhole(disk, "/dump.elf.part", new Uint8Array(9000).fill(1), { mode: 0o600, time });
  const { freeBlocks } = readSuperblock(disk);
  writeWhole(disk, "/dump.elf", new Uint8Array(90_000).fill(2), { mode: 0o600, time });
  disk.takeChanged();
  rename(disk, "/dump.elf.part", "/dump.elf", { time: TIME + 9 });
  assert.equal(lookup(disk, "/dump.elf.part"), undefined);
  assert.deepEqual(new Ext2Image(disk).fileAt("/dump.elf"), new Uint8Array(9000).fill(1));
  assert.equal(readSuperblock(disk).freeBlocks, freeBlocks);
  assert.equal(lookup(disk, "/dump.elf")?.changeTime, TIME + 9);
  assertConsistent(disk);
});

Deno.test("rename of a file to a new name changes three blocks only", () => {
  const disk = freshVolume(400);
  createFile(disk, "/dump.elf.part", { mode: 0o600, time: TIME, size: 500_000 });
  disk.takeChanged();
  rename(disk, "/dump.elf.part", "/dump.elf", { time: TIME });
  assert.equal(disk.takeChanged().length, 3); // superblock (write time), inode table, directory
  rename(disk, "/dump.elf", "/dump.elf", { time: TIME });
  assert.equal(disk.takeChanged().length, 0);
});

Deno.test("rename moves directories with their contents and their parents' links", () => {
  const disk = freshVolume(400);
  const options = { mode: 0o755, time: TIME };
  makeDirectory(disk, "/a", options);
  makeDirectory(disk, "/b", options);
  makeDirectory(disk, "/a/inner", options);
  createFile(disk, "/a/inner/file", options);
  rename(disk, "/a/inner", "/b/inner", { time: TIME });
  assertConsistent(disk);
  assert.equal(lookup(disk, "/b/inner/../inner/./file")?.links, 1);
  assert.equal(lookup(disk, "/b/inner/..")?.number, lookup(disk, "/b")?.number);
  rename(disk, "/b", "/a", { time: TIME });
  assertConsistent(disk);
  assert.equal(lookup(disk, "/a/inner/file")?.links, 1);
  fails("EINVAL", () => rename(disk, "/a", "/a/inner/below", { time: TIME }));
  assertConsistent(disk);
});

Deno.test("Operations fail with the errno of the case and change nothing", () => {
  const disk = freshVolume(300, 32);
  const at = { time: TIME };
  const options = { mode: 0o644, time: TIME };
  makeDirectory(disk, "/d", options);
  makeDirectory(disk, "/e", options);
  createFile(disk, "/d/f", options);
  createFile(disk, "/g", options);
  const before = snapshot(disk, 300);
  const long = `/${"n".repeat(256)}`;
  const cases: [Ext2ErrorCode, () => unknown][] = [
    ["EEXIST", () => createFile(disk, "/g", options)],
    ["EEXIST", () => createFile(disk, "/", options)],
    ["EEXIST", () => makeDirectory(disk, "/d", options)],
    ["ENOENT", () => createFile(disk, "/x/y", options)],
    ["ENOENT", () => unlink(disk, "/x", at)],
    ["ENOENT", () => rename(disk, "/x", "/y", at)],
    ["ENOENT", () => rename(disk, "/g", "/x/y", at)],
    ["ENOENT", () => readDirectory(disk, "/x")],
    ["ENOTDIR", () => createFile(disk, "/g/y", options)],
    ["ENOTDIR", () => lookup(disk, "/g/y")],
    ["ENOTDIR", () => readDirectory(disk, "/g")],
    ["ENOTDIR", () => removeDirectory(disk, "/g", at)],
    ["ENOTDIR", () => rename(disk, "/e", "/g", at)],
    ["EISDIR", () => unlink(disk, "/d", at)],
    ["EISDIR", () => rename(disk, "/g", "/e", at)],
    ["EISDIR", () => setSize(disk, { number: 2 }, 5, at)],
    ["ENOTEMPTY", () => removeDirectory(disk, "/d", at)],
    ["ENOTEMPTY", () => rename(disk, "/e", "/d", at)],
    ["EBUSY", () => removeDirectory(disk, "/", at)],
    ["EBUSY", () => rename(disk, "/", "/x", at)],
    ["EINVAL", () => unlink(disk, "/d/..", at)],
    ["EINVAL", () => createFile(disk, "/x", { ...options, size: -1 })],
    ["ENAMETOOLONG", () => createFile(disk, long, options)],
    ["ENAMETOOLONG", () => lookup(disk, long)],
    ["ENOSPC", () => createFile(disk, "/x", { ...options, size: 300 * 4096 })],
    ["EFBIG", () => createFile(disk, "/x", { ...options, size: 2 ** 52 })],
  ];
  for (const [code, operation] of cases) fails(code, operation);
  assert.deepEqual(snapshot(disk, 300), before);
  for (let index = 0; index < 17; index++) createFile(disk, `/h${index}`, options);
  fails("ENOSPC", () => createFile(disk, "/h17", options));
});

Deno.test("createFile fails with ENOSPC when only the indirect blocks have no room", () => {
  const disk = freshVolume(300, 32);
  const { freeBlocks } = readSuperblock(disk);
  const before = snapshot(disk, 300);
  const options = { mode: 0o644, time: TIME };
  fails("ENOSPC", () => createFile(disk, "/f", { ...options, size: freeBlocks * 4096 }));
  assert.deepEqual(snapshot(disk, 300), before);
  createFile(disk, "/f", { ...options, size: (freeBlocks - 1) * 4096 });
  assert.equal(readSuperblock(disk).freeBlocks, 0);
  assertConsistent(disk);
});

Deno.test("touch sets the times it is asked to", () => {
  const disk = freshVolume(300);
  const { inode } = createFile(disk, "/f", { mode: 0o644, time: TIME });
  const times = (access: BlockAccess) => {
    const now = lookup(access, "/f");
    return [now?.accessTime, now?.modificationTime, now?.changeTime];
  };
  touch(disk, inode, { time: TIME + 1, accessOnly: true });
  assert.deepEqual(times(disk), [TIME + 1, TIME, TIME]);
  touch(disk, inode, { time: TIME + 2 });
  assert.deepEqual(times(disk), [TIME + 2, TIME + 2, TIME + 2]);
});

Deno.test("buildExt2 holds the files it was given, with the directories on the way", () => {
  const data = Uint8Array.from({ length: 5_000_000 }, (_, index) => (index * 7) >> 3);
  const blocks = buildExt2({
    blockCount: 4096,
    volumeName: "boot",
    uuid: UUID,
    time: TIME,
    files: [
      { path: "/boot/vmlinuz", data, mode: 0o644 },
      { path: "/boot/grub/menu", data: data.subarray(0, 100), mode: 0o600 },
      { path: "/swap", size: 100_000, mode: 0o600 },
    ],
  });
  const image = new Uint8Array(4096 * 4096 + 512);
  for (const { block, bytes } of blocks) image.set(bytes, 512 + block * 4096);
  const volume = Ext2Image.of(image, 512);
  assertConsistent(volume.access);
  assert.deepEqual(volume.list().map(({ path }) => path), [
    "/lost+found",
    "/boot",
    "/boot/vmlinuz",
    "/boot/grub",
    "/boot/grub/menu",
    "/swap",
  ]);
  assert.deepEqual(volume.fileAt("/boot/vmlinuz"), data);
  assert.deepEqual(volume.fileAt("/swap"), new Uint8Array(100_000));
  assert.deepEqual(volume.readAt("/boot/vmlinuz", 4_990_000, 50_000), data.subarray(4_990_000));
  assert.deepEqual(volume.readAt("/boot/vmlinuz", 4095, 2), data.subarray(4095, 4097));
  fails("ENOENT", () => volume.fileAt("/nothing"));
  fails("EISDIR", () => volume.fileAt("/boot"));
});
