import assert from "node:assert/strict";
import { RunStatus, type RunSummary } from "../../server/api/shapes/run.ts";
import { outcomeSentence, sharedEvents } from "../../server/page/beside/outcome_words.ts";

const RUN = "0123456789abcdef";

function summaryOf(change: Partial<RunSummary>): RunSummary {
  return {
    run: RUN,
    kind: "fork",
    status: "finished",
    scenario: "hibernate",
    title: "",
    profile: "2.6.27/small-vm",
    seed: 1,
    created: "2026-11-21T00:00:00Z",
    events: 3804,
    vt: 5_393_692_604,
    replayable: true,
    links: {},
    ...change,
  };
}

Deno.test("outcomeSentence says what became of the machine and what the rules say", () => {
  const verdict = { ok: true, held: 71, vacuous: 9, violated: [] };
  assert.equal(
    outcomeSentence(summaryOf({ outcome: "booted without an image: ordinary boot of C", verdict })),
    "It found no image that counts and booted afresh: ordinary boot of C. It kept all 71 rules that had an occasion.",
  );
  const broken = {
    ...verdict,
    ok: false,
    violated: [
      { rule: "F53", seq: 2151, reason: "off without commit" },
      { rule: "F23", seq: 900, reason: "a page changed" },
      { rule: "F53", seq: 2152, reason: "again" },
    ],
  };
  assert.equal(
    outcomeSentence(summaryOf({ outcome: "resumed", verdict: broken })).replaceAll("\u202f", ""),
    "The hibernated kernel came back out of its image. Broken: F53 and F23, first at event 900.",
  );
});

Deno.test("outcomeSentence gives an unknown outcome in the run's own words", () => {
  assert.match(outcomeSentence(summaryOf({ outcome: "went for a walk" })), /“went for a walk”/);
});

Deno.test("outcomeSentence has a sentence for every status", () => {
  for (const status of RunStatus.options) {
    const text = outcomeSentence(summaryOf({ status }));
    assert.match(text, /^[A-Z].*\.$|^The run itself failed/, status);
  }
  assert.match(
    outcomeSentence(summaryOf({ status: "failed", trouble: "Out of memory." })),
    /Out of/,
  );
});

Deno.test("sharedEvents knows parent and child either way round, and two children", () => {
  const parent = summaryOf({ run: "aaaaaaaaaaaaaaaa" });
  const one = summaryOf({ run: "b".repeat(16), parent: { run: parent.run, seq: 40 } });
  const other = summaryOf({ run: "c".repeat(16), parent: { run: parent.run, seq: 30 } });
  assert.equal(sharedEvents(parent, one), 40);
  assert.equal(sharedEvents(one, parent), 40);
  assert.equal(sharedEvents(one, other), 30);
  assert.equal(sharedEvents(parent, summaryOf({})), 0);
  assert.equal(sharedEvents(undefined, one), 0);
});
