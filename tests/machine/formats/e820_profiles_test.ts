import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../../../machine/errors.ts";
import { type E820Entry, endOf, ramRanges, sanitizeE820 } from "../../../machine/formats/e820.ts";
import {
  acpiPlaces,
  laptopE820,
  presentLaptopE820,
  virtualMachineE820,
} from "../../../machine/formats/e820_profiles.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const PROFILES: readonly (readonly [string, E820Entry[]])[] = [
  ["T42, 32 MiB", laptopE820(32 * MIB)],
  ["T42, 512 MiB", laptopE820(512 * MIB)],
  ["T42, 3 GiB", laptopE820(3 * GIB)],
  ["VM, 64 MiB", virtualMachineE820(64 * MIB)],
  ["VM, 8 GiB", virtualMachineE820(8 * GIB)],
  ["present, 8 GiB", presentLaptopE820(8 * GIB)],
];

Deno.test("laptopE820 with 512 MiB is the map of protocol.md D.2", () => {
  deepStrictEqual(laptopE820(512 * MIB).map((each) => [each.start, endOf(each), each.type]), [
    [0, 0x9f000, 1],
    [0x9f000, 0xa0000, 2],
    [0xdc000, 0x100000, 2],
    [0x100000, 0x1ff60000, 1],
    [0x1ff60000, 0x1ff77000, 3],
    [0x1ff77000, 0x1ff79000, 4],
    [0x1ff80000, 0x20000000, 2],
  ]);
});

for (const [name, map] of PROFILES) {
  Deno.test(`the map of ${name} is sorted, whole and has its RAM where a PC has it`, () => {
    deepStrictEqual(sanitizeE820(map), map);
    const ram = ramRanges(map);
    strictEqual(ram[0]?.start, 0);
    strictEqual(ram[1]?.start, 0x100000);
    ok(ram.slice(1).every((range) => endOf(range) % 4096 === 0));
    const { data, nvs } = acpiPlaces(map);
    for (const place of [data, nvs]) {
      const inside = map.find((each) => each.start <= place.start && endOf(place) <= endOf(each));
      ok(inside !== undefined && inside.type !== 1);
    }
  });
}

Deno.test("virtualMachineE820 moves RAM above 4 GiB from 3.5 GiB on", () => {
  strictEqual(ramRanges(virtualMachineE820(3 * GIB)).length, 2);
  const ram = ramRanges(virtualMachineE820(4 * GIB));
  deepStrictEqual(ram[2], { start: 4 * GIB, length: GIB });
});

Deno.test("presentLaptopE820 has all its RAM but what firmware keeps below 2 GiB", () => {
  const total = ramRanges(presentLaptopE820(8 * GIB)).reduce((sum, each) => sum + each.length, 0);
  ok(total > 7.8 * GIB && total < 8 * GIB);
});

Deno.test("the maps refuse sizes that the machine cannot have", () => {
  throws(() => laptopE820(4 * GIB), UsageError);
  throws(() => laptopE820(64 * MIB + 1), UsageError);
  throws(() => virtualMachineE820(MIB), UsageError);
  throws(() => presentLaptopE820(4 * GIB), UsageError);
  throws(() => acpiPlaces([{ start: 0, length: 64 * MIB, type: 1 }]), UsageError);
});
