/**
 * A machine with a person at it: hands what he does to the scheduler and lets the machine run until
 * there is something for him to see. What it gives to the scheduler is recorded as choices, so a
 * live run can be had again without it.
 *
 * @module
 */
import {
  type LiveInput,
  type LiveOperatorState,
  SHOWN_LINES_MAX,
  type ShownLine,
} from "../../actors/live_operator.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";

/** Who sits there: the name of the actor. */
const PERSON = "operator";
/** Deliveries without anything for the person to see: more is a machine that got lost. */
const DELIVERIES_MAX = 1_500_000;
/** Virtual time in ns that a person waits for something, and that a program may run. */
const PATIENCE_NS = 900_000_000_000;
export const PROGRAM_NS = 26 * 3_600_000_000_000;
/** The event loop gets its turn after so long. */
const TURN_MILLISECONDS = 40;

/** Why it does not come to what was waited for. */
export type Halt = "idle" | "ended" | "endless" | "flooded";

/** A line on the console, and the number of the event with which it reached the person. */
export interface SeenLine extends ShownLine {
  readonly seq: number;
}

/** What the person sees when the machine was let run. */
export interface Sight {
  readonly view: LiveOperatorState;
  readonly halt?: Halt;
}

/** Whether the machine waits for the person, or is off. */
export function isSettled(view: LiveOperatorState): boolean {
  return view.prompt !== "" || view.menu.length > 0 || view.off;
}

function isView(state: unknown): state is LiveOperatorState {
  return typeof state === "object" && state !== null && "prompts" in state && "shown" in state;
}

/** See the module's header. */
export class LiveMachine {
  readonly scheduler: Scheduler;
  /** Called when the event loop gets its turn; may throw to stop. */
  readonly #turn: () => Promise<void>;
  /** Numbers of the prompts that are on their way to the person. */
  readonly #prompts: Set<number> = new Set();
  #attention = false;
  #calls = 0;
  #lastTurn = 0;
  /** Lines that the person forgot and nobody asked for yet. */
  #seen: SeenLine[] = [];
  /** Events of the lines that he remembers. */
  #seqs: number[] = [];
  /** How many of the lines that he remembers were asked for. */
  #taken = 0;
  /** What is to happen, and at which event. */
  #trap: { readonly isMoment: (event: TraceEvent) => boolean; readonly strike: () => void } | null =
    null;
  #isMoment = false;

  constructor(scheduler: Scheduler, turn: () => Promise<void> = () => Promise.resolve()) {
    this.scheduler = scheduler;
    this.#turn = turn;
    scheduler.recorder.listen((event) => this.#notice(event));
  }

  /** What the person sees at this moment. */
  get view(): LiveOperatorState {
    const state: unknown = this.scheduler.transport.stateOf(PERSON);
    if (isView(state)) return state;
    throw new TypeError("Who sits at this machine is no live operator");
  }

  /** Number of the next event. */
  get seq(): number {
    return this.scheduler.recorder.next;
  }

  #notice(event: TraceEvent): void {
    if (this.#trap?.isMoment(event) === true) this.#isMoment = true;
    if (event.target === PERSON && event.kind === "send") {
      if (event.type === "console.shown" && event.summary?.["prompt"] === true) {
        this.#prompts.add(event.seq);
      }
      return;
    }
    if (event.actor !== PERSON) return;
    if (event.kind === "timer" || event.kind === "signal") this.#attention = true;
    if (event.kind !== "deliver") return;
    if (event.type !== "console.shown" || this.#prompts.delete(event.msg ?? -1)) {
      this.#attention = true;
    } else if (this.#seqs.length < SHOWN_LINES_MAX) this.#seqs.push(event.seq);
  }

  /** Tells the person what to do. */
  do(input: LiveInput): void {
    this.#collect();
    this.scheduler.input(PERSON, JSON.stringify(input));
    this.#attention = false;
  }

  /** Pulls the plug. */
  pullPlug(durable: "none" | "all" | "seeded"): void {
    this.scheduler.cutPower(durable);
    this.#attention = false;
  }

  /** Presses the power button: to a machine that runs, a wake-up event. */
  pressPowerButton(): void {
    this.scheduler.wake("power_button");
  }

  /** Whether something waits for its moment. */
  get isArmed(): boolean {
    return this.#trap !== null;
  }

  /** Has something done at the barrier behind the next event that is looked for; once. */
  arm(isMoment: (event: TraceEvent) => boolean, strike: () => void): void {
    this.#trap = { isMoment, strike };
  }

  #spring(): void {
    if (!this.#isMoment) return;
    const strike = this.#trap?.strike;
    this.#trap = null;
    this.#isMoment = false;
    strike?.();
  }

  /** Takes over what was shown: the person forgets it at his next input. */
  #collect(): void {
    this.#seen.push(...this.#untaken());
    this.#taken = 0;
    this.#seqs = [];
  }

  /** Lines that he remembers and that were not asked for. */
  #untaken(): SeenLine[] {
    return this.view.shown.slice(this.#taken).map((line, index) => ({
      ...line,
      seq: this.#seqs[this.#taken + index] ?? this.seq,
    }));
  }

  /** The lines that were shown since it was asked last. */
  takeLines(): readonly SeenLine[] {
    const fresh = this.#untaken();
    const lines = [...this.#seen, ...fresh];
    this.#taken += fresh.length;
    this.#seen = [];
    return lines;
  }

  /** Lets the machine run until the person sees what is waited for, or it cannot come any more. */
  async until(
    isReached: (view: LiveOperatorState) => boolean,
    patienceNs: number = PATIENCE_NS,
  ): Promise<Sight> {
    const { scheduler } = this;
    const deliveriesMax = scheduler.deliveries + DELIVERIES_MAX;
    const vtMax = scheduler.vt + patienceNs;
    for (let { view } = this;; view = this.view) {
      if (isReached(view)) return { view };
      if (view.lost > 0) return { view, halt: "flooded" };
      this.#attention = false;
      while (!this.#attention) {
        if (!scheduler.advance(1)) {
          const last = this.view;
          if (isReached(last)) return { view: last };
          return { view: last, halt: scheduler.outcome === undefined ? "idle" : "ended" };
        }
        this.#spring();
        const isLost = scheduler.deliveries > deliveriesMax || scheduler.vt > vtMax;
        if (isLost) return { view: this.view, halt: "endless" };
        const now = performance.now();
        if (now - this.#lastTurn > TURN_MILLISECONDS) {
          await this.#turn();
          this.#lastTurn = performance.now();
        }
      }
    }
  }

  /**
   * Asks the shell behind the prompt, and waits for its answer.
   *
   * @returns the answer; none if the kernel left before it came, or it does not come at all.
   */
  async call(call: Plain): Promise<{ readonly value?: Plain; readonly halt?: Halt }> {
    const id = ++this.#calls;
    this.do({ do: "call", id, call });
    const isReached = (view: LiveOperatorState) => view.answer?.id === id || isSettled(view);
    const { view, halt } = await this.until(isReached, PROGRAM_NS);
    if (view.answer?.id === id) return { value: view.answer.value };
    return halt === undefined ? {} : { halt };
  }
}
