/**
 * The house's scenarios as a list to search and choose from, with the text of the chosen one.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { Scenario } from "../../api/shapes/catalogue.ts";
import type { DataSource, PartContext } from "../model.ts";
import { valueOf } from "../panels/parts.ts";
import { problemText } from "../panels/words.ts";
import { scenariosBySystem, type StartForm } from "./choices.ts";

/** What was asked for: absent while it is on its way. */
interface Known {
  list?: readonly Scenario[];
  problem: string;
  readonly texts: Map<string, string>;
}

const KNOWN: WeakMap<DataSource, Known> = new WeakMap();

function knownOf({ source, refresh }: PartContext): Known {
  const known = KNOWN.get(source);
  if (known !== undefined) return known;
  const fresh: Known = { problem: "", texts: new Map() };
  KNOWN.set(source, fresh);
  source.scenarios().then((list) => {
    fresh.list = list;
  }, (error: unknown) => {
    fresh.problem = problemText(error);
    KNOWN.delete(source);
  }).finally(() => refresh());
  return fresh;
}

function textOf(context: PartContext, known: Known, name: string): string {
  const text = known.texts.get(name);
  if (text !== undefined) return text;
  known.texts.set(name, "");
  context.source.scenario(name).then((scenario) => {
    known.texts.set(name, scenario.text ?? "This scenario has no text.");
  }, (error: unknown) => {
    known.texts.set(name, problemText(error));
  }).finally(() => context.refresh());
  return "";
}

function chosenPart(
  context: PartContext,
  form: StartForm,
  known: Known,
  { name, title, summary }: Scenario,
): TemplateResult {
  const text = textOf(context, known, name);
  return html`
    <article class="chosen-scenario" aria-label=${title} data-part="scenario-text">
      <h3>${title}</h3>
      <p>${summary}</p>
      <label
        class="choice"><input type="checkbox" .checked=${form.stay} @change=${() => {
          form.stay = !form.stay;
        }} /><span>Sit down at the machine when it has been played</span></label>
      <pre tabindex="0" aria-label="Text of the scenario">${text === "" ? "…" : text}</pre>
    </article>
  `;
}

function item(context: PartContext, form: StartForm, scenario: Scenario): TemplateResult {
  const isChosen = scenario.name === form.scenario;
  return html`<li><button type="button" class="scenario" aria-pressed=${isChosen}
    data-scenario=${scenario.name} @click=${() => {
    form.scenario = scenario.name;
    context.refresh();
  }}><strong>${scenario.title}</strong><span>${scenario.summary}</span></button></li>`;
}

/** The list and the chosen one. */
export function scenarioPart(context: PartContext, form: StartForm): TemplateResult {
  const known = knownOf(context);
  const { list } = known;
  if (list === undefined) {
    return html`<p class="note">${known.problem || "The scenarios are on their way …"}</p>`;
  }
  const systems = scenariosBySystem(list, form.query);
  const chosen = list.find(({ name }) => name === form.scenario);
  return html`<div class="scenarios"><div class="scenario-list">
    <label class="wide"><span class="sr">Search the scenarios</span><input type="search" data-first
      placeholder=${`search ${list.length} scenarios`} .value=${form.query} @input=${(
    event: Event,
  ) => {
    form.query = valueOf(event);
    context.refresh();
  }} @keydown=${(event: KeyboardEvent) => {
    if (event.key === "Enter") event.preventDefault();
  }} /></label>
    ${systems.size === 0 ? html`<p class="note">No scenario has these words.</p>` : nothing}
    <div class="systems">${
    [...systems].map(([system, scenarios]) =>
      html`
        <section>
          <h3>${system} <span class="quiet">${scenarios.length}</span></h3>
          <ul>${scenarios.map((scenario) => item(context, form, scenario))}</ul>
        </section>
      `
    )
  }</div></div>
    ${
    chosen === undefined
      ? html`<p class="hint">Choose a scenario to read what is typed in it.</p>`
      : chosenPart(context, form, known, chosen)
  }</div>`;
}
