import assert from "node:assert/strict";
import { FormatError } from "../../machine/errors.ts";
import { parseElf } from "../../machine/formats/elf.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND, verifyStamp } from "../../machine/formats/stamp.ts";
import {
  parsePhysicalMode,
  physicalModeFile,
} from "../../actors/programs/physical_mode_program.ts";

const text = (file: Uint8Array): Uint8Array => file.subarray(4096, 8192);

Deno.test("physicalModeFile makes an executable of one PT_LOAD with a stamped text", () => {
  for (const arch of ["i386", "x86_64"] as const) {
    for (const returns of ["ret", "call"] as const) {
      const file = physicalModeFile({ arch, returns, address: 0x30_0000 });
      const { header, programs } = parseElf(file);
      assert.equal(header.type, 2);
      assert.equal(header.class, arch === "i386" ? 32 : 64);
      assert.equal(header.entry, 0x30_0000);
      assert.equal(programs.length, 1);
      const [load] = programs;
      assert.deepEqual(
        [load?.paddr, load?.offset, load?.filesz, load?.memsz],
        [0x30_0000, 0x1000, 0x2000, 0x3000],
      );
      const stamp = parseStamp(text(file));
      assert.ok(stamp !== undefined && stamp.kind === STAMP_KIND.physicalMode);
      const body = text(file).subarray(STAMP_BYTES);
      assert.ok(verifyStamp(stamp, body));
      assert.deepEqual(parsePhysicalMode(body), {
        returns,
        data: 0x30_1000,
        stack: 0x30_2000,
        wordBytes: arch === "i386" ? 4 : 8,
      });
    }
  }
});

Deno.test("parsePhysicalMode refuses a text cut anywhere in its table, and bad values", () => {
  const body = text(physicalModeFile({ arch: "i386", returns: "ret" })).subarray(STAMP_BYTES);
  for (let length = 0; length < 16; length++) {
    assert.throws(() => parsePhysicalMode(body.subarray(0, length)), FormatError);
  }
  for (const [at, value] of [[0, 2], [4, 1], [8, 0xff], [12, 5]] as const) {
    const bad = body.slice();
    bad[at] = value;
    assert.throws(() => parsePhysicalMode(bad), FormatError, `offset ${at}`);
  }
});
