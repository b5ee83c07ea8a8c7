import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  BOOT_PARAMS_BYTES,
  type BootParams,
  emitBootParams,
  LOADER_KEXEC,
  parseBootParams,
} from "../../../machine/formats/boot_params.ts";
import { emitBzImage, setupHeaderBytes } from "../../../machine/formats/bzimage.ts";
import { laptopE820 } from "../../../machine/formats/e820_profiles.ts";

const HEADER = setupHeaderBytes(emitBzImage({
  arch: "x86_64",
  protocolVersion: 0x020f,
  kernelVersion: "6.1.192-kjump",
  stampVersion: 1,
  body: new Uint8Array(16),
  relocatable: true,
  alignment: 0x20_0000,
  initSize: 0x100_0000,
  prefAddress: 0x100_0000,
}));
const PARAMS: BootParams = {
  setupHeader: HEADER,
  loaderType: LOADER_KEXEC,
  commandLineAddress: 0x7ff_2000,
  ramdiskAddress: 0x6c5_6000,
  ramdiskBytes: 0x3a_91d1,
  setupDataAddress: 0x400_0000,
  acpiRsdpAddress: 0xf_59d0,
  e820: laptopE820(512 * 1024 * 1024),
};

Deno.test("emitBootParams puts every field at its offset", () => {
  const bytes = emitBootParams(PARAMS);
  const view = new DataView(bytes.buffer);
  strictEqual(bytes.length, BOOT_PARAMS_BYTES);
  strictEqual(view.getUint16(0x1fe, true), 0xaa55);
  strictEqual(view.getUint32(0x202, true), 0x53726448);
  strictEqual(view.getUint8(0x210), 0xd0);
  strictEqual(view.getUint32(0x218, true), 0x6c5_6000);
  strictEqual(view.getUint32(0x21c, true), 0x3a_91d1);
  strictEqual(view.getUint32(0x228, true), 0x7ff_2000);
  strictEqual(view.getBigUint64(0x250, true), 0x400_0000n);
  strictEqual(view.getBigUint64(0x070, true), 0xf_59d0n);
  strictEqual(view.getUint8(0x1e8), 7);
  strictEqual(view.getBigUint64(0x2d0 + 20, true), 0x9_f000n);
  strictEqual(view.getUint32(0x2d0 + 4 * 20 + 16, true), 3);
});

Deno.test("parseBootParams gives back what emitBootParams was given, also above 4 GiB", () => {
  const address = fc.maxSafeNat();
  const params = fc.record({
    setupHeader: fc.constant(HEADER),
    loaderType: fc.integer({ min: 0, max: 255 }),
    commandLineAddress: address,
    ramdiskAddress: address,
    ramdiskBytes: address,
    setupDataAddress: address,
    acpiRsdpAddress: address,
    e820: fc.array(
      fc.record({
        start: fc.integer({ min: 0, max: 2 ** 40 }),
        length: fc.integer({ min: 0, max: 2 ** 40 }),
        type: fc.integer({ min: 0, max: 0xffff_ffff }),
      }, { noNullPrototype: true }),
      { maxLength: 128 },
    ),
  }, { noNullPrototype: true });
  fc.assert(fc.property(params, (each) => {
    deepStrictEqual(parseBootParams(emitBootParams(each)), each);
  }));
});

Deno.test("parseBootParams refuses a page cut at every byte", () => {
  const bytes = emitBootParams(PARAMS);
  for (let length = 0; length < bytes.length; length++) {
    throws(() => parseBootParams(bytes.subarray(0, length)), FormatError);
  }
});

Deno.test("parseBootParams refuses a page without header and one with 129 entries", () => {
  throws(() => parseBootParams(new Uint8Array(4096)), FormatError);
  const bytes = emitBootParams(PARAMS);
  bytes[0x1e8] = 129;
  throws(() => parseBootParams(bytes), (error: FormatError) => error.offset === 0x1e8);
});

Deno.test("emitBootParams refuses too many entries and headers of a wrong length", () => {
  const e820 = Array.from({ length: 129 }, () => ({ start: 0, length: 0, type: 1 }));
  throws(() => emitBootParams({ ...PARAMS, e820 }), FormatError);
  throws(() => emitBootParams({ ...PARAMS, setupHeader: HEADER.subarray(1) }), FormatError);
  throws(() => emitBootParams({ ...PARAMS, setupHeader: HEADER.subarray(0, 100) }), FormatError);
  throws(() => emitBootParams({ ...PARAMS, setupHeader: new Uint8Array(128) }), FormatError);
});
