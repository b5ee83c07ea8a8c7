import assert from "node:assert/strict";
import { emitEbrs, partitionsOf } from "../../machine/formats/ebr.ts";
import {
  diskLayout,
  diskSectorCount,
  logicalLayout,
  WORKSHOP_PARTITION,
} from "../../machine/formats/disk_layout.ts";
import { emitMbr, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { buildDisk } from "../../actors/disk_image/build_disk.ts";
import { SOURCE } from "../actors/fresh_disk.ts";
import { hasTool, run } from "./tools.ts";

const BASIS = { memoryBytes: SOURCE.memoryBytes, layout: "workshop" } as const;
const ALL = [...diskLayout(BASIS), ...logicalLayout(BASIS)];

/** The workshop's disk as a sparse file in a folder that is removed. */
async function withDisk(use: (path: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/disk.img`;
    const { byteLength, writes } = buildDisk({ ...SOURCE, layout: "workshop" });
    using file = await Deno.open(path, { create: true, read: true, write: true });
    await file.truncate(byteLength);
    for (const { offset, bytes } of writes) {
      await file.seek(offset, Deno.SeekMode.Start);
      await file.write(bytes);
    }
    await use(path, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function sectorOf(path: string, sector: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(sector * SECTOR_BYTES, Deno.SeekMode.Start);
  const bytes = new Uint8Array(SECTOR_BYTES);
  await file.read(bytes);
  return bytes;
}

Deno.test({
  name: "sfdisk writes the workshop's tables as we do, byte for byte",
  ignore: !hasTool("sfdisk"),
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      const path = `${directory}/disk.img`;
      const script = [
        "label: dos",
        "label-id: 0x6b6a0001",
        "unit: sectors",
        ...ALL.map(({ bootable, type, firstSector, sectorCount }, index) =>
          `${index + 1} : start=${firstSector}, size=${sectorCount}, type=${type.toString(16)}` +
          (bootable ? ", bootable" : "")
        ),
      ].join("\n");
      await Deno.writeTextFile(`${directory}/script`, `${script}\n`);
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, diskSectorCount(ALL) * SECTOR_BYTES);
      const made = await run("sh", ["-c", `sfdisk --no-reread "${path}" < "${directory}/script"`]);
      assert.equal(made.code, 0, made.stderr);
      const [, , extended] = ALL;
      assert(extended !== undefined);
      const partitions = diskLayout(BASIS);
      const mbr = emitMbr({ diskSignature: 0x6b6a_0001, partitions });
      assert.deepEqual((await sectorOf(path, 0)).slice(440), mbr.slice(440));
      for (const { sector, bytes } of emitEbrs(extended, logicalLayout(BASIS))) {
        assert.deepEqual(await sectorOf(path, sector), bytes);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "sfdisk and file read the disk buildDisk makes in the workshop layout",
  ignore: !hasTool("sfdisk") || !hasTool("file") || !hasTool("dd"),
  fn: () =>
    withDisk(async (path, directory) => {
      const verify = await run("sfdisk", ["--verify", path]);
      assert.equal(verify.code, 0, verify.stdout + verify.stderr);
      const dump = JSON.parse((await run("sfdisk", ["--json", path])).stdout);
      assert.deepEqual(
        dump.partitiontable.partitions.map((
          { start, size, type }: { start: number; size: number; type: string },
        ) => [start, size, Number.parseInt(type, 16)]),
        ALL.map(({ firstSector, sectorCount, type }) => [firstSector, sectorCount, type]),
      );
      using file = Deno.openSync(path);
      const found = partitionsOf((sector) => {
        const bytes = new Uint8Array(SECTOR_BYTES);
        file.seekSync(sector * SECTOR_BYTES, Deno.SeekMode.Start);
        file.readSync(bytes);
        return bytes;
      });
      assert.deepEqual([...found.values()], ALL);
      const swap = found.get(WORKSHOP_PARTITION.swap);
      assert(swap !== undefined);
      const area = `${directory}/swap.img`;
      await run("dd", [
        `if=${path}`,
        `of=${area}`,
        "bs=1M",
        "conv=sparse",
        `skip=${swap.firstSector / 2048}`,
        `count=${swap.sectorCount / 2048}`,
      ]);
      const said = (await run("file", ["-b", area])).stdout;
      assert.match(said, /Linux swap file, 4k page size, little endian, version 1, size \d+ pages/);
      assert.match(said, /, 0 bad pages, LABEL=swap, UUID=[0-9a-f-]{36}/);
      if (hasTool("swaplabel")) {
        assert.match((await run("swaplabel", [area])).stdout, /LABEL: swap\nUUID: +[0-9a-f-]{36}/);
      }
      if (hasTool("blkid")) {
        const { stdout } = await run("blkid", ["-p", area]);
        assert.match(stdout, /LABEL="swap".* VERSION="1" TYPE="swap"/);
      }
    }),
});
