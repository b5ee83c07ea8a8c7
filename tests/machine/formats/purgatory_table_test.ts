import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitPurgatory,
  parsePurgatory,
  PURGATORY_SEGMENTS_MAX,
  type PurgatoryTable,
} from "../../../machine/formats/purgatory_table.ts";

const TABLE: PurgatoryTable = {
  digest: "0123456789abcdef".repeat(4),
  kernelEntry: 0x10_0000,
  bootParams: 0xff_a000,
  commandLine: 0xff_b000,
  segments: [{ start: 0x10_0000, length: 0x8_1000 }, { start: 0x1_2345_6000, length: 0x1000 }],
  wordBytes: 4,
};

Deno.test("emitPurgatory puts the fields at their offsets", () => {
  strictEqual(
    toHex(emitPurgatory(TABLE)),
    TABLE.digest + "0000100000000000" + "00a0ff0000000000" + "00b0ff0000000000" +
      "02000000" + "00000000" + "0000100000000000" + "0010080000000000" +
      "0060452301000000" + "0010000000000000",
  );
});

Deno.test("parsePurgatory gives back what was emitted, whatever stands behind it", () => {
  const address = fc.maxSafeNat();
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) =>
    toHex(Uint8Array.from(bytes))
  );
  const segments = fc.array(
    fc.record({ start: address, length: address }, { noNullPrototype: true }),
    { maxLength: 16 },
  );
  fc.assert(
    fc.property(
      fc.record({
        digest,
        kernelEntry: address,
        bootParams: address,
        commandLine: address,
        segments,
        wordBytes: fc.constantFrom(4 as const, 8 as const),
      }, { noNullPrototype: true }),
      fc.uint8Array({ maxLength: 64 }),
      (table, behind) => {
        const bytes = Uint8Array.from([...emitPurgatory(table), ...behind]);
        deepStrictEqual(parsePurgatory(bytes), table);
      },
    ),
  );
});

Deno.test("parsePurgatory refuses a truncated table at every byte", () => {
  const bytes = emitPurgatory(TABLE);
  for (let length = 0; length < bytes.length; length++) {
    throws(() => parsePurgatory(bytes.subarray(0, length)), FormatError, `${length} bytes`);
  }
});

Deno.test("parsePurgatory refuses more segments than there can be, and addresses of no machine", () => {
  const spoiled = (change: (view: DataView) => void) => {
    const bytes = new Uint8Array(64 + 17 * 16);
    bytes.set(emitPurgatory(TABLE));
    change(new DataView(bytes.buffer));
    return () => parsePurgatory(bytes);
  };
  throws(spoiled((view) => view.setUint32(56, PURGATORY_SEGMENTS_MAX + 1, true)), FormatError);
  for (const offset of [32, 40, 48, 64, 72]) {
    throws(
      spoiled((view) => view.setBigUint64(offset, 2n ** 53n, true)),
      (error) => error instanceof FormatError && error.offset === offset,
    );
  }
});

Deno.test("parsePurgatory never throws anything but FormatError, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        parsePurgatory(Uint8Array.from(bytes));
      } catch (error) {
        strictEqual(error instanceof FormatError, true);
      }
    }),
  );
});

Deno.test("emitPurgatory refuses more than 16 segments", () => {
  const segments = Array.from(
    { length: 17 },
    (_, index) => ({ start: index * 4096, length: 4096 }),
  );
  throws(() => emitPurgatory({ ...TABLE, segments }), RangeError);
});

Deno.test("emitPurgatory puts a backup behind the segments, and parsePurgatory finds it (D.3)", () => {
  const backup = { start: 0, length: 0xa_0000, copy: 0x2f6_0000 };
  for (const count of [0, 1, 16]) {
    const segments = Array.from({ length: count }, (_, at) => ({ start: at << 12, length: 4096 }));
    const table = {
      digest: "ab".repeat(32),
      kernelEntry: 0x200_0000,
      bootParams: 0x210_0000,
      commandLine: 0x210_1000,
      segments,
      wordBytes: 8 as const,
    };
    const bytes = emitPurgatory({ ...table, backup });
    deepStrictEqual(parsePurgatory(bytes), { ...table, backup });
    deepStrictEqual(parsePurgatory(emitPurgatory(table)), table);
    for (let length = 0; length < bytes.length; length++) {
      throws(() => parsePurgatory(bytes.subarray(0, length)), FormatError);
    }
    const other = bytes.slice();
    other[60] = 4;
    throws(() => parsePurgatory(other), FormatError);
  }
});
