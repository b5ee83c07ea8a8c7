import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import type { Fact } from "../../../machine/protocol/facts.ts";
import {
  expectation,
  overlaps,
  parseSegments,
  type Segment,
} from "../../../machine/protocol/rules/load_table.ts";

function call(change: Partial<Fact<"load">> = {}): Fact<"load"> {
  return {
    k: "A",
    slot: "default",
    flags: "0x3e0000",
    preserve: false,
    arch: "x86_64",
    capable: true,
    disabled: false,
    segments: 1,
    entry: "0x2000000",
    limit: "0x3fffffffffff",
    ram_pages: 56734,
    half_ram: true,
    result: 0,
    ...change,
  };
}

const PAGE = "2000000+1000/1000";

/** What a real Linux 6.1 answered to these calls (name, segments, change of the call, result). */
const MEASURED: readonly (readonly [string, string, Partial<Fact<"load">>, number])[] = [
  ["valid_one_page", PAGE, {}, 0],
  ["valid_one_page_arch_default", PAGE, { flags: "0" }, 0],
  ["valid_preserve_context", PAGE, { flags: "0x3e0002" }, 0],
  ["entry_not_in_any_segment", PAGE, { entry: "0xdead000" }, 0],
  ["wrong_arch_i386", PAGE, { flags: "0x30000" }, -22],
  ["unknown_flag_0x8", PAGE, { flags: "0x3e0008" }, -22],
  ["unknown_flag_0x3c_seed_0x3e", PAGE, { flags: "0x3e" }, -22],
  ["mem_unaligned", "2000010+1000/1000", {}, -99],
  ["memsz_unaligned", "2000000+1001/1000", {}, -99],
  ["bufsz_gt_memsz", "2000000+1000/2000", {}, -22],
  ["zero_memsz", "2000000+0/0", {}, 0],
  ["bufsz0_memsz_page", "2000000+1000/0", {}, 0],
  ["mem_wraps", "fffffffffffff000+2000/1000", {}, -99],
  ["mem_beyond_limit", "8000000000000000+1000/1000", {}, -99],
  ["mem_64TiB", "400000000000+1000/1000", {}, -99],
  ["mem_end_eq_64TiB", "3ffffffff000+1000/1000", {}, -99],
  ["mem_beyond_ram_2GiB", "80000000+1000/1000", {}, 0],
  ["mem_page0", "0+1000/1000", {}, 0],
  ["overlap_two", "2000000+2000/2000,2001000+1000/1000", { segments: 2 }, -22],
  ["identical_two", "2000000+2000/2000,2000000+2000/2000", { segments: 2 }, -22],
  ["adjacent_two", "2000000+2000/2000,2002000+1000/1000", { segments: 2 }, 0],
  ["overlap_and_unaligned", "2000000+2000/2000,2000800+1000/1000", { segments: 2 }, -99],
  ["nr17", "", { segments: 17 }, -22],
  ["nr_huge", "", { segments: 1099511627776 }, -22],
  ["one_seg_half_plus_1page", "1000000+6ed0000/0", {}, -22],
  ["one_seg_exactly_half", "1000000+6ecf000/0", {}, 0],
  ["two_segs_sum_over_half", "1000000+3768000/0,4768000+3768000/0", { segments: 2 }, -22],
  ["no_CAP_SYS_BOOT_load", PAGE, { capable: false }, -1],
  ["no_cap_and_nr17", "", { capable: false, segments: 17 }, -1],
  ["load_disabled", PAGE, { disabled: true }, -1],
];

Deno.test("expectation gives what a real kernel answered", () => {
  for (const [name, list, change, result] of MEASURED) {
    assert.equal(expectation(call(change), parseSegments(list)).result, result, name);
  }
});

Deno.test("expectation lets 2.6.27 load more than half of RAM and does not look for wraps", () => {
  const old = call({ half_ram: false, arch: "i386", flags: "0x30002", limit: "0xffffffff" });
  assert.equal(expectation(old, parseSegments("1000000+6ed0000/0")).result, 0);
  assert.equal(expectation(old, parseSegments("fffff000+2000/0")).result, 0);
  assert.equal(expectation(old, parseSegments("ffffe000+1000/0")).result, 0);
});

Deno.test("parseSegments refuses what is no list", () => {
  assert.deepEqual(parseSegments("0x1000+0x2000/0x10"), [{ mem: 4096n, memsz: 8192n, bufsz: 16n }]);
  for (const text of ["x", "1+2", "1+2/", "1+2/3,", "g+1/1", "1/2+3"]) {
    assert.throws(() => parseSegments(text), FormatError, text);
  }
});

Deno.test("overlaps agrees with a look at every byte, empty segments only strictly inside", () => {
  const segment = fc.record({ mem: fc.nat(12), memsz: fc.nat(5) });
  const wide = ({ mem, memsz }: { readonly mem: number; readonly memsz: number }): Segment => ({
    ...{ mem: BigInt(mem), memsz: BigInt(memsz), bufsz: 0n },
  });
  fc.assert(fc.property(segment, segment, (one, other) => {
    const inside = (empty: typeof one, full: typeof one) =>
      empty.memsz === 0 && empty.mem > full.mem && empty.mem < full.mem + full.memsz;
    const common = Array.from({ length: 20 }, (_, at) => at).some((at) =>
      [one, other].every(({ mem, memsz }) => at >= mem && at < mem + memsz)
    );
    const wanted = common || inside(one, other) || inside(other, one);
    assert.equal(overlaps([wide(one), wide(other)]), wanted);
  }));
});
