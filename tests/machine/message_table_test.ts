import assert from "node:assert/strict";
import fc from "fast-check";
import { faultOf, messageFacts, type Party, roleBit } from "../../machine/message_table.ts";
import { type Role, ROLES } from "../../machine/messages/declare.ts";
import { checkMessage, MESSAGES } from "../../machine/messages/vocabulary.ts";
import { summarise } from "../../machine/summary.ts";

function party(role: Role): Party {
  return { role, bit: roleBit(role) };
}

const scalar = fc.oneof(
  fc.string(),
  fc.constantFrom("0a", "0", "xy", "0".repeat(65), "g0"),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant([{ id: 1, start: 0, length: 1, write: true }]),
);

Deno.test("faultOf says what checkMessage says, for every type, role and body", () => {
  const types = fc.constantFrom(...Object.keys(MESSAGES));
  const role = fc.constantFrom(...ROLES);
  const names = ["tag", "by", "address", "length", "bytes", "grants", "sector", "prompt", "text"];
  const bodies = fc.dictionary(fc.constantFrom(...names), scalar);
  fc.assert(
    fc.property(types, role, role, bodies, (type, from, to, body) => {
      const facts = messageFacts(type) ?? assert.fail(type);
      const expected = checkMessage(type, from, to, body);
      assert.equal(faultOf(facts, party(from), party(to), body), expected);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("faultOf accepts a fitting body in any order of its fields", () => {
  const facts = messageFacts("memory.read") ?? assert.fail();
  const body = { length: 8, address: 4096, by: "a", tag: "1" };
  assert.equal(faultOf(facts, party("kernel"), party("memory"), body), undefined);
  assert.match(
    faultOf(facts, party("kernel"), party("memory"), { ...body, address: -1 }) ?? "",
    /address is not natural/,
  );
  assert.equal(messageFacts("no.such"), undefined);
});

Deno.test("summarise shortens what is long and shows addresses in hexadecimal", () => {
  const body = { tag: "1", by: "a", address: 4096, length: 8 };
  assert.deepEqual(summarise("memory.read", body), { ...body, address: "0x1000" });
  const grants = [{ id: 1, start: 4096, length: 16, write: true }];
  assert.deepEqual(summarise("memory.release", { grants }), { grants: "1000+10" });
  const long = summarise("memory.data", { tag: "1", bytes: "00".repeat(4096) });
  assert.match(String(long["bytes"]), /^0{48}…\(8192 characters, crc [0-9a-f]{8}\)$/);
});
