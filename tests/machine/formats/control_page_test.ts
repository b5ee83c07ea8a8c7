import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  codePageIndex,
  CONTROL_CODE_BYTES_MAX,
  CONTROL_DATA_OFFSET,
  type ControlData,
  controlDataBytes,
  controlPageBytes,
  emitControlData,
  parseControlData,
  REENTRY_OFFSET,
  reentryAddress,
  RELOCATE_OFFSET,
} from "../../../machine/formats/control_page.ts";
import type { KimageArch } from "../../../machine/formats/kimage.ts";
import { STAMP_BYTES } from "../../../machine/formats/stamp.ts";

const ARCHES: readonly KimageArch[] = ["i386", "x86_64"];

const I386: ControlData = {
  sp: 0xc123_4560n,
  cr0: 0x8005_003b,
  cr3: 0x0037_9000,
  cr4: 0x6d0,
  virtualControlPage: 0xc00a_b000n,
  physicalPgd: 0x3a_0000,
  physicalSwapPage: 0x3b_0000,
  listHead: 0x3c_0002,
};

const X86_64: ControlData = {
  ...I386,
  sp: 0xffff_c900_0001_3e10n,
  virtualControlPage: 0n,
};

function codePage(arch: KimageArch, data: ControlData): Uint8Array {
  const page = new Uint8Array(4096).fill(0xcc);
  page.set(emitControlData(arch, data), CONTROL_DATA_OFFSET);
  return page;
}

Deno.test("emitControlData puts the i386 fields at their offsets", () => {
  strictEqual(
    toHex(emitControlData("i386", I386)),
    "604523c1" + "3b000580" + "00903700" + "d0060000" + "00b00ac0" + "00003a00" + "00003b00" +
      "02003c00",
  );
});

Deno.test("emitControlData puts the x86_64 fields at their offsets", () => {
  strictEqual(
    toHex(emitControlData("x86_64", X86_64)),
    "103e010000c9ffff" + "3b00058000000000" + "0090370000000000" + "d006000000000000" +
      "00003a0000000000" + "00003b0000000000" + "02003c0000000000",
  );
});

Deno.test("the control page has room for code, two stamps and data", () => {
  strictEqual(RELOCATE_OFFSET + STAMP_BYTES <= REENTRY_OFFSET, true);
  strictEqual(REENTRY_OFFSET + STAMP_BYTES <= CONTROL_CODE_BYTES_MAX, true);
  strictEqual(CONTROL_CODE_BYTES_MAX <= CONTROL_DATA_OFFSET, true);
  deepStrictEqual(ARCHES.map(controlPageBytes), [4096, 8192]);
  deepStrictEqual(ARCHES.map(codePageIndex), [0, 1]);
  deepStrictEqual(ARCHES.map((arch) => reentryAddress(arch, 0x40_0000)), [0x40_00c0, 0x40_10c0]);
});

Deno.test("parseControlData and emitControlData round-trip any values", () => {
  for (const arch of ARCHES) {
    const wide = arch === "x86_64";
    const number = wide ? fc.maxSafeNat() : fc.nat(0xffff_ffff);
    const virtual = fc.bigInt({ min: 0n, max: wide ? 2n ** 64n - 1n : 0xffff_ffffn });
    const data = fc.record({
      sp: virtual,
      cr0: number,
      cr3: number,
      cr4: number,
      virtualControlPage: wide ? fc.constant(0n) : virtual,
      physicalPgd: number,
      physicalSwapPage: number,
      listHead: number,
    }, { noNullPrototype: true });
    fc.assert(fc.property(data, (value) => {
      deepStrictEqual(parseControlData(arch, codePage(arch, value)), value);
    }));
  }
});

Deno.test("parseControlData refuses a code page truncated anywhere before the data's end", () => {
  for (const arch of ARCHES) {
    const page = codePage(arch, arch === "i386" ? I386 : X86_64);
    const end = CONTROL_DATA_OFFSET + controlDataBytes(arch);
    for (let length = 0; length < end; length++) {
      throws(() => parseControlData(arch, page.subarray(0, length)), FormatError);
    }
    parseControlData(arch, page.subarray(0, end));
  }
});

Deno.test("parseControlData refuses physical numbers over 2^53", () => {
  const page = codePage("x86_64", X86_64);
  page[CONTROL_DATA_OFFSET + 0x30 + 7] = 1;
  throws(() => parseControlData("x86_64", page), { offset: CONTROL_DATA_OFFSET + 0x30 });
});

Deno.test("emitControlData refuses what has no room", () => {
  throws(() => emitControlData("i386", { ...I386, sp: 1n << 32n }), RangeError);
  throws(() => emitControlData("i386", { ...I386, listHead: 2 ** 32 }), RangeError);
  throws(() => emitControlData("x86_64", { ...X86_64, virtualControlPage: 1n }), RangeError);
  throws(() => emitControlData("x86_64", { ...X86_64, sp: -1n }), RangeError);
});
