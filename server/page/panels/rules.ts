/**
 * The rules that a run is judged by, as they stand at the cursor.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { appliesTo, systemsOfScenario } from "../../../machine/conformance/systems.ts";
import type { VerdictMark } from "../../api/shapes/event.ts";
import type { PartContext } from "../model.ts";
import { hint } from "./parts.ts";
import {
  type MarksByRule,
  marksByRule,
  nextMark,
  rulesOfRun,
  type RuleStanding,
  standingsAt,
} from "./verdict_count.ts";
import { countText, timesText } from "./words.ts";

/** The marks that were sorted last. */
let sorted: { marks: readonly VerdictMark[]; count: number; rules: MarksByRule } = {
  marks: [],
  count: 0,
  rules: new Map(),
};

function sortedMarks(marks: readonly VerdictMark[]): MarksByRule {
  if (sorted.marks !== marks || sorted.count !== marks.length) {
    sorted = { marks, count: marks.length, rules: marksByRule(marks) };
  }
  return sorted.rules;
}

const MARKS = { violated: "✗", held: "✓", idle: "○" } as const;

function countsText({ standing, held, violated }: RuleStanding): string {
  const times = held === 0 ? "" : `held ${timesText(held)}`;
  if (standing === "idle") return "no occasion yet";
  if (standing === "held") return times;
  return `broken ${timesText(violated)}${times === "" ? "" : `, ${times}`}`;
}

function ruleItem(
  context: PartContext,
  one: RuleStanding,
  marks: readonly VerdictMark[],
): TemplateResult {
  const document = context.rules.get(one.rule);
  const { cursor } = context.state;
  const next = nextMark(marks, cursor);
  const reason = one.here.find(({ verdict }) => verdict === "violated")?.reason ??
    one.broken?.reason;
  const head = html`
    <span class="mark" aria-hidden="true">${MARKS[one.standing]}</span>
    <strong>${one.rule}</strong>
    <span class="counts">${countsText(one)}</span>
  `;
  return html`
    <li class=${`rule ${one.standing}`} data-rule=${one.rule}
      data-standing=${one.standing}>
        ${next === undefined ? html`<p class="rule-head">${head}</p>` : html`
          <button type="button"
            class="rule-head" title=${`Go to its next mark, event ${next.seq}`}
            @click=${() => context.go(next.seq)}>${head}
                <span class="next">${next.seq > cursor
                  ? "next"
                  : next.seq === cursor
                  ? "here"
                  : "first"}
                  ${countText(next.seq)}</span></button>
        `}
        ${document === undefined ? nothing : html`<p class="statement">${document.statement}</p>`}
        ${one.standing === "violated" && reason !== undefined
          ? html`<p class="reason"><strong>Broken${
            one.broken === undefined ? "" : ` at ${countText(one.broken.seq)}`
          }:</strong> ${reason}</p>`
          : nothing}
        ${document === undefined ? nothing : html`
          <details>
            <summary>What the reference says</summary>
            <p class="passage">${document.passage || "Nothing more than the sentence above."}</p>
            <p class="quiet">${document.source}. ${document.kind}, ${document.severity}.</p>
          </details>
        `}</li>
  `;
}

function group(
  context: PartContext,
  title: string,
  rules: readonly RuleStanding[],
  marks: MarksByRule,
  folded = false,
): TemplateResult | typeof nothing {
  if (rules.length === 0) return nothing;
  const list = html`<ul class="rules">${
    repeat(
      rules,
      ({ rule }) => rule,
      (one) => ruleItem(context, one, marks.get(one.rule) ?? []),
    )
  }</ul>`;
  const count = html`<span class="quiet">${rules.length}</span>`;
  return folded
    ? html`<details class="group"><summary>${title} ${count}</summary>${list}</details>`
    : html`<section class="group"><h3>${title} ${count}</h3>${list}</section>`;
}

/** The pane. */
export function rulesPane(context: PartContext): TemplateResult {
  const { state, trace, verdicts, rules } = context;
  const scenario = trace.header?.scenario ?? state.summary?.scenario ?? "";
  const letters = systemsOfScenario(scenario);
  const marks = sortedMarks(verdicts);
  const ids = rulesOfRun(rules, (systems) => appliesTo(systems, letters));
  const all = standingsAt(ids, marks, state.cursor);
  if (all.length === 0) return hint("No rules are known for this run.");
  const here = all.filter((one) => one.here.length > 0);
  const rest = all.filter((one) => one.here.length === 0);
  const of = (standing: RuleStanding["standing"]) =>
    rest.filter((one) => one.standing === standing);
  const count = (standing: RuleStanding["standing"]) =>
    all.filter((one) => one.standing === standing).length;
  return html`<div class="rules-pane"><h2 class="sr">Rules</h2>
    <p class="tally" data-part="tally"><span class="violated">✗ ${count("violated")} broken</span>
      <span class="held">✓ ${count("held")} held</span>
      <span class="idle">○ ${count("idle")} without occasion</span>
      ${
    state.cursor < 0
      ? nothing
      : html`<span class="quiet">up to event ${countText(state.cursor)}</span>`
  }</p>
    ${group(context, "At this event", here, marks)}
    ${group(context, "Broken before", of("violated"), marks)}
    ${group(context, "Held so far", of("held"), marks)}
    ${group(context, "No occasion yet", of("idle"), marks, true)}
  </div>`;
}
