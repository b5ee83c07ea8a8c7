import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitStamp,
  formatStamp,
  parseStamp,
  STAMP_BYTES,
  STAMP_KIND,
  stampProgram,
  verifyStamp,
} from "../../../machine/formats/stamp.ts";

const BODY = new TextEncoder().encode("abc");
const PROGRAM = stampProgram({
  kind: STAMP_KIND.reentry,
  version: 3,
  body: BODY,
  flags: 0x80,
  argument: 0x1f_ffff_ffff_f000,
});

Deno.test("stampProgram lays a stamp out as DESIGN.md law 2 says", () => {
  const sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const stamp = "eb3e9090" + "4b4a554d50434f44" + "0500" + "0300" + "03000000" + sha +
    "80000000" + "00f0ffffffff1f00";
  deepStrictEqual(PROGRAM, Uint8Array.of(...fromHex(stamp), ...BODY));
});

Deno.test("parseStamp gives back every field", () => {
  fc.assert(fc.property(
    fc.record({
      kind: fc.integer({ min: 0, max: 0xffff }),
      version: fc.integer({ min: 0, max: 0xffff }),
      length: fc.integer({ min: 0, max: 0xffff_ffff }),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      flags: fc.integer({ min: 0, max: 0xffff_ffff }),
      argument: fc.maxSafeNat(),
    }, { noNullPrototype: true }),
    (stamp) => deepStrictEqual(parseStamp(emitStamp(stamp)), stamp),
  ));
});

Deno.test("parseStamp finds nothing where jump or magic differ in any byte", () => {
  for (let index = 0; index < 12; index++) {
    const bytes = PROGRAM.slice();
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    strictEqual(parseStamp(bytes), undefined);
  }
  strictEqual(parseStamp(new Uint8Array(64)), undefined);
});

Deno.test("parseStamp refuses fewer than 64 bytes and an argument above 2^53", () => {
  for (let length = 0; length < STAMP_BYTES; length++) {
    throws(() => parseStamp(PROGRAM.subarray(0, length)), FormatError);
  }
  const high = PROGRAM.slice();
  high[63] = 1;
  throws(() => parseStamp(high), FormatError);
});

Deno.test("emitStamp refuses a digest of another length", () => {
  const stamp = { kind: 1, version: 1, length: 0, flags: 0, argument: 0 };
  throws(() => emitStamp({ ...stamp, digest: new Uint8Array(31) }), FormatError);
});

Deno.test("verifyStamp notices a flipped bit anywhere and another length", () => {
  const stamp = parseStamp(PROGRAM);
  ok(stamp !== undefined);
  ok(verifyStamp(stamp, BODY));
  for (let bit = 0; bit < BODY.length * 8; bit++) {
    const body = BODY.slice();
    body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    ok(!verifyStamp(stamp, body));
  }
  ok(!verifyStamp(stamp, BODY.subarray(1)));
  ok(!verifyStamp({ ...stamp, length: stamp.length + 1 }, BODY));
  ok(!verifyStamp(stamp, PROGRAM.subarray(STAMP_BYTES - 1)));
  strictEqual(formatStamp(stamp), "reentry 3, 3 bytes, argument 0x1ffffffffff000");
});
