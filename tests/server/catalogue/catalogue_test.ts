/** What the laboratory says it has is what there is. */
import assert from "node:assert/strict";
import { REGISTRY } from "../../../actors/registry.ts";
import { MESSAGES } from "../../../machine/messages/vocabulary.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { SYSTEM_NAMES } from "../../../machine/conformance/systems.ts";
import { ProtocolList, RuleDocument, Scenario } from "../../../server/api/shapes/catalogue.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { ScenarioRequest } from "../../../server/api/shapes/run.ts";

const CATALOGUE = openCatalogue();

Deno.test("openCatalogue lists every scenario without its text, and gives one with it", () => {
  const files = [...Deno.readDirSync("fixtures/scenarios")].map(({ name }) => name)
    .filter((name) => name.endsWith(".md") && name !== "README.md").sort();
  const listed = CATALOGUE.scenarios();
  assert.deepEqual(listed.map(({ name }) => `${name}.md`), files);
  for (const scenario of listed) {
    assert.equal(scenario.text, undefined);
    assert.deepEqual(Scenario.parse(scenario), scenario);
    const { text, ...rest } = CATALOGUE.scenario(scenario.name) ?? {};
    assert.deepEqual(rest, scenario);
    assert.equal(text, Deno.readTextFileSync(`fixtures/scenarios/${scenario.name}.md`));
    ScenarioRequest.parse({ kind: "scenario", name: scenario.name });
  }
  assert.equal(CATALOGUE.scenario("no-such"), undefined);
  assert.equal(CATALOGUE.scenario("../README"), undefined);
});

Deno.test("openCatalogue has every system with its rules and every scenario in one of them", () => {
  const { protocols } = ProtocolList.parse(CATALOGUE.protocols());
  const letters = protocols.map(({ letter }) => letter).filter((letter) => letter !== "");
  assert.deepEqual(letters.sort(), Object.keys(SYSTEM_NAMES).sort());
  const scenarios = protocols.flatMap(({ scenarios }) => scenarios);
  assert.deepEqual(scenarios.sort(), CATALOGUE.scenarios().map(({ name }) => name).sort());
  for (const { letter, name, rules, summary, title } of protocols) {
    const wanted = ALL_RULES.filter(({ systems }) =>
      systems === "*" || (letter !== "" && systems.includes(letter)) ||
      // A kernel kept as a file belongs to v7 and is judged as such.
      (name === "kimgcore" && systems.includes("V"))
    );
    assert.deepEqual(rules, wanted.map(({ id }) => id), name);
    assert.ok(summary.split(" ").length > 40, name);
    assert.ok(title.length > 0, name);
  }
});

Deno.test("openCatalogue tells every behaviour and every message as it is declared", () => {
  const { behaviours, messages } = ProtocolList.parse(CATALOGUE.protocols());
  assert.deepEqual(behaviours.map(({ kind }) => kind), [...REGISTRY.keys()]);
  for (const { kind, doc, states } of behaviours) {
    const behaviour = REGISTRY.get(kind);
    assert.equal(doc, behaviour?.doc);
    for (const { name, handles, defers, ignores } of states) {
      const declared = behaviour?.states[name];
      assert.deepEqual(
        [handles, defers, ignores],
        [declared?.handles, declared?.defers ?? [], declared?.ignores ?? []],
      );
    }
    assert.equal(states.length, Object.keys(behaviour?.states ?? {}).length);
  }
  assert.deepEqual(messages.map(({ type }) => type), Object.keys(MESSAGES));
  const write = messages.find(({ type }) => type === "disk.write");
  assert.match(write?.doc ?? "", /From firmware, loader, kernel to disk; answered by disk\.done\./);
});

Deno.test("openCatalogue has every rule with its passage", () => {
  const rules = CATALOGUE.rules();
  assert.deepEqual(rules.map(({ id }) => id), ALL_RULES.map(({ id }) => id));
  for (const rule of rules) {
    assert.deepEqual(RuleDocument.parse(rule), rule);
    assert.equal(CATALOGUE.rule(rule.id), rule);
  }
  assert.equal(CATALOGUE.rule("F00"), undefined);
});

Deno.test("openCatalogue says of a page that it cannot be read, and lists the others", () => {
  const folder = Deno.makeTempDirSync({ prefix: "kjump-catalogue-" });
  try {
    Deno.writeTextFileSync(
      `${folder}/good.md`,
      "# Good\n\nA word.\n\n```console\n# power on\n```\n",
    );
    Deno.writeTextFileSync(`${folder}/broken.md`, "# Broken\n\n```machine\nno: such\n```\n");
    const listed = openCatalogue(folder).scenarios();
    assert.deepEqual(listed.map(({ name }) => name), ["broken", "good"]);
    assert.match(listed[0]?.title ?? "", /^cannot be read: broken\.md:/);
    assert.equal(listed[1]?.title, "Good");
    assert.doesNotMatch(JSON.stringify(listed), new RegExp(folder));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
