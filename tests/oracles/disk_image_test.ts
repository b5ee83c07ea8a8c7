import assert from "node:assert/strict";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { buildAcpiTables } from "../../machine/formats/acpi/build.ts";
import { acpiMachine, HARDWARE_PROFILES, hardwareProfile } from "../../machine/hardware_profile.ts";
import { mediumOf, MEMORY_BYTES } from "../actors/fresh_disk.ts";
import { hasTool, run } from "./tools.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "kjump-disk-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The bytes of a fresh disk, in memory that is not shared. */
function freshDisk(): Uint8Array {
  const { store } = mediumOf();
  return store.view(0, store.byteLength).slice();
}

Deno.test({
  name: "sfdisk sees the partitions that buildDisk made",
  ignore: !hasTool("/usr/sbin/sfdisk"),
  fn: () =>
    inFolder(async (folder) => {
      const file = `${folder}/disk`;
      await Deno.writeFile(file, freshDisk());
      const { code, stdout, stderr } = await run("/usr/sbin/sfdisk", ["--json", file]);
      assert.equal(code, 0, stderr);
      const { partitiontable } = JSON.parse(stdout);
      assert.equal(partitiontable.id, "0x6b6a0001");
      const found = partitiontable.partitions.map(
        (entry: Record<string, unknown>) => [entry["start"], entry["size"], entry["type"]],
      );
      const wanted = diskLayout({ memoryBytes: MEMORY_BYTES }).map(
        ({ firstSector, sectorCount, type }) => [firstSector, sectorCount, type.toString(16)],
      );
      assert.deepEqual(found, wanted);
      const verified = await run("/usr/sbin/sfdisk", ["--verify", file]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    }),
});

for (const [index, name] of ["boot", "root", "hibernate"].entries()) {
  Deno.test({
    name: `e2fsck has nothing to say against the ${name} partition of a fresh disk`,
    ignore: !hasTool("/usr/sbin/e2fsck"),
    fn: () =>
      inFolder(async (folder) => {
        const partition = diskLayout({ memoryBytes: MEMORY_BYTES })[index];
        assert.ok(partition !== undefined);
        const disk = freshDisk();
        const start = partition.firstSector * 512;
        const file = `${folder}/partition`;
        await Deno.writeFile(file, disk.subarray(start, start + partition.sectorCount * 512));
        const { code, stdout, stderr } = await run("/usr/sbin/e2fsck", ["-fn", file]);
        assert.equal(code, 0, stdout + stderr);
        assert.equal(Ext2Image.of(disk, start).superblock().volumeName, name);
      }),
  });
}

for (const name of Object.keys(HARDWARE_PROFILES)) {
  Deno.test({
    name: `iasl reads the tables of the ${name}`,
    ignore: !hasTool("iasl"),
    fn: () =>
      inFolder(async (folder) => {
        const { memoryBytes, cpus } = hardwareProfile(name);
        const size = { hardwareProfile: name, memoryBytes, cpuCount: cpus };
        const tables = buildAcpiTables(acpiMachine(size, 0x1234_5678));
        for (const table of tables.filter((candidate) => candidate.name !== "RSDP")) {
          const file = `${folder}/${table.name}.aml`;
          await Deno.writeFile(file, table.bytes);
          const { code, stdout, stderr } = await run("iasl", ["-d", file]);
          assert.equal(code, 0, stdout + stderr);
          assert.doesNotMatch(stdout + stderr, /checksum|invalid/i, table.name);
        }
      }),
  });
}
