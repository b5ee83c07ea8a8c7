import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { FormatError } from "../../../machine/errors.ts";
import { FieldReader, FieldWriter } from "../../../machine/formats/byte_fields.ts";

Deno.test("FieldReader reads little-endian fields and refuses one that passes the end", () => {
  const reader = new FieldReader("test", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0, 9), 100);
  strictEqual(reader.u16(0), 0x0201);
  strictEqual(reader.u32(1), 0x05040302);
  strictEqual(reader.u64(0), 0x0007060504030201);
  throws(() => reader.u64(2), (error: FormatError) => error.offset === 102);
  throws(() => reader.u8(-1), FormatError);
  throws(() => reader.slice(8, 2), FormatError);
});

Deno.test("FieldReader refuses a 64-bit value above 2^53 - 1", () => {
  throws(() => new FieldReader("test", new Uint8Array(8).fill(0xff)).u64(0), FormatError);
});

Deno.test("FieldWriter refuses numbers that do not fit their field", () => {
  const writer = new FieldWriter("test", 8);
  throws(() => writer.u8(0, 256), FormatError);
  throws(() => writer.u16(0, -1), FormatError);
  throws(() => writer.u32(0, 2 ** 32), FormatError);
  throws(() => writer.u32(0, 1.5), FormatError);
  throws(() => writer.u64(0, 2 ** 53), FormatError);
  throws(() => writer.u64(1, 0), FormatError);
  throws(() => writer.text(0, 3, "four"), FormatError);
  throws(() => writer.text(0, 3, "\u20ac"), FormatError);
  writer.text(0, 4, "ab", 0x20);
  deepStrictEqual([...writer.bytes], [0x61, 0x62, 0x20, 0x20, 0, 0, 0, 0]);
});
