/**
 * One run as the page holds it while it comes in: its trace, phases, broken rules, hits of a
 * search. Knows no DOM but what it is given to wait with.
 *
 * @module
 */
import { PHASE_TYPES, PhaseBands } from "../../machine/trace/phase_bands.ts";
import type { VerdictMark } from "../api/shapes/event.ts";
import { Feeder, type Turn } from "./feeder.ts";
import type { PhaseBand } from "./model.ts";
import { Rows } from "./rows.ts";
import { TraceStore } from "./trace_store.ts";

/** See the module's header. */
export class RunView {
  readonly trace: TraceStore = new TraceStore();
  readonly rows: Rows = new Rows(this.trace);
  readonly feeder: Feeder<string>;
  readonly verdicts: VerdictMark[] = [];
  readonly #violations: Set<number> = new Set();
  #sorted: number[] | undefined;
  readonly #bands: PhaseBands = new PhaseBands();
  #phases: { readonly count: number; readonly list: PhaseBand[] } = { count: -1, list: [] };
  readonly #isPhase: boolean[] = [];

  /** @param sliced called behind each slice of lines that was taken. */
  constructor(turn: Turn, sliced: () => void) {
    this.feeder = new Feeder(turn, (line: string) => this.#take(line), sliced);
  }

  /** The phases up to now. */
  get phases(): readonly PhaseBand[] {
    const { count } = this.trace;
    if (this.#phases.count !== count) this.#phases = { count, list: this.#bands.list() };
    return this.#phases.list;
  }

  /** Events at which a rule was broken, in order. */
  get violations(): readonly number[] {
    return this.#sorted ??= [...this.#violations].sort((one, other) => one - other);
  }

  /** Takes verdicts; those that are there already are left out. */
  judge(marks: readonly VerdictMark[]): void {
    for (const mark of marks) {
      this.verdicts.push(mark);
      if (mark.verdict !== "violated") continue;
      this.#violations.add(mark.seq);
      this.#sorted = undefined;
    }
  }

  /** Takes all verdicts in place of those that are there. */
  judgeAnew(marks: readonly VerdictMark[]): void {
    this.verdicts.length = 0;
    this.#violations.clear();
    this.#sorted = undefined;
    this.judge(marks);
  }

  #take(line: string): void {
    const { trace } = this;
    if (!trace.append(line)) return;
    const seq = trace.count - 1;
    const type = trace.type(seq);
    const isPhase = type >= 0 && (this.#isPhase[type] ??= PHASE_TYPES.has(trace.types[type] ?? ""));
    if (isPhase) this.#bands.take(trace.event(seq));
    else this.#bands.pass(seq, trace.vt(seq));
  }
}
