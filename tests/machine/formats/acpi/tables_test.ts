import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../../machine/errors.ts";
import { buildAcpiTables, type PlacedTable } from "../../../../machine/formats/acpi/build.ts";
import { emitFacs, parseFacs } from "../../../../machine/formats/acpi/facs.ts";
import { emitFadt, FADT_BYTES, parseFadt } from "../../../../machine/formats/acpi/fadt.ts";
import { emitMadt, parseMadt, pcInterrupts } from "../../../../machine/formats/acpi/madt.ts";
import { emitRootTable, parseRootTable } from "../../../../machine/formats/acpi/root_table.ts";
import { emitRsdp, parseRsdp } from "../../../../machine/formats/acpi/rsdp.ts";
import {
  byteSum,
  emitTable,
  LABORATORY_IDENTITY,
  parseTable,
} from "../../../../machine/formats/acpi/table.ts";
import { notebook } from "./machine.ts";

const TABLES = buildAcpiTables(notebook(6));

function table(name: string, tables: readonly PlacedTable[] = TABLES): Uint8Array {
  const found = tables.find((each) => each.name === name);
  ok(found !== undefined, name);
  return found.bytes;
}

/** Each parser with a table of its own. */
const PARSERS: readonly (readonly [string, (bytes: Uint8Array) => unknown])[] = [
  ["RSDP", parseRsdp],
  ["FACP", parseFadt],
  ["FACS", parseFacs],
  ["APIC", parseMadt],
  ["DSDT", (bytes) => parseTable(bytes, "DSDT")],
  ["RSDT", (bytes) => parseRootTable(bytes, "RSDT")],
  ["XSDT", (bytes) => parseRootTable(bytes, "XSDT")],
];

for (const [name, parse] of PARSERS) {
  Deno.test(`the parser of ${name} refuses a table cut at every byte`, () => {
    const bytes = table(name);
    parse(bytes);
    for (let length = 0; length < bytes.length; length++) {
      throws(() => parse(bytes.subarray(0, length)), FormatError, `${length}`);
    }
  });

  Deno.test(`the parser of ${name} throws nothing but FormatError for a changed table`, () => {
    const whole = table(name);
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }),
      (changes) => {
        const bytes = whole.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        try {
          parse(bytes);
        } catch (error) {
          ok(error instanceof FormatError, String(error));
        }
      },
    ));
  });
}

Deno.test("parseTable and parseRsdp notice any single changed byte", () => {
  for (const name of ["RSDP", "FACP", "DSDT", "APIC", "RSDT", "XSDT"]) {
    const parse = name === "RSDP" ? parseRsdp : parseTable;
    const whole = table(name);
    for (let offset = 0; offset < whole.length; offset++) {
      const bytes = whole.slice();
      bytes[offset] = ((bytes[offset] ?? 0) + 1) & 0xff;
      throws(() => parse(bytes), FormatError);
    }
  }
});

Deno.test("parseTable gives back what emitTable was given", () => {
  const value = {
    ...LABORATORY_IDENTITY,
    signature: "SSDT",
    revision: 2,
    body: Uint8Array.of(1, 2, 3),
  };
  const bytes = emitTable(value);
  strictEqual(byteSum(bytes), 0);
  strictEqual(new TextDecoder().decode(bytes.subarray(10, 24)), "KJUMP KJUMPLAB");
  deepStrictEqual(parseTable(bytes), value);
  throws(() => parseTable(bytes, "DSDT"), FormatError);
});

Deno.test("parseTable refuses a length below a header's and above 1 MiB", () => {
  const bytes = emitTable({
    ...LABORATORY_IDENTITY,
    signature: "SSDT",
    revision: 1,
    body: new Uint8Array(),
  });
  bytes[4] = 35;
  throws(() => parseTable(bytes), FormatError);
  bytes[6] = 0x20;
  throws(() => parseTable(bytes), FormatError);
});

Deno.test("parseRsdp gives back both revisions", () => {
  const first = { oemId: "KJUMP", revision: 0, rsdtAddress: 0x1ff6_0000, xsdtAddress: 0 };
  const later = { ...first, revision: 2, xsdtAddress: 0x1_0000_0000 };
  strictEqual(emitRsdp(first).length, 20);
  deepStrictEqual(parseRsdp(emitRsdp(first)), first);
  deepStrictEqual(parseRsdp(emitRsdp(later)), later);
});

Deno.test("parseRootTable gives back addresses of 4 and of 8 bytes", () => {
  for (const signature of ["RSDT", "XSDT"] as const) {
    const bytes = emitRootTable(signature, [0x1000, 0xffff_fff0], LABORATORY_IDENTITY);
    deepStrictEqual(parseRootTable(bytes, signature), [0x1000, 0xffff_fff0]);
  }
  throws(() => emitRootTable("RSDT", [2 ** 32], LABORATORY_IDENTITY), FormatError);
});

Deno.test("parseFacs gives back the FACS, with its fields where protocol.md E.6.3 has them", () => {
  const facs = {
    hardwareSignature: 0x1234_5678,
    wakingVector: 0x9_a000,
    globalLock: 2,
    flags: 1,
    extendedWakingVector: 0x1_0000_0000,
    version: 2,
    ospmFlags: 1,
  };
  const bytes = emitFacs(facs);
  const view = new DataView(bytes.buffer);
  strictEqual(view.getUint32(8, true), 0x1234_5678);
  strictEqual(view.getUint32(12, true), 0x9_a000);
  strictEqual(view.getBigUint64(24, true), 0x1_0000_0000n);
  deepStrictEqual(parseFacs(bytes), facs);
});

for (const revision of [1, 3, 4, 5, 6]) {
  Deno.test(`parseFadt reads the FADT of revision ${revision}`, () => {
    const bytes = table("FACP", buildAcpiTables(notebook(revision)));
    const view = new DataView(bytes.buffer);
    const fadt = parseFadt(bytes);
    strictEqual(bytes.length, FADT_BYTES[revision]);
    strictEqual(view.getUint32(36, true), 0x1ff7_7000);
    strictEqual(view.getUint32(64, true), 0x604);
    strictEqual(view.getUint8(89), 2);
    strictEqual(fadt.facsAddress, 0x1ff7_7000);
    strictEqual(fadt.dsdtAddress, 0x1ff6_0000);
    deepStrictEqual(fadt.pm1aControl, { port: 0x604, bytes: 2 });
    deepStrictEqual(fadt.pm1bControl, { port: 0, bytes: 0 });
    strictEqual(fadt.resetPort, revision === 1 ? 0 : 0xcf9);
    strictEqual((fadt.flags >> 7) & 1, 1);
    deepStrictEqual(parseFadt(emitFadt(fadt, LABORATORY_IDENTITY)), fadt);
  });
}

Deno.test("emitFadt refuses an unknown revision and blocks of different lengths", () => {
  const fadt = parseFadt(table("FACP"));
  throws(() => emitFadt({ ...fadt, revision: 7 }, LABORATORY_IDENTITY), FormatError);
  const pm1bControl = { port: 0x700, bytes: 4 };
  throws(() => emitFadt({ ...fadt, pm1bControl }, LABORATORY_IDENTITY), FormatError);
});

Deno.test("parseMadt gives back processors, other records kept with their bytes", () => {
  const madt = pcInterrupts(3, 9);
  const records = [...madt.records, {
    kind: "other" as const,
    type: 4,
    bytes: Uint8Array.of(0xff, 0, 0, 1),
  }];
  const bytes = emitMadt({ ...madt, records }, LABORATORY_IDENTITY);
  deepStrictEqual(parseMadt(bytes), { ...madt, records });
});

Deno.test("parseMadt refuses a record of no length instead of reading it forever", () => {
  const bytes = emitTable({
    ...LABORATORY_IDENTITY,
    signature: "APIC",
    revision: 1,
    body: new Uint8Array(16),
  });
  throws(() => parseMadt(bytes), FormatError);
});
