import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitLzoHeader,
  emitLzoUnit,
  isLzoContainer,
  LZO_HEADER_BYTES,
  LZO_UNIT_BYTES,
  LZO_UNIT_BYTES_MAX,
  parseLzoHeader,
  readLzoUnit,
} from "../../../machine/formats/lzo_container.ts";

Deno.test("emitLzoHeader gives these bytes", () => {
  const hex = [...emitLzoHeader(0x12_3456)].map((byte) => byte.toString(16).padStart(2, "0"));
  assert.equal(hex.join(""), "4b4a554d504c5a4f" + "01000000" + "00000200" + "5634120000000000");
});

Deno.test("parseLzoHeader reads what emitLzoHeader writes, and refuses it cut at every byte", () => {
  fc.assert(fc.property(fc.nat(), (length) => {
    assert.equal(parseLzoHeader(emitLzoHeader(length)), length);
  }));
  const header = emitLzoHeader(9);
  for (let length = 0; length < LZO_HEADER_BYTES; length++) {
    assert.throws(() => parseLzoHeader(header.subarray(0, length)), FormatError);
  }
  for (const at of [0, 7, 8, 12]) {
    const bad = header.slice();
    bad[at] = (bad[at] ?? 0) ^ 0x10;
    assert.throws(() => parseLzoHeader(bad), FormatError, `byte ${at}`);
    assert.equal(isLzoContainer(bad), at > 7);
  }
});

Deno.test("readLzoUnit gives what emitLzoUnit was given, and nothing of a unit that is not whole", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (content) => {
    const unit = emitLzoUnit(content);
    const longer = new Uint8Array(unit.length + 7);
    longer.set(unit);
    const read = readLzoUnit(longer, content.length);
    assert.ok(read !== undefined);
    assert.deepEqual(read.content, content);
    assert.equal(read.fileBytes, unit.length);
  }));
  const unit = emitLzoUnit(new Uint8Array(3000).fill(7));
  for (let length = 0; length < unit.length; length++) {
    assert.equal(readLzoUnit(unit.subarray(0, length), 3000), undefined);
  }
});

Deno.test("readLzoUnit refuses lengths that cannot be, and content of another length", () => {
  const unit = emitLzoUnit(new Uint8Array(3000).fill(7));
  assert.throws(() => readLzoUnit(unit, 2999), FormatError);
  assert.throws(() => readLzoUnit(unit, 3001), FormatError);
  for (const length of [0, LZO_UNIT_BYTES_MAX, 0xffff_ffff]) {
    const bad = new Uint8Array(8);
    new DataView(bad.buffer).setUint32(0, length, true);
    assert.throws(() => readLzoUnit(bad, LZO_UNIT_BYTES), FormatError, `length ${length}`);
  }
});
