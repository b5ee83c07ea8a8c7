/**
 * Judges runs by rules: fed events one by one, live or from a file, it tells for each rule how
 * often it held, where it was broken, or that it was never exercised.
 *
 * Promises: an event costs only the rules that want its fact or kind; memory is that of the
 * rules' folds and a few violations each; the order of rules never matters. Facts are checked
 * against their declaration before any rule sees them. It never looks at who wrote a trace.
 *
 * @module
 */
import { FormatError, UsageError } from "../errors.ts";
import { type BlobSource, NO_BLOBS } from "../trace/blobs.ts";
import type { TraceEvent, TraceFooter, TraceHeader } from "../trace/event.ts";
import { TraceError } from "../trace/trace_error.ts";
import { FACT_CHECKS, type FactCheck } from "./fact_table.ts";
import { type JudgedTrace, makeReport, type Report, type RuleResult } from "./report.ts";
import type { Rule, RuleRun } from "./rule.ts";
import { type Occasion, RuleTally, type TallyPlace } from "./rule_tally.ts";
import { appliesTo, systemsOfScenario } from "./systems.ts";

/** Options of a {@linkcode Checker}. */
export interface CheckerOptions {
  /** Where blobs are; without it rules that need one stay vacuous. */
  readonly blobs?: BlobSource;
  /** Letters of protocol.md F.0 instead of those that follow from the scenario's name. */
  readonly systems?: string;
  /** Only the rules with these ids. */
  readonly only?: readonly string[];
  /** Violations kept in full for each rule; the others are only counted. Default 5. */
  readonly violationsMax?: number;
  /** Told of each occasion on which a rule was kept or broken, as soon as that is known. */
  readonly onOccasion?: (occasion: Occasion) => void;
}

type Handler = (fact: unknown, event: TraceEvent) => void;

interface Wanted {
  readonly check: FactCheck;
  readonly handlers: Handler[];
}

/** See the module's header. */
export class Checker {
  readonly #rules: readonly Rule[];
  readonly #options: CheckerOptions;
  readonly #tallies: Map<string, RuleTally> = new Map();
  readonly #facts: Map<string, Wanted> = new Map();
  readonly #kinds: Map<string, ((event: TraceEvent) => void)[]> = new Map();
  readonly #traces: JudgedTrace[] = [];
  readonly #place: TallyPlace = { trace: -1, seq: 0 };
  #systems = "";
  #open: { header: TraceHeader; events: number; partial: boolean } | undefined;
  #previous: string | undefined;
  #running = false;
  /** What the trace at hand can show, where that is not everything. */
  #speaks: readonly string[] | undefined;

  /**
   * @throws {UsageError} if `only` names a rule that is not there, or two rules share an id.
   */
  constructor(rules: readonly Rule[], options: CheckerOptions = {}) {
    const ids = new Set(rules.map((rule) => rule.id));
    if (ids.size !== rules.length) throw new UsageError("Two rules have one id");
    for (const id of options.only ?? []) {
      if (!ids.has(id)) {
        throw new UsageError(`There is no rule '${id}'; known are ${[...ids].join(", ")}`);
      }
    }
    const only = options.only === undefined ? undefined : new Set(options.only);
    this.#rules = rules.filter((rule) => only === undefined || only.has(rule.id));
    this.#options = options;
  }

  /**
   * Begins a trace. One whose header has `continues` goes on from the trace before it: rules keep
   * what they know. Any other begins anew.
   *
   * @throws {UsageError} if it continues another trace than the one given before it.
   */
  begin(header: TraceHeader): void {
    if (this.#open !== undefined) this.finishTrace();
    const { continues } = header;
    if (continues === undefined) this.#endRun();
    else if (this.#previous !== undefined && this.#previous !== continues) {
      throw new UsageError(
        `Trace '${header.run}' goes on from ${continues}, but the trace before it is ` +
          `${this.#previous}; give the files in order`,
      );
    }
    this.#place.trace++;
    this.#open = { header, events: 0, partial: continues !== undefined && !this.#running };
    this.#speaks = header.speaks;
    this.#choose(this.#options.systems ?? systemsOfScenario(header.scenario));
  }

  /**
   * Judges the next event.
   *
   * @throws {TraceError} if it is a fact that is not declared so, or no trace was begun.
   */
  event(event: TraceEvent): void {
    const open = this.#open;
    if (open === undefined) throw new TraceError("an event before any header", { seq: event.seq });
    open.events++;
    this.#place.seq = event.seq;
    this.#place.origin = event.origin;
    const { type } = event;
    if (event.kind === "note" && type !== undefined && type.startsWith("fact.")) {
      this.#fact(type, event);
    }
    const handlers = this.#kinds.get(event.kind);
    if (handlers === undefined) return;
    for (const handler of handlers) handler(event);
  }

  /** Ends the trace at hand; without a footer it counts as torn. */
  finishTrace(footer?: TraceFooter): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#traces.push({
      run: open.header.run,
      scenario: open.header.scenario,
      profile: open.header.profile,
      events: open.events,
      torn: footer === undefined,
      partial: open.partial,
    });
    this.#previous = footer?.sha256;
    this.#open = undefined;
  }

  /** What was found out so far; folds that are open go on. */
  results(): readonly RuleResult[] {
    return this.#rules.flatMap((rule) => this.#tallies.get(rule.id)?.result() ?? []);
  }

  /** Ends everything and says what was found out. Later events are refused until a new header. */
  report(): Report {
    this.finishTrace();
    this.#endRun();
    return makeReport([...this.#traces], this.#systems, this.results());
  }

  #fact(type: string, event: TraceEvent): void {
    const wanted = this.#facts.get(type);
    if (wanted === undefined) {
      if (!FACT_CHECKS.has(type)) throw new TraceError(`unknown '${type}'`, { seq: event.seq });
      return;
    }
    const fault = wanted.check(event.summary);
    if (fault !== undefined) throw new TraceError(`'${type}': ${fault}`, { seq: event.seq });
    try {
      for (const handler of wanted.handlers) handler(event.summary, event);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new TraceError(`'${type}': ${error.message}`, { seq: event.seq });
    }
  }

  /** Opens the folds of the rules that apply and are not open yet. */
  #choose(letters: string): void {
    for (const letter of letters) {
      if (!this.#systems.includes(letter)) this.#systems += letter;
    }
    this.#running = true;
    for (const rule of this.#rules) {
      if (!appliesTo(rule.systems, letters)) continue;
      let tally = this.#tallies.get(rule.id);
      if (tally === undefined) {
        const { blobs = NO_BLOBS, violationsMax = 5, onOccasion } = this.#options;
        tally = new RuleTally(rule, this.#place, {
          ...{ blobs, violationsMax },
          ...(onOccasion === undefined ? {} : { onOccasion }),
        });
        this.#tallies.set(rule.id, tally);
      }
      if (!tally.isOpen) this.#register(tally);
    }
  }

  /** Whether the trace at hand can show what a rule looks at. */
  #canSee(rule: Rule, run: RuleRun): boolean {
    const speaks = this.#speaks;
    if (speaks === undefined) return true;
    if (rule.needs === undefined && run.kinds !== undefined) return false;
    const needs = rule.needs ?? Object.keys(run.facts ?? {});
    return needs.every((need) =>
      speaks.includes(need) || speaks.includes(need.split(".", 1)[0] ?? "")
    );
  }

  #register(tally: RuleTally): void {
    const run = tally.open();
    if (!this.#canSee(tally.rule, run)) return tally.drop();
    for (const [name, handler] of Object.entries(run.facts ?? {})) {
      const type = `fact.${name}`;
      const check = FACT_CHECKS.get(type);
      if (check === undefined) throw new TypeError(`Rule wants an unknown fact '${name}'`);
      let wanted = this.#facts.get(type);
      if (wanted === undefined) this.#facts.set(type, wanted = { check, handlers: [] });
      // The check of this very fact runs before the handler, which therefore gets what it wants.
      wanted.handlers.push(handler as Handler);
    }
    for (const [kind, handler] of Object.entries(run.kinds ?? {})) {
      const handlers = this.#kinds.get(kind);
      if (handlers === undefined) this.#kinds.set(kind, [handler]);
      else handlers.push(handler);
    }
  }

  /** Ends the folds: what they know does not reach into the next run. */
  #endRun(): void {
    if (!this.#running) return;
    for (const tally of this.#tallies.values()) tally.close();
    this.#facts.clear();
    this.#kinds.clear();
    this.#previous = undefined;
    this.#running = false;
  }
}
