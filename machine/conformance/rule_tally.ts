/**
 * One rule's count over all runs that a checker was given, and the context of its fold.
 *
 * @module
 */
import { blobDigest, type BlobSource } from "../trace/blobs.ts";
import type { Origin, TraceEvent } from "../trace/event.ts";
import type { RuleResult, Violation } from "./report.ts";
import type { Rule, RuleContext, RuleRun } from "./rule.ts";

/** Where the checker is; shared by all tallies. */
export interface TallyPlace {
  trace: number;
  seq: number;
  /** Where an imported event was read. */
  origin?: Origin | undefined;
}

/** One occasion on which a rule was kept or broken. */
export interface Occasion {
  readonly rule: string;
  readonly seq: number;
  readonly verdict: "held" | "violated";
  /** Of a violation. */
  readonly reason?: string;
}

/** What a tally needs besides its rule. */
export interface TallyOptions {
  readonly blobs: BlobSource;
  readonly violationsMax: number;
  /** Told of every occasion, at once. */
  readonly onOccasion?: (occasion: Occasion) => void;
}

const UTF8 = new TextDecoder();

/** See the module's header. */
export class RuleTally implements RuleContext {
  readonly #rule: Rule;
  readonly #place: TallyPlace;
  readonly #options: TallyOptions;
  readonly #violations: Violation[] = [];
  #held = 0;
  #violated = 0;
  #missing = 0;
  #run: RuleRun | undefined;

  constructor(rule: Rule, place: TallyPlace, options: TallyOptions) {
    this.#rule = rule;
    this.#place = place;
    this.#options = options;
  }

  get trace(): number {
    return this.#place.trace;
  }

  /** Whether a fold is open. */
  get isOpen(): boolean {
    return this.#run !== undefined;
  }

  get rule(): Rule {
    return this.#rule;
  }

  /** Gives the fold up: it was shown nothing that it could judge. */
  drop(): void {
    this.#run = undefined;
  }

  /** Opens the rule's fold. */
  open(): RuleRun {
    return this.#run = this.#rule.open(this);
  }

  /** Ends the fold, if one is open. */
  close(): void {
    this.#run?.end?.();
    this.#run = undefined;
  }

  held(): void {
    this.#held++;
    this.#options.onOccasion?.({ rule: this.#rule.id, seq: this.#place.seq, verdict: "held" });
  }

  violated(reason: string, seq: number = this.#place.seq): void {
    this.#violated++;
    this.#options.onOccasion?.({ rule: this.#rule.id, seq, verdict: "violated", reason });
    if (this.#violations.length < this.#options.violationsMax) {
      const { trace, origin } = this.#place;
      const line = origin === undefined || seq !== this.#place.seq ? {} : { origin };
      this.#violations.push({ trace, seq, reason, ...line });
    }
  }

  bytes(event: TraceEvent): Uint8Array | undefined {
    if (event.blob === undefined) return undefined;
    const bytes = this.#options.blobs.get(blobDigest(event.blob));
    if (bytes === undefined) this.#missing++;
    return bytes;
  }

  text(field: string | undefined, event: TraceEvent): string | undefined {
    if (field !== undefined) return field;
    const bytes = this.bytes(event);
    return bytes === undefined ? undefined : UTF8.decode(bytes);
  }

  /** The rule's line of the report. */
  result(): RuleResult {
    const { id, severity, statement, source, systems, kind } = this.#rule;
    const held = this.#held;
    const verdict = this.#violated > 0 ? "violated" : held > 0 ? "held" : "vacuous";
    return {
      ...{ id, severity, statement, source, systems, kind, verdict, held },
      violated: this.#violated,
      violations: [...this.#violations],
      missingBlobs: this.#missing,
    };
  }
}
