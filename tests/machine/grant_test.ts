import assert from "node:assert/strict";
import { Access, type Reach } from "../../machine/access.ts";
import { LimitError, ProtocolError } from "../../machine/errors.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { GrantTable } from "../../machine/grant_table.ts";
import type { Grant } from "../../machine/messages/declare.ts";

function grant(id: number, start: number, length: number, write: boolean): Grant {
  return { id, start, length, write };
}

Deno.test("GrantTable keeps writers exclusive and lets readers overlap", () => {
  const table = new GrantTable();
  table.carry([grant(1, 0, 10, false)], "memory", "a", true, "t");
  table.carry([grant(2, 5, 10, false)], "memory", "b", true, "t");
  const write = (): void => table.carry([grant(3, 9, 1, true)], "memory", "c", true, "t");
  assert.throws(write, /overlaps grant 1 of 'a'/);
  table.close([grant(1, 0, 10, false), grant(2, 5, 10, false)]);
  write();
  assert.throws(
    () => table.carry([grant(4, 9, 2, false)], "memory", "c", true, "t"),
    /overlaps grant 3 of 'c'/,
  );
  assert.equal(table.next, 4);
});

Deno.test("GrantTable lets only the holder pass a grant on", () => {
  const table = new GrantTable();
  const one = grant(1, 0, 10, true);
  assert.throws(() => table.carry([one], "a", "b", false, "t"), /is not open/);
  table.carry([one], "memory", "a", true, "t");
  table.carry([one], "a", "disk", false, "t");
  assert.throws(() => table.carry([one], "a", "disk", false, "t"), /is held by 'disk'/);
  assert.deepEqual(table.lent(), [one]);
});

Deno.test("GrantTable keeps the range it opened, whatever a later message says", () => {
  const table = new GrantTable();
  table.carry([grant(1, 0, 10, false)], "memory", "a", true, "t");
  table.carry([grant(1, 0, 4096, true)], "a", "b", false, "t");
  assert.deepEqual(table.lent(), [grant(1, 0, 10, false)]);
});

Deno.test("GrantTable.closeOf closes what an actor held, not what is under way to it", () => {
  const table = new GrantTable();
  table.carry([grant(1, 0, 1, true), grant(2, 1, 1, true)], "memory", "a", true, "t");
  table.carry([grant(3, 2, 1, true)], "memory", "b", true, "t");
  table.closeOf("a", new Set([2]));
  assert.deepEqual(table.lent().map(({ id }) => id), [2, 3]);
});

Deno.test("GrantTable limits a grant's bytes", () => {
  const table = new GrantTable();
  const wide = grant(1, 0, 2 ** 21, false);
  assert.throws(() => table.carry([wide], "memory", "a", true, "t"), LimitError);
});

Deno.test("Access reaches the granted bytes and none beside them", () => {
  const ram = FlatStore.make(8192);
  const reach: Reach = { actor: "a", grants: [grant(1, 100, 50, false)], lent: [] };
  const access = new Access({ ram }, reach);
  assert.equal(access.read(100, 50).length, 50);
  for (const [start, length] of [[99, 2], [149, 2], [0, 1], [8192, 1], [-1, 1]] as const) {
    assert.throws(() => access.read(start, length), ProtocolError);
  }
  assert.throws(() => access.write(100, new Uint8Array(1)), /outside every grant/);
  assert.throws(() => access.copy(100, 101, 1), ProtocolError);
});

Deno.test("Access keeps RAM's owner off what is lent for writing", () => {
  const ram = FlatStore.make(8192);
  const lent = [grant(1, 0, 10, false), grant(2, 10, 10, true)];
  const access = new Access({ ram }, { actor: "memory", owns: "ram", grants: [], lent });
  access.read(0, 10);
  assert.throws(() => access.writable(9, 1), /crosses grant 1/);
  assert.throws(() => access.read(15, 1), /crosses grant 2/);
  access.writable(20, 100).fill(1);
});
