import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import { toHex } from "../../../machine/digest.ts";
import {
  emitNvramSlot,
  NVRAM_BYTES,
  NVRAM_SLOT_BYTES,
  type NvramRecord,
  nvramSlotOffset,
  parseNvram,
} from "../../../machine/formats/nvram.ts";

const RECORD: NvramRecord = {
  sequence: 7,
  rtcSeconds: 1_190_000_000,
  hardwareSignature: 0xfeedf00d,
  sleepType: 4,
  hardwareProfile: "t42",
  memoryBytes: 1_073_741_824,
  cpuCount: 1,
  bootDefault: "A",
};

const RECORDS = fc.record({
  sequence: fc.nat(Number.MAX_SAFE_INTEGER - 1),
  rtcSeconds: fc.nat(Number.MAX_SAFE_INTEGER),
  hardwareSignature: fc.nat(0xffff_ffff),
  sleepType: fc.nat(0xffff_ffff),
  hardwareProfile: fc.string({ maxLength: 900, unit: "grapheme" }),
  memoryBytes: fc.nat(Number.MAX_SAFE_INTEGER),
  cpuCount: fc.nat(0xffff_ffff),
  bootDefault: fc.string({ maxLength: 900, unit: "binary-ascii" }),
}, { noNullPrototype: true }).filter(({ hardwareProfile, bootDefault }) =>
  new TextEncoder().encode(hardwareProfile + bootDefault).length <= 4044
);

function isFormatError(error: unknown): boolean {
  return error instanceof FormatError && error.format === "nvram";
}

function withRecords(...records: NvramRecord[]): Uint8Array {
  const bytes = new Uint8Array(NVRAM_BYTES);
  for (const record of records) bytes.set(emitNvramSlot(record), nvramSlotOffset(record.sequence));
  return bytes;
}

Deno.test("emitNvramSlot lays the fields out as its header says", () => {
  assert.equal(
    toHex(emitNvramSlot(RECORD).subarray(0, 60)),
    "4b4a4e5652414d31" + "13054591" + "04000000" + "0700000000000000" + "80f5ed4600000000" +
      "0000004000000000" + "0df0edfe" + "01000000" + "0300" + "0100" + "74343241" + "00000000",
  );
});

Deno.test("parseNvram gives back what emitNvramSlot was given", () => {
  fc.assert(fc.property(RECORDS, (record) => {
    assert.deepEqual(parseNvram(withRecords(record)), record);
  }));
});

Deno.test("parseNvram takes the newer of two records, whichever slot it is in", () => {
  for (const sequence of [1, 2, 255, 256]) {
    const older = { ...RECORD, sequence, cpuCount: 1 };
    const newer = { ...RECORD, sequence: sequence + 1, cpuCount: 2 };
    assert.deepEqual(parseNvram(withRecords(older, newer)), newer);
  }
});

Deno.test("parseNvram finds the old or the new record wherever the write was cut", () => {
  fc.assert(fc.property(RECORDS, RECORDS, RECORDS, (first, second, third) => {
    const oldest = { ...first, sequence: second.sequence - 1 };
    const old = second;
    const next = { ...third, sequence: second.sequence + 1 };
    const before = second.sequence > 0 ? withRecords(oldest, old) : withRecords(old);
    const slot = emitNvramSlot(next);
    for (let cut = 0; cut <= NVRAM_SLOT_BYTES; cut += 512) {
      const bytes = before.slice();
      bytes.set(slot.subarray(0, cut), nvramSlotOffset(next.sequence));
      const found = parseNvram(bytes);
      assert(found?.sequence === old.sequence || found?.sequence === next.sequence);
      assert.deepEqual(found, found.sequence === old.sequence ? old : next);
      if (cut === 0) assert.deepEqual(found, old);
      if (cut === NVRAM_SLOT_BYTES) assert.deepEqual(found, next);
    }
  }));
});

Deno.test("parseNvram gives nothing for a blank memory and refuses one without a valid slot", () => {
  assert.equal(parseNvram(new Uint8Array(NVRAM_BYTES)), undefined);
  for (const at of [0, 8, 16, 52, 4095]) {
    const bytes = withRecords(RECORD);
    const place = nvramSlotOffset(RECORD.sequence) + at;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    assert.throws(() => parseNvram(bytes), isFormatError);
  }
  const wrongSlot = new Uint8Array(NVRAM_BYTES);
  wrongSlot.set(emitNvramSlot(RECORD), 0);
  assert.throws(() => parseNvram(wrongSlot), isFormatError);
});

Deno.test("parseNvram refuses a truncated memory at every byte", () => {
  const bytes = withRecords(RECORD);
  for (let length = 0; length < NVRAM_BYTES; length++) {
    assert.throws(() => parseNvram(bytes.subarray(0, length)), isFormatError);
  }
});

Deno.test("emitNvramSlot refuses numbers and texts that have no room", () => {
  const bad: Partial<NvramRecord>[] = [
    { sequence: -1 },
    { sequence: 2 ** 53 },
    { rtcSeconds: 0.5 },
    { hardwareSignature: 2 ** 32 },
    { cpuCount: -1 },
    { hardwareProfile: "x".repeat(4000), bootDefault: "y".repeat(45) },
    { bootDefault: "z".repeat(70_000) },
  ];
  for (const fields of bad) {
    assert.throws(() => emitNvramSlot({ ...RECORD, ...fields }), isFormatError);
  }
  emitNvramSlot({ ...RECORD, hardwareProfile: "x".repeat(4000), bootDefault: "y".repeat(44) });
});
