/**
 * How rules stand at a moment, counted from the marks of the run. Knows no DOM.
 *
 * @module
 */
import type { RuleDocument } from "../../api/shapes/catalogue.ts";
import type { VerdictMark } from "../../api/shapes/event.ts";

/** How a rule stands: `idle` while nothing exercised it. */
export type Standing = "violated" | "held" | "idle";

/** One rule at a moment. */
export interface RuleStanding {
  readonly rule: string;
  readonly standing: Standing;
  /** Times it held and was broken up to the moment, the moment's event included. */
  readonly held: number;
  readonly violated: number;
  /** Its marks at the moment's event itself. */
  readonly here: readonly VerdictMark[];
  /** The last time it was broken. */
  readonly broken: VerdictMark | undefined;
}

/** The marks of each rule in order of their events. */
export type MarksByRule = ReadonlyMap<string, readonly VerdictMark[]>;

/** Sorts marks by rule. */
export function marksByRule(marks: readonly VerdictMark[]): MarksByRule {
  const rules = new Map<string, VerdictMark[]>();
  for (const mark of marks) {
    const list = rules.get(mark.rule);
    if (list === undefined) rules.set(mark.rule, [mark]);
    else list.push(mark);
  }
  for (const list of rules.values()) list.sort((left, right) => left.seq - right.seq);
  return rules;
}

/** How many marks stand at or before an event. */
function upTo(marks: readonly VerdictMark[], seq: number): number {
  let from = 0;
  let to = marks.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((marks[middle]?.seq ?? 0) <= seq) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A rule at a moment. */
export function standingAt(
  rule: string,
  marks: readonly VerdictMark[],
  cursor: number,
): RuleStanding {
  const count = upTo(marks, cursor);
  let violated = 0;
  let broken: VerdictMark | undefined;
  const here: VerdictMark[] = [];
  for (let index = 0; index < count; index++) {
    const mark = marks[index];
    if (mark === undefined) continue;
    if (mark.verdict === "violated") {
      violated++;
      broken = mark;
    }
    if (mark.seq === cursor) here.push(mark);
  }
  const standing = violated > 0 ? "violated" : count > 0 ? "held" : "idle";
  return { rule, standing, held: count - violated, violated, here, broken };
}

/** The rule's next mark behind a moment, or its first where there is none behind. */
export function nextMark(
  marks: readonly VerdictMark[],
  cursor: number,
): VerdictMark | undefined {
  return marks[upTo(marks, cursor)] ?? marks[0];
}

const ORDER: readonly Standing[] = ["violated", "held", "idle"];

function byId(left: string, right: string): number {
  return left.localeCompare(right, "en", { numeric: true });
}

/**
 * All rules at a moment: those exercised at this very event first, then the broken, the held and
 * the idle ones, each in order of their ids.
 */
export function standingsAt(
  rules: Iterable<string>,
  marks: MarksByRule,
  cursor: number,
): readonly RuleStanding[] {
  const ids = new Set([...rules, ...marks.keys()]);
  const rank = (one: RuleStanding) =>
    (one.here.length > 0 ? 0 : ORDER.length) + ORDER.indexOf(one.standing);
  return [...ids].map((rule) => standingAt(rule, marks.get(rule) ?? [], cursor))
    .sort((left, right) => rank(left) - rank(right) || byId(left.rule, right.rule));
}

/** Rules that a run is judged by: those of its systems, and any that left a mark. */
export function rulesOfRun(
  rules: ReadonlyMap<string, RuleDocument>,
  applies: (systems: string) => boolean,
): readonly string[] {
  return [...rules.values()].filter(({ systems }) => applies(systems)).map(({ id }) => id);
}
