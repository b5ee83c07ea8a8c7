import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import { diskLayout, diskSectorCount, PARTITION } from "../../../machine/formats/disk_layout.ts";
import { emitMbr, parseMbr, type Partition } from "../../../machine/formats/mbr.ts";
import { fromHex, toHex } from "../../../machine/digest.ts";

/** Bytes 440 … 511 as sfdisk 2.38.1 wrote them for the four partitions of FOUR. */
const SFDISK = "01004a4b0000" +
  "80202100832a28020008000000800000" +
  "002a29028353090a0088000000000200" +
  "00530a0a83feffff008802000040b403" +
  "00feffffdafeffff00c84c0400080000" +
  "55aa";

const FOUR: Partition[] = [
  { bootable: true, type: 0x83, firstSector: 2048, sectorCount: 32768 },
  { bootable: false, type: 0x83, firstSector: 34816, sectorCount: 131072 },
  { bootable: false, type: 0x83, firstSector: 165888, sectorCount: 62144512 },
  { bootable: false, type: 0xda, firstSector: 72140800, sectorCount: 2048 },
];

function isFormatError(error: unknown): boolean {
  return error instanceof FormatError && error.format === "mbr";
}

Deno.test("parseMbr and emitMbr agree with the bytes sfdisk wrote", () => {
  const bytes = emitMbr({ diskSignature: 0x4b4a0001, partitions: FOUR });
  assert.equal(toHex(bytes.subarray(440)), SFDISK);
  const sector = new Uint8Array(512);
  sector.set(fromHex(SFDISK), 440);
  const { diskSignature, partitions } = parseMbr(sector);
  assert.equal(diskSignature, 0x4b4a0001);
  assert.deepEqual(partitions, FOUR);
});

Deno.test("parseMbr gives back what emitMbr was given", () => {
  const entry = fc.record({
    bootable: fc.boolean(),
    type: fc.integer({ min: 1, max: 255 }),
    gapMib: fc.integer({ min: 0, max: 10_000 }),
    sectorCount: fc.integer({ min: 1, max: 500_000_000 }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(
    fc.array(entry, { maxLength: 4 }),
    fc.uint8Array({ maxLength: 440 }),
    fc.nat(0xffff_ffff),
    (entries, bootCode, diskSignature) => {
      let free = 2048;
      const partitions = entries.map(({ gapMib, ...rest }) => {
        const partition = { ...rest, firstSector: free + gapMib * 2048 };
        free = Math.ceil((partition.firstSector + rest.sectorCount) / 2048) * 2048;
        return partition;
      });
      const mbr = parseMbr(emitMbr({ bootCode, diskSignature, partitions }));
      const padded = new Uint8Array(440);
      padded.set(bootCode);
      assert.deepEqual(mbr, { bootCode: padded, diskSignature, partitions });
    },
  ));
});

Deno.test("parseMbr keeps the place of a partition after an unused entry", () => {
  const empty = { bootable: false, type: 0, firstSector: 0, sectorCount: 0 };
  const partitions = [FOUR[0] ?? empty, empty, FOUR[2] ?? empty];
  assert.deepEqual(parseMbr(emitMbr({ diskSignature: 1, partitions })).partitions, partitions);
});

Deno.test("parseMbr refuses a truncated sector at every byte", () => {
  const bytes = emitMbr({ diskSignature: 1, partitions: FOUR });
  for (let length = 0; length < 512; length++) {
    assert.throws(() => parseMbr(bytes.subarray(0, length)), isFormatError);
  }
});

Deno.test("parseMbr refuses a missing mark and an unknown boot flag", () => {
  for (const at of [510, 511, 446, 462, 478, 494]) {
    const bytes = emitMbr({ diskSignature: 1, partitions: FOUR });
    bytes[at] = 0x12;
    assert.throws(() => parseMbr(bytes), isFormatError);
  }
});

Deno.test("parseMbr never throws anything but FormatError", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 0, maxLength: 600 }), (bytes) => {
    if (bytes.length >= 512) bytes.set([0x55, 0xaa], 510);
    try {
      parseMbr(bytes);
    } catch (error) {
      assert(error instanceof FormatError);
    }
  }));
});

Deno.test("emitMbr refuses what cannot be addressed, overlaps or is not aligned", () => {
  const one = { bootable: false, type: 0x83, firstSector: 2048, sectorCount: 4096 };
  const bad: Partition[][] = [
    [{ ...one, firstSector: 2049 }],
    [{ ...one, firstSector: 0 }],
    [{ ...one, sectorCount: 0 }],
    [{ ...one, sectorCount: 2 ** 32 }],
    [{ ...one, sectorCount: 1.5 }],
    [{ ...one, type: 256 }],
    [one, { ...one, firstSector: 4096 }],
    [{ ...one, firstSector: 4096 }, one],
    [one, one, one, one, one],
  ];
  for (const partitions of bad) {
    assert.throws(() => emitMbr({ diskSignature: 1, partitions }), isFormatError);
  }
  const bootCode = new Uint8Array(441);
  assert.throws(() => emitMbr({ bootCode, diskSignature: 1, partitions: [] }), isFormatError);
  assert.throws(() => emitMbr({ diskSignature: 2 ** 32, partitions: [] }), isFormatError);
});

Deno.test("diskLayout holds the RAM, a tenth more and 16 MiB, on whole MiB", () => {
  const mib = 1_048_576;
  fc.assert(fc.property(fc.integer({ min: mib, max: 16 * 1024 * mib }), (memoryBytes) => {
    const partitions = diskLayout({ memoryBytes });
    parseMbr(emitMbr({ diskSignature: 0, partitions }));
    const sizes = partitions.map(({ sectorCount }) => sectorCount / 2048);
    const least = memoryBytes * 1.1 / mib + 16;
    const [boot, root, hibernating = 0, nvram] = sizes;
    assert.deepEqual([boot, root, nvram], [16, 64, 1]);
    assert(Number.isInteger(hibernating) && hibernating >= least && hibernating < least + 1.01);
    assert.equal(diskSectorCount(partitions), (1 + 16 + 64 + hibernating + 1) * 2048);
  }));
  const partitions = diskLayout({ memoryBytes: 100 * mib });
  assert.equal(partitions[PARTITION.hibernating - 1]?.sectorCount, 126 * 2048);
  assert.equal(partitions[PARTITION.boot - 1]?.bootable, true);
  assert.equal(partitions[PARTITION.nvram - 1]?.type, 0xda);
  assert.throws(() => diskLayout({ memoryBytes: 17 * 1024 * mib }), /memoryBytes/);
});
