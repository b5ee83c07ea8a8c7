import { deepStrictEqual, notStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  bzImageBody,
  bzImageLoadBytes,
  type BzImageSource,
  emitBzImage,
  ENTRY_64_OFFSET,
  kernelDigest,
  parseBzImage,
  setupHeaderBytes,
} from "../../../machine/formats/bzimage.ts";
import { parseStamp, STAMP_BYTES, verifyStamp } from "../../../machine/formats/stamp.ts";

const SOURCE_64: BzImageSource = {
  arch: "x86_64",
  protocolVersion: 0x020f,
  kernelVersion: "6.1.192-kjump (lab@kjump) #1 SMP",
  stampVersion: 7,
  body: new TextEncoder().encode("what the kernel is made of"),
  relocatable: true,
  alignment: 0x20_0000,
  initSize: 0x3f9_8000,
  prefAddress: 0x100_0000,
  argument: 0x9000,
};
const SOURCE_32: BzImageSource = {
  ...SOURCE_64,
  arch: "i386",
  protocolVersion: 0x0209,
  kernelVersion: "2.6.27-kjump",
  alignment: 0x10_0000,
};

Deno.test("parseBzImage gives back what emitBzImage was told", () => {
  const info = parseBzImage(emitBzImage(SOURCE_64));
  strictEqual(info.kernelVersion, SOURCE_64.kernelVersion);
  strictEqual(info.arch, "x86_64");
  strictEqual(info.protocolVersion, 0x020f);
  strictEqual(info.relocatable, true);
  strictEqual(info.kernelAlignment, 0x20_0000);
  strictEqual(info.minAlignment, 21);
  strictEqual(info.initSize, 0x3f9_8000);
  strictEqual(info.preferredAddress, 0x100_0000);
  strictEqual(info.extendedLoadFlags & 3, 3);
  strictEqual(info.bodyBytes, info.loadBytes);
});

Deno.test("parseBzImage gives fields that an old protocol lacks their stated value", () => {
  const info = parseBzImage(emitBzImage({ ...SOURCE_32, protocolVersion: 0x0202 }));
  strictEqual(info.arch, "i386");
  strictEqual(info.initrdAddressMax, 0x37ff_ffff);
  strictEqual(info.relocatable, false);
  strictEqual(info.commandLineSize, 255);
  strictEqual(info.initSize, 0);
});

Deno.test("emitBzImage puts a kernel stamp at each entry point", () => {
  for (const [source, entries] of [[SOURCE_32, [0]], [SOURCE_64, [0, ENTRY_64_OFFSET]]] as const) {
    const bytes = emitBzImage(source);
    const part = bzImageBody(bytes);
    for (const entry of entries) {
      const stamp = parseStamp(part.subarray(entry));
      ok(stamp !== undefined);
      strictEqual(stamp.kind, 2);
      strictEqual(stamp.version, 7);
      strictEqual(stamp.argument, 0x9000);
      ok(verifyStamp(stamp, part.subarray(entry + STAMP_BYTES)));
    }
    const { payloadOffset, payloadLength } = parseBzImage(bytes);
    const body = entries.length === 1 ? part.subarray(STAMP_BYTES) : part.subarray(payloadOffset);
    deepStrictEqual(body.slice(0, source.body.length), source.body);
    ok(payloadLength === 0 || payloadLength === source.body.length);
  }
});

Deno.test("parseBzImage refuses an image cut at every byte before its last paragraph", () => {
  for (const bytes of [emitBzImage(SOURCE_64), emitBzImage(SOURCE_32)]) {
    for (let length = 0; length <= bytes.length - 16; length++) {
      throws(() => parseBzImage(bytes.subarray(0, length)), FormatError);
    }
  }
});

Deno.test("parseBzImage refuses wrong magic numbers, a zImage and a version text outside", () => {
  const broken = (offset: number, value: number) => () => {
    const bytes = emitBzImage(SOURCE_64);
    bytes[offset] = value;
    parseBzImage(bytes);
  };
  throws(broken(0x1fe, 0), (error: FormatError) => error.offset === 0x1fe);
  throws(broken(0x203, 0), (error: FormatError) => error.offset === 0x202);
  throws(broken(0x207, 1), (error: FormatError) => error.offset === 0x206);
  throws(broken(0x211, 0), (error: FormatError) => error.offset === 0x211);
  throws(broken(0x20f, 0x40), (error: FormatError) => error.offset === 0x20e);
});

Deno.test("parseBzImage takes bytes after the image for a signature", () => {
  const bytes = emitBzImage(SOURCE_64);
  const signed = new Uint8Array(bytes.length + 1472);
  signed.set(bytes);
  strictEqual(kernelDigest(signed), kernelDigest(bytes));
  strictEqual(bzImageLoadBytes(signed).length, bzImageBody(signed).length + 1472);
});

Deno.test("kernelDigest changes with the kernel's body", () => {
  const other = emitBzImage({ ...SOURCE_64, body: Uint8Array.of(1) });
  notStrictEqual(kernelDigest(other), kernelDigest(emitBzImage(SOURCE_64)));
});

Deno.test("setupHeaderBytes begins at 0x1f1 and ends where the header says", () => {
  const header = setupHeaderBytes(emitBzImage(SOURCE_64));
  strictEqual(header.length, 0x26c - 0x1f1);
  strictEqual(new TextDecoder().decode(header.subarray(0x11, 0x15)), "HdrS");
  strictEqual(setupHeaderBytes(emitBzImage(SOURCE_32)).length, 0x258 - 0x1f1);
});

Deno.test("emitBzImage refuses what a kernel cannot be", () => {
  throws(() => emitBzImage({ ...SOURCE_64, protocolVersion: 0x0209 }), FormatError);
  throws(() => emitBzImage({ ...SOURCE_64, alignment: 3 * 0x1000 }), FormatError);
  throws(() => emitBzImage({ ...SOURCE_64, kernelVersion: "x".repeat(512) }), FormatError);
  throws(() => emitBzImage({ ...SOURCE_64, initSize: 2 ** 32 }), FormatError);
});

Deno.test("parseBzImage throws nothing but FormatError for any bytes", () => {
  const whole = emitBzImage(SOURCE_64);
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer({ min: 0x1f1, max: 0x270 }), fc.integer({ min: 0, max: 255 }))),
    (changes) => {
      const bytes = whole.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      try {
        parseBzImage(bytes);
      } catch (error) {
        ok(error instanceof FormatError);
      }
    },
  ));
});
