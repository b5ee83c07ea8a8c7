import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitSwapHeader,
  isSwapArea,
  newSwapHeader,
  parseSwapHeader,
  SWAP_SIGNATURE,
} from "../../../machine/formats/swap_header.ts";

const UUID = fromHex("123456789abc4def81234567" + "89abcdef");

Deno.test("emitSwapHeader writes what mkswap 2.38.1 wrote for 1 MiB", () => {
  const page = emitSwapHeader(newSwapHeader({ pages: 256, uuid: UUID, label: "swap" }));
  const real = new Uint8Array(4096);
  real.set(fromHex("01000000ff00000000000000123456789abc4def8123456789abcdef73776170"), 1024);
  real.set(new TextEncoder().encode("SWAPSPACE2"), 4086);
  assert.deepEqual(page, real);
  const header = parseSwapHeader(real);
  assert.equal(header.label, "swap");
  assert.equal(header.lastPage, 255);
  assert.equal(isSwapArea(header), true);
});

Deno.test("parseSwapHeader and emitSwapHeader lose nothing of any page", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (page) => {
    page.fill(0, 4070, 4072); // the image's number is a page number, well below 2^53
    page.fill(0, 4068, 4070);
    assert.deepEqual(emitSwapHeader(parseSwapHeader(page)), page);
  }));
});

Deno.test("parseSwapHeader refuses a truncated page at every byte", () => {
  const page = emitSwapHeader(newSwapHeader({ pages: 256, uuid: UUID }));
  for (let length = 0; length < 4096; length++) {
    assert.throws(() => parseSwapHeader(page.subarray(0, length)), FormatError);
  }
});

Deno.test("isSwapArea takes the two signatures of version 1 and no other", () => {
  const header = newSwapHeader({ pages: 256, uuid: UUID });
  const accepted = (change: Partial<typeof header>) => isSwapArea({ ...header, ...change });
  assert.equal(accepted({}), true);
  assert.equal(accepted({ signature: SWAP_SIGNATURE.old }), true);
  assert.equal(accepted({ signature: SWAP_SIGNATURE.suspended }), false);
  assert.equal(accepted({ signature: "" }), false);
  assert.equal(accepted({ version: 2 }), false);
  assert.equal(accepted({ badPages: 1 }), false);
});

Deno.test("newSwapHeader refuses an area under 40 KiB, as mkswap does", () => {
  assert.throws(() => newSwapHeader({ pages: 9, uuid: UUID }), FormatError);
  newSwapHeader({ pages: 10, uuid: UUID });
});

Deno.test("emitSwapHeader refuses a UUID or a label that does not fit", () => {
  const header = newSwapHeader({ pages: 256, uuid: UUID });
  assert.throws(() => emitSwapHeader({ ...header, uuid: UUID.slice(1) }), FormatError);
  assert.throws(() => emitSwapHeader({ ...header, label: "seventeen letters" }), FormatError);
});
