import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { FormatError } from "../../../../machine/errors.ts";
import { buildAcpiTables, SLEEP_TYPES } from "../../../../machine/formats/acpi/build.ts";
import { parseSleepPackage } from "../../../../machine/formats/acpi/sleep_package.ts";
import { emitTable, LABORATORY_IDENTITY } from "../../../../machine/formats/acpi/table.ts";
import { findRsdp, walkAcpi } from "../../../../machine/formats/acpi/walk.ts";
import { endOf } from "../../../../machine/formats/e820.ts";
import { acpiPlaces, virtualMachineE820 } from "../../../../machine/formats/e820_profiles.ts";
import { memoryOf, notebook } from "./machine.ts";

for (const revision of [1, 3, 4, 5, 6]) {
  Deno.test(`walkAcpi finds what a kernel needs in tables of revision ${revision}`, () => {
    const view = walkAcpi(memoryOf(buildAcpiTables(notebook(revision))));
    ok(view !== undefined);
    strictEqual(view.rsdpAddress, 0xf_59d0);
    strictEqual(view.rsdp.xsdtAddress === 0, revision === 1);
    strictEqual(view.fadt.pm1aEvent.port, 0x600);
    strictEqual(view.fadt.pm1aControl.port, 0x604);
    strictEqual(view.facs.hardwareSignature, 0x4b4a_4d50);
    strictEqual(view.facsAddress % 64, 0);
    deepStrictEqual([view.s4, view.s5], [{ a: 6, b: 0 }, { a: 7, b: 0 }]);
    strictEqual(view.cpuCount, 2);
    strictEqual(parseSleepPackage(view.dsdt, "_S1_"), undefined);
  });
}

Deno.test("buildAcpiTables puts tables where the memory map has room, without overlap", () => {
  const machine = notebook(6);
  const tables = buildAcpiTables(machine);
  const ordered = tables.toSorted((left, right) => left.address - right.address);
  for (const [index, { address, bytes }] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next !== undefined) ok(address + bytes.length <= next.address);
  }
  for (const { name, address, bytes, e820Type } of tables) {
    const range = name === "FACS" ? machine.nvs : machine.data;
    if (name === "RSDP") continue;
    strictEqual(e820Type, name === "FACS" ? 4 : 3);
    ok(address >= range.start && address + bytes.length <= endOf(range));
  }
});

Deno.test("buildAcpiTables fits the reserved range of the virtual machine", () => {
  const places = acpiPlaces(virtualMachineE820(256 * 1024 * 1024));
  const sleepTypes = SLEEP_TYPES.virtualMachine;
  const tables = buildAcpiTables({ ...notebook(3), ...places, sleepTypes, cpuCount: 8 });
  const view = walkAcpi(memoryOf(tables));
  ok(view !== undefined);
  strictEqual(view.facsAddress, 0xffe_0000);
  strictEqual(view.fadt.dsdtAddress, 0xffe_0040);
  deepStrictEqual([view.s4, view.s5], [{ a: 2, b: 2 }, { a: 0, b: 0 }]);
  strictEqual(view.cpuCount, 8);
  ok(tables.every(({ e820Type }) => e820Type === 2));
});

Deno.test("buildAcpiTables refuses places that are too small or wrong", () => {
  const machine = notebook(6);
  const data = { start: 0x1ff6_0000, length: 0x100 };
  const nvs = { start: 0x1ff7_7000, length: 32 };
  throws(() => buildAcpiTables({ ...machine, data }), FormatError);
  throws(() => buildAcpiTables({ ...machine, nvs }), FormatError);
  throws(() => buildAcpiTables({ ...machine, rsdpAddress: 0xf_59d8 }), FormatError);
  throws(() => buildAcpiTables({ ...machine, rsdpAddress: 0xf_fff0 }), FormatError);
});

Deno.test("findRsdp looks in the EBDA first and takes no signature with a wrong checksum", () => {
  const tables = buildAcpiTables(notebook(1));
  const rsdp = tables.find(({ name }) => name === "RSDP");
  ok(rsdp !== undefined);
  const pointer = { ...rsdp, address: 0x40e, bytes: Uint8Array.of(0xc0, 0x9f) };
  const copy = { ...rsdp, address: 0x9_fc10 };
  strictEqual(findRsdp(memoryOf([...tables, pointer, copy])), 0x9_fc10);
  const broken = { ...copy, bytes: rsdp.bytes.with(16, 1) };
  strictEqual(findRsdp(memoryOf([...tables, pointer, broken])), 0xf_59d0);
  strictEqual(findRsdp(memoryOf([])), undefined);
  strictEqual(walkAcpi(memoryOf([])), undefined);
});

Deno.test("findRsdp finds an RSDP of revision 0 in the last bytes of the BIOS area", () => {
  const tables = buildAcpiTables({ ...notebook(1), rsdpAddress: 0xf_ffe0 });
  strictEqual(walkAcpi(memoryOf(tables))?.rsdpAddress, 0xf_ffe0);
});

Deno.test("walkAcpi refuses tables that a stray write has damaged", () => {
  for (const name of ["FACP", "APIC", "DSDT", "XSDT", "FACS"]) {
    const tables = buildAcpiTables(notebook(6)).map((table) =>
      table.name === name ? { ...table, bytes: table.bytes.with(0, 0) } : table
    );
    throws(() => walkAcpi(memoryOf(tables)), FormatError, name);
  }
});

function dsdtOf(...body: number[]): Uint8Array {
  return emitTable({
    ...LABORATORY_IDENTITY,
    signature: "DSDT",
    revision: 1,
    body: Uint8Array.from(body),
  });
}

const S5 = [0x5f, 0x53, 0x35, 0x5f];

Deno.test("parseSleepPackage reads the forms that firmware uses", () => {
  const forms: readonly (readonly [number[], number, number])[] = [
    [[0x08, ...S5, 0x12, 0x06, 4, 0x0a, 7, 0x00, 0x00], 7, 0],
    [[0x08, 0x5c, ...S5, 0x12, 0x06, 4, 0x01, 0x0a, 3, 0x00], 1, 3],
    [[0x08, ...S5, 0x12, 0x46, 0x00, 2, 0x0b, 5, 0, 0x0c, 6, 0, 0, 0], 5, 6],
    [[0x08, ...S5, 0x12, 0x05, 1, 0x0b, 5, 6], 5, 6],
    // A mention of the name that is no declaration comes first.
    [[...S5, 0x12, 0x08, ...S5, 0x12, 0x04, 2, 0x01, 0x00], 1, 0],
  ];
  for (const [body, a, b] of forms) {
    deepStrictEqual(parseSleepPackage(dsdtOf(...body), "_S5_"), { a, b });
  }
});

Deno.test("parseSleepPackage refuses a package that is cut short, empty or computed", () => {
  throws(() => parseSleepPackage(dsdtOf(0x08, ...S5, 0x12), "_S5_"), FormatError);
  throws(() => parseSleepPackage(dsdtOf(0x08, ...S5, 0x12, 2, 0), "_S5_"), FormatError);
  throws(() => parseSleepPackage(dsdtOf(0x08, ...S5, 0x12, 4, 2, 0x01), "_S5_"), FormatError);
  throws(() => parseSleepPackage(dsdtOf(0x08, ...S5, 0x12, 4, 2, 0x68, 0), "_S5_"), FormatError);
  strictEqual(parseSleepPackage(dsdtOf(0x08, ...S5, 0x0a, 1), "_S5_"), undefined);
});
