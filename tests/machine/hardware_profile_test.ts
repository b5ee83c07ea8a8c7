import assert from "node:assert/strict";
import { buildAcpiTables } from "../../machine/formats/acpi/build.ts";
import { endOf, ramRanges } from "../../machine/formats/e820_table.ts";
import {
  acpiMachine,
  DEFAULT_HARDWARE_PROFILE,
  HARDWARE_PROFILES,
  hardwareProfile,
  hardwareSignature,
  physicalTop,
} from "../../machine/hardware_profile.ts";

const GIB = 1024 ** 3;

for (const [name, profile] of Object.entries(HARDWARE_PROFILES)) {
  Deno.test(`hardwareProfile '${name}' has whole, positive costs and room for all it places`, () => {
    assert.equal(hardwareProfile(name), profile);
    for (const [field, value] of Object.entries(profile)) {
      if (typeof value === "number") assert.ok(Number.isSafeInteger(value) && value > 0, field);
    }
    const { memoryBytes, cpus } = profile;
    const size = { hardwareProfile: name, memoryBytes, cpuCount: cpus };
    const top = physicalTop(size);
    for (const range of ramRanges(profile.e820(memoryBytes))) assert.ok(endOf(range) <= top);
    for (const table of buildAcpiTables(acpiMachine(size, 1))) {
      assert.ok(table.address + table.bytes.length <= top, table.name);
    }
  });
}

Deno.test("hardwareProfile names the profiles there are", () => {
  assert.throws(() => hardwareProfile("toaster"), {
    name: "UsageError",
    message: "Unknown hardware profile 'toaster': there are t42, small-vm, laptop",
  });
  assert.throws(() => hardwareProfile("toString"), { name: "UsageError" });
  assert.equal(hardwareProfile(DEFAULT_HARDWARE_PROFILE).memoryBytes, 64 * 1024 ** 2);
});

Deno.test("physicalTop reaches behind the hole below 4 GiB", () => {
  const size = { hardwareProfile: "laptop", memoryBytes: 8 * GIB, cpuCount: 8 };
  assert.equal(physicalTop(size), 10 * GIB);
});

Deno.test("hardwareSignature differs for another size, count or profile", () => {
  const size = { hardwareProfile: "t42", memoryBytes: GIB, cpuCount: 1 };
  const others = [{ memoryBytes: 2 * GIB }, { cpuCount: 2 }, { hardwareProfile: "small-vm" }];
  const signatures = [size, ...others.map((other) => ({ ...size, ...other }))]
    .map(hardwareSignature);
  assert.equal(new Set(signatures).size, 4);
});
