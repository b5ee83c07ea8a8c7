import assert from "node:assert/strict";
import { buildDisk } from "../../actors/disk_image/build_disk.ts";
import { DiskFile } from "../../server/terminal/disk_file.ts";
import { inspectDisk } from "../../server/terminal/inspect_disk.ts";
import { SOURCE } from "../actors/fresh_disk.ts";

Deno.test("inspectDisk shows the workshop's logical partitions and its swap area", async () => {
  const path = await Deno.makeTempFile();
  try {
    const { byteLength, writes } = buildDisk({ ...SOURCE, layout: "workshop" });
    using file = await Deno.open(path, { write: true });
    await file.truncate(byteLength);
    for (const { offset, bytes } of writes) {
      await file.seek(offset, Deno.SeekMode.Start);
      await file.write(bytes);
    }
    using disk = new DiskFile(path);
    const { about, sections } = inspectDisk(disk);
    assert.match(about, /with 8 partitions/);
    const [table] = sections;
    const names = table?.rows.slice(1).map(([, text]) => text.split(": ")[1]);
    assert.deepEqual(names, [
      "boot",
      "A's root",
      "extended",
      "NVRAM",
      "third root",
      "swap",
      "raw",
      "hibernating",
    ]);
    const swap = sections.find(({ title }) => title === "Partition 6, swap");
    assert.deepEqual(swap?.rows.slice(0, 2), [["signature", "SWAPSPACE2"], ["label", "swap"]]);
    assert(sections.some(({ title }) => title === "Partition 8, ext2"));
  } finally {
    await Deno.remove(path);
  }
});
