import assert from "node:assert/strict";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import type { MemoryMedium } from "../../machine/medium.ts";
import type { KernelRun } from "./kernel_kit.ts";
import {
  copyOf,
  headerOn,
  lines,
  mapped,
  ON,
  order,
  pageContent,
  PAGES,
  READ,
  readerOf,
  restored,
  runSwap,
  SWAP_START,
  swapDisk,
  swapPage,
  testImage,
  writeCall,
  written,
} from "./swap_kit.ts";

for (const [name, flags] of [["compressed", 0], ["uncompressed", 2]] as const) {
  Deno.test(`swsusp_read puts a ${name} image into the frames it is given`, () => {
    // The last one does not fit the ring of a reader, compressed or not.
    for (const pages of [1, 31, 512, 513, PAGES, 3000]) {
      const { medium } = written(pages, { flags });
      const run = restored(medium, pages);
      const [result] = run.results;
      assert.deepEqual(fieldOf(result, "saved"), testImage(pages).saved, String(pages));
      const [header] = lines(run, "header ");
      assert.equal(header, `header ${pages} ${"11".repeat(5)}${"00".repeat(5)}`);
      assert.deepEqual(run.facts("image").map(({ op }) => op), ["check", "invalidate", "load"]);
    }
  });
}

Deno.test("swsusp_check takes the signature off before anything is read, once", () => {
  const { medium } = written(100);
  const run = restored(medium, 100);
  assert.deepEqual(order(run), ["check", "signature", "invalidate", "flush", "load"]);
  const again = runSwap({
    medium: run.medium,
    procedures: readerOf(),
    calls: [[...READ]],
  });
  assert.deepEqual(again.results, [-ERRNO.EINVAL]);
  const [check] = again.facts("header_check");
  assert.deepEqual(check, {
    k: "K",
    what: "signature",
    stored: "SWAPSPACE2",
    found: "S1SUSPEND",
    result: -ERRNO.EINVAL,
  });
  assert(!again.events.some(({ type }) => type === "fact.disk_write"));
});

Deno.test("swsusp_check answers ENODEV, EBUSY and EIO as the device is", () => {
  const { medium } = written(100);
  const check = (device: string, more = {}) =>
    runSwap({ medium: copyOf(medium), calls: [["swsusp_check", { device }]], ...more }).results[0];
  assert.equal(check("/dev/sda5"), -ERRNO.ENODEV);
  assert.equal(check("/dev/none"), -ERRNO.ENODEV);
  assert.equal(check("/dev/sda1"), -ERRNO.EINVAL);
  const bad = (on: "read" | "write") => ({ badSectors: [{ sector: 4096, count: 8, on }] });
  assert.equal(check("/dev/sda2", bad("read")), -ERRNO.EIO);
  assert.equal(check("/dev/sda2", bad("write")), -ERRNO.EIO);
  const active = runSwap({
    medium: swapDisk(16),
    calls: [[...ON], ["swsusp_check", { device: "/dev/sda2" }]],
  });
  assert.deepEqual(active.results, [0, -ERRNO.EBUSY]);
});

Deno.test("swsusp_check obeys the hardware signature an image carries, after invalidating it", () => {
  const { medium } = written(100, { hardwareSignature: 0xabcd });
  assert.equal(headerOn(medium).imageFlags & 8, 8);
  const check = (hardwareSignature: number) =>
    runSwap({
      medium: copyOf(medium),
      calls: [["swsusp_check", { device: "/dev/sda2", hardwareSignature }]],
    });
  const same = check(0xabcd);
  assert.equal(fieldOf(same.results[0], "firstMap"), 1);
  const other = check(0xabce);
  assert.deepEqual(other.results, [-ERRNO.EINVAL]);
  assert.deepEqual(other.facts("header_check").at(-1), {
    k: "K",
    what: "hardware",
    stored: "0xabcd",
    found: "0xabce",
    result: -ERRNO.EINVAL,
    obeyed: true,
  });
  assert.equal(headerOn(other.medium).signature, "SWAPSPACE2");
});

Deno.test("swsusp_unmark takes a committed image off again", () => {
  const { fillRam } = testImage(100);
  const medium = swapDisk(16);
  const unmark = ["swsusp_unmark", { device: "/dev/sda2" }] as const;
  const run = runSwap({
    medium,
    fillRam,
    calls: [[...ON], writeCall(100), [...unmark], [...unmark]],
  });
  assert.deepEqual(run.results.slice(2), [0, -ERRNO.ENODEV]);
  assert.equal(headerOn(medium).signature, "SWAPSPACE2");
  assert.deepEqual(run.state.swaps?.[0]?.used, [{ pfn: 0, count: 1 }]);
});

/** Reads an image after something on the area was changed. */
function damaged(
  flags: number,
  change: (medium: MemoryMedium, pages: readonly number[]) => void,
): KernelRun {
  const { medium } = written(PAGES, { flags });
  change(medium, mapped(medium));
  return restored(medium, PAGES);
}

function poke(medium: MemoryMedium, page: number, offset: number, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  medium.write(SWAP_START + page * 4096 + offset, bytes);
}

Deno.test("swsusp_read answers as Linux does to each kind of damage", () => {
  const cases: readonly (readonly [
    string,
    number,
    number,
    (medium: MemoryMedium, pages: readonly number[]) => void,
  ])[] = [
    ["no map", 0, -ERRNO.EINVAL, (medium) => poke(medium, 0, 4064, 0n)],
    ["zero entry", 0, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 0n)],
    ["zero entry", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 0n)],
    ["no header page", 0, -ERRNO.EFAULT, (medium) => poke(medium, 1, 0, 0n)],
    ["entry far away", 2, -ERRNO.EIO, (medium) => poke(medium, 1, 8 * 20, 1n << 40n)],
    ["entry absurd", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 1n << 60n)],
    ["map in a ring", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 511, 1n)],
    ["map behind the end", 2, -ERRNO.EIO, (medium) => poke(medium, 1, 8 * 511, 1n << 30n)],
    ["length 0", 0, -ERRNO.EPERM, (medium, pages) => poke(medium, pages[1] ?? 0, 0, 0n)],
    ["length huge", 0, -ERRNO.EPERM, (medium, pages) => poke(medium, pages[1] ?? 0, 0, 1n << 50n)],
    ["short image", 0, -ERRNO.ENODATA, (medium, pages) => poke(medium, pages[0] ?? 0, 424, 7n)],
    [
      "frame number",
      2,
      -ERRNO.EFAULT,
      (medium, pages) => poke(medium, pages[1] ?? 0, 8, 1n << 60n),
    ],
  ];
  for (const [name, flags, result, change] of cases) {
    const run = damaged(flags, change);
    assert.deepEqual(run.results, [result], `${name} ${flags}`);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }], name);
    // One attempt: the signature is gone whatever comes.
    assert.equal(headerOn(run.medium).signature, "SWAPSPACE2");
  }
});

Deno.test("swsusp_read finds a flipped bit by the sum, unless nothing was compressed", () => {
  const flip = (medium: MemoryMedium, page: number, offset: number) => {
    const bytes = swapPage(medium, page).slice(offset, offset + 1);
    medium.write(SWAP_START + page * 4096 + offset, bytes.map((byte) => byte ^ 1));
  };
  // Page 10 is noise and stands in its group as it is.
  const packed = damaged(0, (medium, pages) => flip(medium, pages[1 + 20] ?? 0, 100));
  assert.deepEqual(packed.results, [-ERRNO.ENODATA]);
  assert.equal(lines(packed, "Invalid image CRC32!").length, 1);
  assert.equal(packed.facts("header_check").at(-1)?.["what"], "crc");
  const { medium } = written(PAGES, { flags: 2 });
  flip(medium, mapped(medium)[1 + 3 + 12] ?? 0, 100);
  const plain = runSwap({
    medium,
    procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
    calls: [[...READ]],
  });
  assert.notEqual(typeof plain.results[0], "number");
  assert(!plain.facts("header_check").some(({ what }) => what === "crc"));
});

Deno.test("swsusp_read answers LZO's own number to data that are none", () => {
  const run = damaged(0, (medium, pages) => {
    const page = pages[1] ?? 0;
    // A match in front of everything.
    medium.write(SWAP_START + page * 4096 + 8, Uint8Array.from([0x12, 0x61, 0x4c, 0x40]));
  });
  assert.deepEqual(run.results, [-6]);
  assert.equal(lines(run, "LZO decompression failed").length, 1);
});

Deno.test("swsusp_read ends with what its callbacks refuse, and gives its frames back", () => {
  const { medium } = written(PAGES);
  for (const answers of [{ check: -ERRNO.EPERM }, { place: -ERRNO.ENOMEM }]) {
    const run = runSwap({
      medium: copyOf(medium),
      procedures: readerOf(answers),
      calls: [[...READ]],
    });
    assert.deepEqual(run.results, [answers.check ?? answers.place]);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
    const loaded = run.facts("image").some(({ op }) => op === "load");
    assert.equal(loaded, answers.check === undefined);
  }
});

Deno.test("swsusp_read answers EIO to a sector that cannot be read, wherever it is", () => {
  const { medium } = written(PAGES);
  for (const page of [1, 2, 30, 400]) {
    const run = runSwap({
      medium: copyOf(medium),
      procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
      badSectors: [{ sector: 4096 + page * 8, count: 1, on: "read" }],
      calls: [[...READ]],
    });
    assert.deepEqual(run.results, [-ERRNO.EIO], String(page));
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
  }
});

Deno.test("swsusp_read gives the same image whatever order answers come in", () => {
  for (const flags of [0, 2]) {
    const { medium } = written(PAGES, { flags });
    for (const seed of [1, 2, 3]) {
      const run = runSwap({
        medium: copyOf(medium),
        seededOrder: true,
        seed,
        procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
        calls: [[...READ]],
      });
      assert.deepEqual(fieldOf(run.results[0], "saved"), testImage(PAGES).saved);
      for (const index of [0, 6, 700, PAGES - 1]) {
        const found = run.ram.view((3500 + index) * 4096, 4096).slice();
        assert.deepEqual(found, pageContent(index));
      }
    }
  }
});

Deno.test("partition_pages stays inside its partition, whatever the disk has behind it", () => {
  const place = { partition: 1, type: 0x83, firstSector: 2048, sectorCount: 2048 };
  const move = (page: number, count: number) =>
    ["partition_pages", { place, page, frames: [{ pfn: 3000, count }], write: false }] as const;
  const medium = swapDisk(4);
  const { results } = runSwap({
    medium,
    calls: [[...move(254, 2)], [...move(255, 2)], [...move(256, 1)]],
  });
  assert.deepEqual(results, [0, -ERRNO.EIO, -ERRNO.EIO]);
});

Deno.test("partition_place finds partitions by the disk's own tables", () => {
  const medium = swapDisk(4);
  const place = (partition: number) => ["partition_place", { partition }] as const;
  const { results, state } = runSwap({
    medium,
    calls: [[...place(2)], [...place(3)], [...place(5)]],
  });
  assert.deepEqual(results, [
    { partition: 2, type: 0x82, firstSector: 4096, sectorCount: 4 * 2048 },
    -ERRNO.ENODEV,
    -ERRNO.ENODEV,
  ]);
  assert.deepEqual(state.free, [{ pfn: 256, count: 2500 }]);
  medium.write(510, new Uint8Array(2));
  const damaged = runSwap({ medium, calls: [[...place(2)]] });
  assert.deepEqual(damaged.results, [-ERRNO.ENODEV]);
});
