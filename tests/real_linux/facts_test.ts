/**
 * Whether each of the 47 numbered facts of a real Linux 6.1 is a test here, or is said to be
 * nothing that this machine can show.
 */
import assert from "node:assert/strict";

const FACTS = 47;

/** Facts that this machine cannot show by its nature. */
export const NOT_SHOWN: Readonly<Record<number, string>> = {
  3: "Programs of this machine hand over pages, not pointers into an address space of their own, " +
    "so that no pointer can be bad; recorded as EFAULT before anything else is looked at.",
  30: "This machine has no pm_test levels, which stop a hibernation on its way as a test; that " +
    "the message proves no restore is why no rule looks at it.",
};

/** Numbers of the facts that tests of this folder are named after. */
function tested(): Set<number> {
  const found = new Set<number>();
  for (const entry of Deno.readDirSync(new URL(".", import.meta.url))) {
    if (!/^facts_.*_test\.ts$/.test(entry.name)) continue;
    const text = Deno.readTextFileSync(new URL(entry.name, import.meta.url));
    for (const [, number] of text.matchAll(/Deno\.test\(\s*"fact (\d+): /g)) {
      found.add(Number(number));
    }
  }
  return found;
}

Deno.test("every one of the 47 facts has a test or a reason, none has both", () => {
  const facts = tested();
  for (let fact = 1; fact <= FACTS; fact++) {
    const reason = NOT_SHOWN[fact];
    assert.equal(facts.has(fact), reason === undefined, `fact ${fact}`);
    if (reason !== undefined) assert.ok(reason.length > 40, `fact ${fact}`);
  }
  assert.ok([...facts].every((fact) => fact >= 1 && fact <= FACTS));
});
