import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { crc32, toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitKernelStateHeader,
  type KernelStateHeader,
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../../machine/formats/kernel_state_header.ts";

const HEADER: KernelStateHeader = {
  name: "A",
  version: 2627,
  length: 0x1234,
  crc: 0xdead_beef,
  memMap: 0x100_0000,
  frames: 0x3fe0,
};

Deno.test("emitKernelStateHeader puts the fields at their offsets", () => {
  const body = "4b4a535441544531" + "430a0000" + "34120000" + "efbeadde" + "e03f0000" +
    "0000000100000000" + "41" + "00".repeat(27);
  strictEqual(toHex(emitKernelStateHeader(HEADER).subarray(0, 60)), body);
});

Deno.test("emitKernelStateHeader ends with the CRC-32 of what stands before it", () => {
  const bytes = emitKernelStateHeader(HEADER);
  const saved = new DataView(bytes.buffer).getUint32(60, true);
  strictEqual(saved, crc32(bytes.subarray(0, 60)));
});

Deno.test("parseKernelStateHeader gives back what was emitted", () => {
  const word = fc.nat(0xffff_ffff);
  const printable = Array.from(
    { length: 0x7e - 0x21 + 1 },
    (_, at) => String.fromCharCode(0x21 + at),
  );
  const name = fc.array(fc.constantFrom(...printable), { minLength: 1, maxLength: 16 })
    .map((letters) => letters.join(""));
  fc.assert(
    fc.property(
      fc.record({
        name,
        version: word,
        length: word,
        crc: word,
        memMap: fc.maxSafeNat(),
        frames: word,
      }, { noNullPrototype: true }),
      (header) => deepStrictEqual(parseKernelStateHeader(emitKernelStateHeader(header)), header),
    ),
  );
});

Deno.test("parseKernelStateHeader refuses a truncated header at every byte", () => {
  const bytes = emitKernelStateHeader(HEADER);
  for (let length = 0; length < STATE_HEADER_BYTES; length++) {
    throws(() => parseKernelStateHeader(bytes.subarray(0, length)), FormatError, `${length} bytes`);
  }
});

Deno.test("parseKernelStateHeader refuses a header with any one bit flipped", () => {
  for (let bit = 0; bit < STATE_HEADER_BYTES * 8; bit++) {
    const bytes = emitKernelStateHeader(HEADER);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    throws(() => parseKernelStateHeader(bytes), FormatError, `bit ${bit}`);
  }
});

/** A header with one place written over and its checksum made right again. */
function patched(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = emitKernelStateHeader(HEADER);
  const view = new DataView(bytes.buffer);
  change(view, bytes);
  view.setUint32(60, crc32(bytes.subarray(0, 60)), true);
  return bytes;
}

Deno.test("parseKernelStateHeader refuses impossible values under a right checksum", () => {
  const at = (offset: number, change: (view: DataView, bytes: Uint8Array) => void) =>
    throws(
      () => parseKernelStateHeader(patched(change)),
      (error) => error instanceof FormatError && error.offset === offset,
    );
  at(0, (_view, bytes) => bytes.set([0x6b], 0));
  at(24, (view) => view.setBigUint64(24, 2n ** 53n, true));
  at(32, (_view, bytes) => bytes.fill(0, 32, 48));
  at(32, (_view, bytes) => bytes.set([0x20], 32));
});

Deno.test("emitKernelStateHeader refuses names that do not fit", () => {
  for (const name of ["", "seventeen letters", "a b", "ä"]) {
    throws(() => emitKernelStateHeader({ ...HEADER, name }), RangeError, name);
  }
});
