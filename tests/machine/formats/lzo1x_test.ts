import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  lzo1xBound,
  lzo1xCompress,
  lzo1xDecompress,
  lzo1xDecompressInto,
  LZO_ERROR,
} from "../../../machine/formats/lzo1x.ts";

/** Bytes with much and with little repetition. */
const texts = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc.array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 400 })),
    { maxLength: 12 },
  ).map((pieces) =>
    Uint8Array.from(pieces.flatMap(([piece, times]) => Array(times).fill([...piece]).flat()))
  ),
);

Deno.test("lzo1xDecompress gives back what lzo1xCompress was given", () => {
  fc.assert(fc.property(texts, (text) => {
    const packed = lzo1xCompress(text);
    assert(packed.length <= lzo1xBound(text.length));
    assert.deepEqual(lzo1xDecompress(packed, text.length), text);
  }));
});

Deno.test("lzo1xCompress finds repetitions of any distance and length, and loses nothing", () => {
  for (const distance of [1, 7, 2048, 2049, 16_384, 16_385, 49_151, 49_152]) {
    for (const length of [4, 8, 9, 33, 34, 300, 70_000]) {
      const noise = new Uint8Array(distance);
      let word = distance * 31 + length;
      for (let at = 0; at < distance; at++) {
        word = Math.imul(word, 1_103_515_245) + 12_345;
        noise[at] = word >>> 16;
      }
      const text = new Uint8Array(distance + length);
      for (let at = 0; at < text.length; at++) text[at] = noise[at % distance] ?? 0;
      const packed = lzo1xCompress(text);
      assert.deepEqual(lzo1xDecompress(packed, text.length), text, `${distance} ${length}`);
    }
  }
});

Deno.test("lzo1xCompress finds what stands behind a long gap, up to the farthest match", () => {
  const text = new TextEncoder().encode(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
  );
  for (
    const [gap, found] of [[2000, true], [16_000, true], [49_000, true], [49_152, false]] as const
  ) {
    const whole = new Uint8Array([...text, ...new Uint8Array(gap), ...text]);
    const packed = lzo1xCompress(whole);
    assert.deepEqual(lzo1xDecompress(packed, whole.length), whole);
    assert.equal(packed.length < 2 * text.length + gap / 255, found, String(gap));
  }
});

Deno.test("lzo1xCompress makes 32 pages of zeros a few hundred bytes", () => {
  const packed = lzo1xCompress(new Uint8Array(131_072));
  assert(packed.length < 600, String(packed.length));
});

Deno.test("lzo1xDecompress reads every form of instruction", () => {
  const literal = (text: string) => toHex(new TextEncoder().encode(text));
  const cases: readonly (readonly [string, string])[] = [
    ["110000", ""],
    // 17 + 4 literals; near match of 5 at distance 4
    ["15" + literal("abcd") + "8c00" + "110000", "abcdabcda"],
    // near match of 3 and two literals behind it
    ["15" + literal("abcd") + "4e00" + literal("XY") + "110000", "abcdabcXY"],
    // one literal, match of 2 right after it (state 1), one literal behind
    [
      "15" + literal("abcd") + "4d00" + literal("e") + "0100" + literal("f") + "110000",
      "abcdabceeef",
    ],
    // a run of 4 literals in state 0
    ["15" + literal("abcd") + "4c00" + "01" + literal("wxyz") + "110000", "abcdabcwxyz"],
    // middle match: length 33 + 1 at distance 2
    ["13" + literal("ab") + "200" + "1" + "0400" + "110000", "ab".repeat(18)],
  ];
  for (const [packed, text] of cases) {
    const found = lzo1xDecompressInto(fromHex(packed), new Uint8Array(100));
    assert.equal(found, text.length, packed);
    assert.equal(new TextDecoder().decode(lzo1xDecompress(fromHex(packed), 100)), text);
  }
  // A run of 2100 literals, then a match of 3 from 2049 + 4 back (state 4).
  const run = Uint8Array.from({ length: 2100 }, (_, at) => at * 7);
  const packed = [0, ...Array(8).fill(0), 2100 - 18 - 8 * 255, ...run, 0, 1, 0x11, 0, 0];
  const whole = lzo1xDecompress(Uint8Array.from(packed), 3000);
  assert.deepEqual(whole.subarray(2100), run.subarray(2100 - 2053, 2100 - 2050));
});

Deno.test("lzo1xDecompressInto says what is wrong with a stream", () => {
  const packed = lzo1xCompress(new TextEncoder().encode("abcdefgh".repeat(40)));
  const room = new Uint8Array(320);
  for (let length = 0; length < packed.length; length++) {
    assert.equal(lzo1xDecompressInto(packed.subarray(0, length), room), LZO_ERROR.inputOverrun);
  }
  const long = new Uint8Array([...packed, 0]);
  assert.equal(lzo1xDecompressInto(long, room), LZO_ERROR.inputNotConsumed);
  assert.equal(lzo1xDecompressInto(packed, room.subarray(1)), LZO_ERROR.outputOverrun);
  const behind = fromHex("12614c00110000");
  assert.equal(lzo1xDecompressInto(behind, room), LZO_ERROR.lookbehindOverrun);
  assert.equal(lzo1xDecompressInto(fromHex("120000"), room), LZO_ERROR.inputOverrun);
  assert.equal(lzo1xDecompressInto(fromHex("1261120000"), room), LZO_ERROR.error);
  assert.throws(() => lzo1xDecompress(behind, 100), FormatError);
  const zeros = new Uint8Array(1_000_000);
  assert.equal(lzo1xDecompressInto(zeros, room), LZO_ERROR.outputOverrun);
});

Deno.test("lzo1xDecompressInto stays inside its buffers whatever it reads", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      const whole = new Uint8Array(600).fill(0xa5);
      const length = lzo1xDecompressInto(input, whole.subarray(100, 400));
      assert(length <= 300);
      assert(whole.subarray(0, 100).every((byte) => byte === 0xa5));
      assert(whole.subarray(400).every((byte) => byte === 0xa5));
    }),
    { numRuns: 500 },
  );
});

Deno.test("lzo1xDecompressInto survives a flipped bit anywhere", () => {
  const text = Uint8Array.from({ length: 400 }, (_, at) => (at * at) >> 3);
  const packed = lzo1xCompress(text);
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const bad = packed.slice();
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const length = lzo1xDecompressInto(bad, new Uint8Array(400));
    assert(length <= 400);
  }
});
