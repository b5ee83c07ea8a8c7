import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { FormatError } from "../../../../machine/errors.ts";
import {
  eisaId,
  integer,
  method,
  name,
  nameString,
  packageOf,
  scope,
} from "../../../../machine/formats/acpi/aml.ts";

Deno.test("integer takes the shortest form", () => {
  deepStrictEqual(integer(0), [0]);
  deepStrictEqual(integer(1), [1]);
  deepStrictEqual(integer(255), [0x0a, 255]);
  deepStrictEqual(integer(256), [0x0b, 0, 1]);
  deepStrictEqual(integer(0xffff_ffff), [0x0c, 255, 255, 255, 255]);
  throws(() => integer(2 ** 32), FormatError);
  throws(() => integer(-1), FormatError);
});

Deno.test("eisaId packs letters and digits", () => {
  deepStrictEqual(eisaId("PNP0A03"), [0x0c, 0x41, 0xd0, 0x0a, 0x03]);
  throws(() => eisaId("PNP0A0"), FormatError);
});

Deno.test("name and packageOf encode a sleep state as firmware does", () => {
  const state = name("\\_S5", packageOf([integer(7), integer(0), integer(0), integer(0)]));
  deepStrictEqual(state, [8, 0x5c, 0x5f, 0x53, 0x35, 0x5f, 0x12, 7, 4, 0x0a, 7, 0, 0, 0]);
});

Deno.test("scope states its length in one, two and three bytes", () => {
  const prefix = (bytes: number) => scope("\\_SB", [Array(bytes).fill(0xa3)]).slice(1, 4);
  strictEqual(prefix(57)[0], 5 + 57 + 1);
  deepStrictEqual(prefix(58).slice(0, 2), [0x41, 0x04]);
  deepStrictEqual(prefix(4096), [0x88, 0x00, 0x01]);
});

Deno.test("nameString refuses names that AML cannot have", () => {
  for (const text of ["", "toolong", "abc", "1ABC", "A.B"]) {
    throws(() => nameString(text), FormatError);
  }
  deepStrictEqual(method("\\_PTS", 1, [])[0], 0x14);
});
