import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  diskLayout,
  diskSectorCount,
  logicalLayout,
} from "../../../machine/formats/disk_layout.ts";
import { emitEbrs, firstRecord, parseEbr, partitionsOf } from "../../../machine/formats/ebr.ts";
import { emitMbr, type Partition } from "../../../machine/formats/mbr.ts";

const EXTENDED: Partition = {
  bootable: false,
  type: 5,
  firstSector: 167936,
  sectorCount: 960000,
};

const LOGICAL: Partition[] = [
  { bootable: false, type: 0x83, firstSector: 169984, sectorCount: 131072 },
  { bootable: false, type: 0x82, firstSector: 303104, sectorCount: 180224 },
  { bootable: false, type: 0xda, firstSector: 485376, sectorCount: 180224 },
  { bootable: false, type: 0x83, firstSector: 667648, sectorCount: 180224 },
];

/** Bytes 446 … 478 of the records as sfdisk 2.38.1 wrote them, by sector. */
const SFDISK: readonly (readonly [number, string])[] = [
  [167936, "00940b0a83bc2a12000800000000020000bc2b120515371e0008020000c80200"],
  [301056, "00dd0c128215371e0008000000c002000015381e056e052900d0040000c80200"],
  [483328, "0036191eda6e05290008000000c00200006e062905c612340098070000c80200"],
  [665600, "008e262983c612340008000000c0020000000000000000000000000000000000"],
];

function isFormatError(error: unknown): boolean {
  return error instanceof FormatError && (error.format === "ebr" || error.format === "mbr");
}

function diskOf(records: readonly { sector: number; bytes: Uint8Array }[]) {
  const sectors = new Map(records.map(({ sector, bytes }) => [sector, bytes]));
  return (sector: number) => sectors.get(sector) ?? new Uint8Array(512);
}

Deno.test("emitEbrs and partitionsOf agree with the chain sfdisk wrote", () => {
  const records = emitEbrs(EXTENDED, LOGICAL);
  assert.deepEqual(records.map(({ sector, bytes }) => [sector, toHex(bytes.slice(446, 478))]), [
    ...SFDISK,
  ]);
  const real = SFDISK.map(([sector, hex]) => {
    const bytes = new Uint8Array(512);
    bytes.set(fromHex(hex), 446);
    bytes.set([0x55, 0xaa], 510);
    return { sector, bytes };
  });
  const empty = { bootable: false, type: 0, firstSector: 0, sectorCount: 0 };
  const mbr = emitMbr({ diskSignature: 1, partitions: [empty, empty, EXTENDED] });
  const found = partitionsOf(diskOf([{ sector: 0, bytes: mbr }, ...real]));
  assert.deepEqual([...found.keys()], [3, 5, 6, 7, 8]);
  assert.deepEqual([5, 6, 7, 8].map((number) => found.get(number)), LOGICAL);
});

Deno.test("partitionsOf gives back the workshop's partitions for any RAM", () => {
  const mib = 1_048_576;
  fc.assert(
    fc.property(fc.integer({ min: mib, max: 16 * 1024 * mib }), (memoryBytes) => {
      const basis = { memoryBytes, layout: "workshop" } as const;
      const partitions = diskLayout(basis);
      const logical = logicalLayout(basis);
      const extended = partitions[2];
      assert(extended !== undefined);
      const records = emitEbrs(extended, logical);
      const mbr = emitMbr({ diskSignature: 1, partitions });
      const found = partitionsOf(diskOf([{ sector: 0, bytes: mbr }, ...records]));
      assert.deepEqual([...found.keys()], [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.deepEqual([5, 6, 7, 8].map((number) => found.get(number)), logical);
      const last = logical.at(-1);
      assert(last !== undefined);
      const { firstSector, sectorCount } = extended;
      assert.equal(last.firstSector + last.sectorCount, firstSector + sectorCount);
      assert.equal(diskSectorCount(partitions), firstSector + sectorCount + 2048);
      for (const { sectorCount } of logical.slice(1)) {
        assert(sectorCount * 512 >= memoryBytes * 1.1 + 16 * mib);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("logicalLayout is empty in the standard layout", () => {
  assert.deepEqual(logicalLayout({ memoryBytes: 64 * 1024 ** 2 }), []);
});

Deno.test("parseEbr refuses a truncated record at every byte", () => {
  const walk = firstRecord([EXTENDED]);
  const bytes = emitEbrs(EXTENDED, LOGICAL)[0]?.bytes;
  assert(walk !== undefined && bytes !== undefined);
  for (let length = 0; length < 512; length++) {
    assert.throws(() => parseEbr(bytes.subarray(0, length), walk), isFormatError);
  }
});

Deno.test("partitionsOf refuses a chain that turns back, leaves its partition or never ends", () => {
  const mbr = { sector: 0, bytes: emitMbr({ diskSignature: 1, partitions: [EXTENDED] }) };
  const records = emitEbrs(EXTENDED, LOGICAL);
  const withLink = (first: number, link: number) => {
    const changed = records.map(({ sector, bytes }) => ({ sector, bytes: bytes.slice() }));
    const record = changed[first];
    assert(record !== undefined);
    new DataView(record.bytes.buffer).setUint32(446 + 16 + 8, link, true);
    return diskOf([mbr, ...changed]);
  };
  assert.throws(() => partitionsOf(withLink(1, 0)), /not behind this one/);
  assert.throws(() => partitionsOf(withLink(1, 133120)), /not behind this one/);
  assert.throws(() => partitionsOf(withLink(0, 960000)), /not behind this one/);
  const endless = (sector: number) => {
    if (sector === 0) return mbr.bytes;
    const bytes = records[0]?.bytes.slice() ?? new Uint8Array();
    const view = new DataView(bytes.buffer);
    view.setUint32(446 + 12, 1, true);
    view.setUint32(446 + 16 + 8, sector - EXTENDED.firstSector + 1, true);
    return bytes;
  };
  assert.throws(() => partitionsOf(endless), /over 60/);
});

Deno.test("parseEbr never throws anything but FormatError", () => {
  const walk = firstRecord([EXTENDED]);
  assert(walk !== undefined);
  fc.assert(fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (table) => {
    const bytes = new Uint8Array(512);
    bytes.set(table, 446);
    bytes.set([0x55, 0xaa], 510);
    bytes[446] = (table[0] ?? 0) & 0x80;
    bytes[462] = (table[16] ?? 0) & 0x80;
    try {
      parseEbr(bytes, walk);
    } catch (error) {
      assert(isFormatError(error), String(error));
    }
  }));
});

Deno.test("emitEbrs refuses partitions without room for their record or behind the end", () => {
  const [first, second] = LOGICAL;
  assert(first !== undefined && second !== undefined);
  const near = { ...second, firstSector: first.firstSector + first.sectorCount };
  assert.throws(() => emitEbrs(EXTENDED, [first, near]), isFormatError);
  assert.throws(() => emitEbrs(EXTENDED, [{ ...first, sectorCount: 2 ** 24 }]), isFormatError);
  assert.throws(() => emitEbrs(EXTENDED, [second]), isFormatError);
});
