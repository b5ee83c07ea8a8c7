import assert from "node:assert/strict";
import { buildDisk, DISK_PATHS, writeDisk } from "../../actors/disk_image/build_disk.ts";
import { bootLoaderCode } from "../../actors/disk_image/loader_program.ts";
import { syntheticInitramfs } from "../../actors/disk_image/synthetic_initramfs.ts";
import { syntheticKernel } from "../../actors/disk_image/synthetic_kernel.ts";
import { sha256 } from "../../machine/digest.ts";
import { parseBzImage } from "../../machine/formats/bzimage.ts";
import { parseCpio } from "../../machine/formats/cpio.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { parseMbr } from "../../machine/formats/mbr.ts";
import { NVRAM_BYTES, parseNvram } from "../../machine/formats/nvram.ts";
import { parseStamp, verifyStamp } from "../../machine/formats/stamp.ts";
import { hardwareSignature } from "../../machine/hardware_profile.ts";
import { blankMedium } from "./bench.ts";
import { INITRAMFS, KERNEL, mediumOf, MEMORY_BYTES, REAL_SECONDS, SOURCE } from "./fresh_disk.ts";

const PARTITIONS = diskLayout({ memoryBytes: MEMORY_BYTES });

function partitionStart(index: number): number {
  return (PARTITIONS[index]?.firstSector ?? 0) * 512;
}

Deno.test("buildDisk gives a disk with boot loader, files, an empty partition and settings", () => {
  const { store } = mediumOf();
  const disk = store.view(0, store.byteLength);
  const mbr = parseMbr(disk);
  assert.deepEqual(mbr.partitions, PARTITIONS);
  assert.equal(mbr.diskSignature, SOURCE.diskSignature);
  assert.deepEqual(mbr.bootCode, bootLoaderCode());
  const boot = Ext2Image.of(disk, partitionStart(0));
  assert.deepEqual(boot.fileAt(DISK_PATHS.boot.kernel), KERNEL);
  assert.deepEqual(boot.fileAt(DISK_PATHS.boot.initrd), INITRAMFS);
  const root = Ext2Image.of(disk, partitionStart(1));
  assert.deepEqual(root.fileAt(DISK_PATHS.root.kernel), KERNEL);
  assert.equal(new TextDecoder().decode(root.fileAt("/etc/motd")), "welcome\n");
  assert.equal((root.inodeAt("/etc/motd")?.mode ?? 0) & 0o777, 0o600);
  const hibernate = Ext2Image.of(disk, partitionStart(2));
  assert.equal(hibernate.superblock().volumeName, "hibernate");
  assert.deepEqual(hibernate.list().map(({ path }) => path), ["/lost+found"]);
  const nvram = parseNvram(disk.slice(partitionStart(3), partitionStart(3) + NVRAM_BYTES));
  assert.equal(nvram?.rtcSeconds, REAL_SECONDS);
  assert.equal(nvram?.hardwareSignature, hardwareSignature(SOURCE));
});

Deno.test("buildDisk gives the same bytes for the same source, and others for another seed", () => {
  const digest = (seed: number) => {
    const { store } = mediumOf(buildDisk({ ...SOURCE, seed }));
    return sha256(store.view(0, store.byteLength));
  };
  const first = digest(1);
  assert.equal(digest(1), first);
  assert.notEqual(digest(2), first);
});

Deno.test("buildDisk names the partition that is too small", () => {
  const bzImage = new Uint8Array(17 * 1024 ** 2);
  const build = buildDisk({ ...SOURCE, kernelBytes: { bzImage, initramfs: INITRAMFS } });
  assert.throws(() => [...build.writes], {
    name: "UsageError",
    message: /^Cannot fill partition 'boot': ENOSPC/,
  });
});

Deno.test("writeDisk refuses a medium that is too small", () => {
  assert.throws(() => writeDisk(blankMedium(), buildDisk(SOURCE)), { name: "UsageError" });
});

Deno.test("syntheticKernel is the same for the same version, and says which it is", () => {
  const again = syntheticKernel({ arch: "i386", version: 2627, profile: "2.6.27" });
  assert.deepEqual(again, KERNEL);
  const info = parseBzImage(KERNEL);
  assert.equal(info.arch, "i386");
  assert.equal(info.protocolVersion, 0x0209);
  assert.match(info.kernelVersion, /^2\.6\.27 /);
  const body = KERNEL.slice(info.setupBytes);
  const stamp = parseStamp(body);
  assert.equal(stamp?.version, 2627);
  assert.ok(stamp !== undefined && verifyStamp(stamp, body.slice(64)));
  const other = syntheticKernel({ arch: "i386", version: 2628, profile: "2.6.27" });
  assert.notDeepEqual(other.slice(-1000), KERNEL.slice(-1000));
});

Deno.test("syntheticInitramfs has the programs a hibernation needs", () => {
  const entries = parseCpio(syntheticInitramfs());
  const paths = entries.map(({ path }) => path);
  for (const path of ["init", "bin/kexec", "bin/makedumpfile", "bin/krestore"]) {
    assert.ok(paths.includes(path), path);
  }
  const init = entries.find(({ path }) => path === "init");
  assert.equal(init?.mode, 0o100755);
  const bytes = syntheticInitramfs().length;
  assert.ok(bytes > 200_000 && bytes < 300_000, `${bytes} bytes`);
});

Deno.test("bootLoaderCode fits the boot sector and carries a stamp", () => {
  const code = bootLoaderCode();
  assert.equal(code.length, 440);
  const stamp = parseStamp(code);
  assert.equal(stamp?.kind, 1);
  assert.ok(stamp !== undefined && verifyStamp(stamp, code.slice(64, 64 + stamp.length)));
});
