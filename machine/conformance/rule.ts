/**
 * What a rule is (DESIGN.md 7): data with a stable id, and a fold over the events of a run. The
 * fold says which facts and which kinds of engine events it wants, so that an event costs only
 * the rules that look at it, and keeps no more than the state of the kernels, devices and pages
 * it speaks of, so that it judges a stream of any length.
 *
 * A rule only counts. `held` means that an occasion to break the rule came and passed; a rule
 * without any occasion is vacuous, and so is one whose pages stood in a blob that is not there.
 *
 * @module
 */
import type { Fact, FactName } from "../protocol/facts.ts";
import type { EventKind, TraceEvent } from "../trace/event.ts";

/** How much a broken rule weighs. */
export type Severity = "error" | "warning";

/** What form a rule has: a reading aid, the fold decides. */
export type RuleKind = "never" | "always-before" | "eventually" | "sometimes" | "matches";

/** What a rule's fold may do besides keeping its own state. */
export interface RuleContext {
  /** The rule was exercised and kept. */
  held(): void;
  /** The rule was broken; by the event at hand, unless another `seq` is named. */
  violated(reason: string, seq?: number): void;
  /** Bytes of the event's blob; `undefined` if it has none or they are missing. */
  bytes(event: TraceEvent): Uint8Array | undefined;
  /**
   * Text that stands in a summary's field while short and else in the event's blob; `undefined`
   * if it is in neither.
   */
  text(field: string | undefined, event: TraceEvent): string | undefined;
  /** Number of the trace at hand, from 0, of those that were given in order. */
  readonly trace: number;
}

/** Handlers by the name of the fact they want. */
export type FactHandlers = {
  readonly [N in FactName]?: (fact: Fact<N>, event: TraceEvent) => void;
};

/** Handlers by the kind of engine event they want. */
export type KindHandlers = { readonly [K in EventKind]?: (event: TraceEvent) => void };

/** A fold over one run (which may be several traces, each going on from the one before). */
export interface RuleRun {
  readonly facts?: FactHandlers;
  readonly kinds?: KindHandlers;
  /** After the last event. What is still open counts as nothing unless it should have closed. */
  end?(): void;
}

/** A rule. */
export interface Rule {
  /** Stable id of protocol.md F.1, as `F23`. Ids are never used again for another rule. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence that must be true. */
  readonly statement: string;
  /** Where it is written. */
  readonly source: string;
  /** Letters of the systems it applies to (protocol.md F.0), or `*` for all. */
  readonly systems: string;
  readonly kind: RuleKind;
  /**
   * Facts without which it has nothing to judge, as `freeze` or `acpi.method`; all that its fold
   * listens to unless given. Of a recording that cannot show them the rule says nothing.
   */
  readonly needs?: readonly string[];
  /** Starts a fold. */
  open(context: RuleContext): RuleRun;
}
