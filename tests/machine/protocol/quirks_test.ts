import assert from "node:assert/strict";
import { appliesTo } from "../../../machine/conformance/systems.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { quirk, QUIRKS } from "../../../machine/protocol/quirks.ts";
import { KERNEL_PROFILES } from "../../../actors/kernel/profiles.ts";

Deno.test("QUIRKS names rules that exist and apply to its systems, and profiles that exist", () => {
  const rules = new Map(ALL_RULES.map((rule) => [rule.id, rule]));
  assert.equal(new Set(QUIRKS.map(({ name }) => name)).size, QUIRKS.length);
  for (const { name, table, breaks, also, systems, profiles, source, note } of QUIRKS) {
    // What the table names and no run shows is explained.
    assert.equal(table.join() === breaks.join(), note === undefined, name);
    for (const id of table) assert.ok(rules.has(id), id);
    assert.deepEqual(breaks.filter((id) => also.includes(id)), [], name);
    for (const id of [...breaks, ...also]) {
      assert.ok(appliesTo(rules.get(id)?.systems ?? "", systems), `${name}: ${id}`);
    }
    for (const profile of profiles) assert.ok(KERNEL_PROFILES[profile] !== undefined, profile);
    assert.match(source, /^protocol\.md F\.2, /);
  }
});

Deno.test("QUIRKS has every row of the table, each with the rules that it names", () => {
  const rows = QUIRKS.map(({ name, table }) => `${name}: ${table.join(" ")}`);
  assert.deepEqual(rows, [
    "wakeup-at-copy: F53",
    "signature-before-last-map-page: F51 F52",
    "invalidation-not-flushed: ",
    "platform-failure-powers-off: ",
    "jump-leaves-devices-frozen: F40",
    "garbage-start: F26",
    "gdt-not-loaded: F30",
    "low-memory-unprotected: F24 F78",
    "suspend-for-quiesce: F38",
    "signature-mismatch-destroys-image: ",
    "sleep-enable-retried: ",
    "suspend-falls-to-platform: ",
  ]);
  assert.throws(() => quirk("none"), RangeError);
});
