import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32, sha256, sha256Bytes, toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  describeKhdevHeader,
  digestOfSums,
  emitKhdevHeader,
  KHDEV_HEADER_BYTES,
  KHDEV_IMAGE_OFFSET,
  KHDEV_VALID,
  KHDEV_VERSION,
  type KhdevHeader,
  parseKhdevHeader,
} from "../../../machine/formats/khdev_header.ts";

const HEADER: KhdevHeader = {
  version: KHDEV_VERSION,
  valid: KHDEV_VALID,
  e820Crc: 0x1234_5678,
  hardwareSignature: 0x9abc_def0,
  pages: 1234,
  lengthBytes: 5_054_464,
  entry: 0x100_00c0,
  imageOffset: KHDEV_IMAGE_OFFSET,
  savedSeconds: 1_795_132_800,
  sha256: sha256("image"),
  id: "A@0x10000c0",
  kernel: "A",
};

const word = fc.nat(0xffff_ffff);
const long = fc.nat(Number.MAX_SAFE_INTEGER);
const headers = fc.record({
  version: word,
  valid: word,
  e820Crc: word,
  hardwareSignature: word,
  pages: word,
  lengthBytes: long,
  entry: long,
  imageOffset: long,
  savedSeconds: long,
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex),
  id: fc.string({ unit: "grapheme", maxLength: 30 }),
  kernel: fc.string({ unit: "grapheme", maxLength: 16 }),
}).filter(({ id, kernel }) => new TextEncoder().encode(id + kernel).length <= 412);

Deno.test("emitKhdevHeader puts the fields where its layout says", () => {
  const bytes = emitKhdevHeader(HEADER);
  assert.equal(bytes.length, KHDEV_HEADER_BYTES);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 8)), "KJKHDEV1");
  assert.equal(toHex(bytes.subarray(12, 32)), "01000000566c696478563412f0debc9ad2040000");
  assert.equal(toHex(bytes.subarray(40, 48)), "c000000100000000");
  assert.equal(toHex(bytes.subarray(48, 56)), "0000100000000000");
  assert.equal(new TextDecoder().decode(bytes.subarray(100, 112)), "A@0x10000c0A");
  const view = new DataView(bytes.buffer);
  assert.equal(view.getUint32(8, true), crc32(bytes.subarray(12, 512)));
  assert.ok(bytes.subarray(512).every((byte) => byte === 0));
});

Deno.test("parseKhdevHeader gives back what was emitted", () => {
  fc.assert(fc.property(headers, (header) => {
    assert.deepEqual(parseKhdevHeader(emitKhdevHeader(header)), { ...header });
  }));
});

Deno.test("parseKhdevHeader refuses a header truncated at any byte", () => {
  const bytes = emitKhdevHeader(HEADER);
  for (let length = 0; length < KHDEV_HEADER_BYTES; length++) {
    assert.throws(() => parseKhdevHeader(bytes.subarray(0, length)), FormatError);
  }
});

Deno.test("parseKhdevHeader notices every bit that flips in its sector", () => {
  const bytes = emitKhdevHeader(HEADER);
  for (let at = 0; at < 512; at++) {
    const copy = bytes.slice();
    copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
    assert.throws(() => parseKhdevHeader(copy), FormatError, `byte ${at}`);
  }
});

Deno.test("parseKhdevHeader throws nothing but FormatError, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (garbage) => {
    const bytes = new Uint8Array(KHDEV_HEADER_BYTES);
    bytes.set(emitKhdevHeader(HEADER).subarray(0, 8));
    bytes.set(garbage, 12);
    new DataView(bytes.buffer).setUint32(8, crc32(bytes.subarray(12, 512)), true);
    try {
      parseKhdevHeader(bytes);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
    }
  }));
});

Deno.test("emitKhdevHeader refuses what has no room", () => {
  const wrong: Partial<KhdevHeader>[] = [
    { valid: 2 ** 32 },
    { pages: -1 },
    { entry: 1.5 },
    { lengthBytes: 2 ** 53 },
    { sha256: "00" },
    { id: "x".repeat(413), kernel: "" },
  ];
  for (const fields of wrong) {
    assert.throws(() => emitKhdevHeader({ ...HEADER, ...fields }), FormatError);
  }
});

Deno.test("digestOfSums is the SHA-256 of the digests in their order", () => {
  const one = sha256("one");
  const two = sha256("two");
  const joined = new Uint8Array(64);
  joined.set(sha256Bytes(new TextEncoder().encode("one")));
  joined.set(sha256Bytes(new TextEncoder().encode("two")), 32);
  assert.equal(digestOfSums([one, two]), sha256(joined));
  assert.notEqual(digestOfSums([two, one]), digestOfSums([one, two]));
  assert.equal(digestOfSums([]), sha256(new Uint8Array()));
});

Deno.test("describeKhdevHeader says the jump-back parameter, and that an image is used up", () => {
  assert.equal(describeKhdevHeader(HEADER)[2], "kexec_jump_back_entry=0x10000c0");
  assert.equal(describeKhdevHeader({ ...HEADER, valid: 0 })[0], "image A@0x10000c0 (not valid)");
});
