/**
 * What the laboratory has, as it is given out: the scenarios of a folder, the systems, the
 * behaviours and messages of the machine, the rules with what is told about them. All of it is
 * declared elsewhere; here it is only put together, once, when it is first asked for.
 *
 * @module
 */
import { REGISTRY } from "../../actors/registry.ts";
import { appliesTo, SYSTEM_NAMES, systemsOfScenario } from "../../machine/conformance/systems.ts";
import { MESSAGES } from "../../machine/messages/vocabulary.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { passageOf } from "../../machine/protocol/passages/all_passages.ts";
import type { Protocol, ProtocolList, RuleDocument, Scenario } from "../api/shapes/catalogue.ts";
import type { Catalogue } from "../deps.ts";
import { listScenarios } from "../transcript/scenarios.ts";
import { PROTOCOL_TEXTS, type ProtocolText } from "./protocol_texts.ts";

const ENDING = ".md";

/** Where the scenarios of the house are, wherever the server is started. */
const SCENARIO_FOLDER = decodeURIComponent(
  new URL("../../fixtures/scenarios", import.meta.url).pathname,
);

/** Calls at most once, when it is first asked. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Scenarios in order of their names, with their text. */
function readScenarios(folder: string): Scenario[] {
  return listScenarios(folder).map(({ file, name, system, title, summary }) => ({
    name: name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name,
    system,
    // Of a page that cannot be read it says why, with its place.
    title: title.replaceAll(`${folder}/`, ""),
    summary,
    text: Deno.readTextFileSync(file),
  }));
}

function protocolOf(text: ProtocolText, scenarios: readonly Scenario[]): Protocol {
  const letters = systemsOfScenario(text.name);
  return {
    name: text.name,
    letter: text.letter,
    title: text.title ?? SYSTEM_NAMES[text.letter] ?? text.name,
    summary: text.summary,
    rules: ALL_RULES.filter(({ systems }) => appliesTo(systems, letters)).map(({ id }) => id),
    scenarios: scenarios.filter(({ system }) => system === text.name).map(({ name }) => name),
  };
}

function behaviours(): ProtocolList["behaviours"] {
  return [...REGISTRY.values()].map(({ kind, role, doc, states }) => ({
    kind,
    role,
    doc,
    states: Object.entries(states).map(([name, { handles, defers = [], ignores = [] }]) => ({
      name,
      handles: [...handles],
      defers: [...defers],
      ignores: [...ignores],
    })),
  }));
}

function messages(): ProtocolList["messages"] {
  return Object.entries(MESSAGES).map(([type, { doc, from, to, replies }]) => {
    const way = `From ${from.join(", ")} to ${to.join(", ")}`;
    const answer = replies.length === 0 ? "" : `; answered by ${replies.join(", ")}`;
    return { type, doc: `${doc} ${way}${answer}.` };
  });
}

function ruleDocuments(): RuleDocument[] {
  return ALL_RULES.map(({ id, severity, kind, statement, source, systems }) => ({
    id,
    severity,
    kind,
    statement,
    source,
    systems,
    passage: passageOf(id),
  }));
}

/**
 * The catalogue.
 *
 * @param folder where the scenarios are; read when they are first asked for.
 */
export function openCatalogue(folder: string = SCENARIO_FOLDER): Catalogue {
  const scenarios = once(() => readScenarios(folder));
  const byName = once(() => new Map(scenarios().map((scenario) => [scenario.name, scenario])));
  const listed = once(() => scenarios().map(({ text: _, ...rest }) => rest));
  const rules = once(ruleDocuments);
  const byId = once(() => new Map(rules().map((rule) => [rule.id, rule])));
  const protocols = once((): ProtocolList => ({
    protocols: PROTOCOL_TEXTS.map((text) => protocolOf(text, scenarios())),
    behaviours: behaviours(),
    messages: messages(),
  }));
  return {
    scenarios: listed,
    scenario: (name) => byName().get(name),
    protocols,
    rules,
    rule: (id) => byId().get(id),
  };
}
