import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import { REENTRY_OFFSET } from "../../../machine/formats/control_page.ts";
import {
  emitJumpBuffer,
  JUMP_BUFFER_BYTES,
  JUMP_BUFFER_OFFSET,
  JUMP_BUFFER_STACK_OFFSET,
  type JumpBuffer,
  jumpBufferAt,
  parseJumpBuffer,
} from "../../../machine/formats/jump_buffer.ts";

const BUFFER: JumpBuffer = jumpBufferAt(0x307_3000, {
  version: 2623,
  state: 0x310_0000,
  context: 0x300_1000,
  name: "A",
});

function pageOf(buffer: JumpBuffer): Uint8Array {
  const page = new Uint8Array(4096).fill(0x90);
  page.set(emitJumpBuffer(buffer), JUMP_BUFFER_OFFSET);
  return page;
}

Deno.test("emitJumpBuffer puts magic, addresses and name where the table says", () => {
  const bytes = emitJumpBuffer(BUFFER);
  strictEqual(bytes.length, JUMP_BUFFER_BYTES);
  strictEqual(new TextDecoder().decode(bytes.subarray(0, 8)), "KJMPBUF1");
  const view = new DataView(bytes.buffer);
  strictEqual(view.getUint32(8, true), 2623);
  strictEqual(view.getBigUint64(16, true), 0x307_3000n);
  strictEqual(view.getBigUint64(24, true), BigInt(0x307_3000 + REENTRY_OFFSET));
  strictEqual(bytes[48], "A".charCodeAt(0));
  // The word for the stack of who jumps back is zero.
  strictEqual(JUMP_BUFFER_STACK_OFFSET - JUMP_BUFFER_OFFSET, 64);
  strictEqual(view.getBigUint64(64, true), 0n);
});

Deno.test("parseJumpBuffer gives back what emitJumpBuffer was given", () => {
  const address = fc.integer({ min: 0, max: 2 ** 36 }).map((page) => page * 4096);
  const name = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/);
  fc.assert(
    fc.property(fc.nat(0xffff), address, address, address, name, (version, page, state, at, k) => {
      const buffer = jumpBufferAt(page, { version, state, context: at, name: k });
      deepStrictEqual(parseJumpBuffer(pageOf(buffer), page), buffer);
    }),
  );
});

Deno.test("parseJumpBuffer refuses a page with any byte of the record changed", () => {
  for (let at = 0; at < 64; at++) {
    const page = pageOf(BUFFER);
    page[JUMP_BUFFER_OFFSET + at] = (page[JUMP_BUFFER_OFFSET + at] ?? 0) ^ 0x10;
    throws(() => parseJumpBuffer(page, BUFFER.page), FormatError, `byte ${at}`);
  }
});

Deno.test("parseJumpBuffer refuses pages that are none, are cut, or lie elsewhere", () => {
  throws(() => parseJumpBuffer(new Uint8Array(4096), 0), FormatError);
  for (const length of [0, 1, JUMP_BUFFER_OFFSET, 4095]) {
    throws(() => parseJumpBuffer(pageOf(BUFFER).subarray(0, length), BUFFER.page), FormatError);
  }
  throws(
    () => parseJumpBuffer(pageOf(BUFFER), BUFFER.page + 4096),
    (error) => error instanceof FormatError && /says it is at 0x3073000/.test(error.message),
  );
  ok(parseJumpBuffer(pageOf(BUFFER), BUFFER.page));
});
