/**
 * Which rules were broken at which event: from the verdicts beside the run where the laboratory
 * wrote them, otherwise by judging it.
 *
 * @module
 */
import type { VerdictMark } from "../api/shapes/event.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import type { TraceRef } from "./job.ts";
import { brokenSoFar } from "./judging.ts";
import { writtenMarks } from "./marks.ts";
import type { Watch } from "./watch.ts";

/** Ids of rules by event. */
export type Violations = ReadonlyMap<number, readonly string[]>;

type Mark = Pick<VerdictMark, "rule" | "seq">;

function grouped(marks: Iterable<Mark>): Violations {
  const rules = new Map<number, string[]>();
  for (const { rule, seq } of marks) {
    const there = rules.get(seq);
    if (there === undefined) rules.set(seq, [rule]);
    else if (!there.includes(rule)) there.push(rule);
  }
  return rules;
}

/** The violations of a run; where they were written down, perhaps further than asked for. */
function violationsOf(trace: TraceRef, watch: Watch): Violations {
  const written = writtenMarks(trace, watch);
  if (written !== undefined) return grouped(written.filter((mark) => mark.verdict === "violated"));
  const marks = brokenSoFar(trace, watch).flatMap(({ id, violations }) =>
    violations.map(({ seq }) => ({ rule: id, seq }))
  );
  return grouped(marks);
}

/** Bytes of the verdicts beside a run; -1 where there are none. */
function verdictBytes({ folder }: TraceRef): number {
  try {
    return Deno.statSync(`${folder}/${RUN_FILES.verdicts}`).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return -1;
    throw error;
  }
}

/** The violations of the runs asked for last, as far as those went then. */
export class ViolationCache {
  readonly #kept: Map<string, { readonly state: string; readonly violations: Violations }> =
    new Map();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(trace: TraceRef, watch: Watch): Violations {
    const state = `${trace.bytes} ${trace.ended} ${verdictBytes(trace)}`;
    const known = this.#kept.get(trace.key);
    this.#kept.delete(trace.key);
    const violations = known?.state === state ? known.violations : violationsOf(trace, watch);
    this.#kept.set(trace.key, { state, violations });
    for (const key of this.#kept.keys()) {
      if (this.#kept.size > this.#most) this.#kept.delete(key);
    }
    return violations;
  }
}
