/**
 * Applies the choices of a plan at their places, makes those that the seed is asked for, and
 * notices the ones that cannot apply: a replay that leaves its path explains itself.
 *
 * @module
 */
import type { Choice } from "./choices.ts";
import { DivergenceError } from "./errors.ts";
import type { Random } from "./random.ts";

/** A choice of one kind. */
type ChoiceOf<K extends Choice["kind"]> = Extract<Choice, { readonly kind: K }>;
/** A power cut that was chosen. */
export type PowerCut = ChoiceOf<"power_cut">;
/** A wake-up event that was chosen. */
export type Wake = ChoiceOf<"wake">;
/** What a person was told to do. */
export type GivenInput = ChoiceOf<"input">;
type Fate = ChoiceOf<"lose"> | ChoiceOf<"delay">;
type Order = ChoiceOf<"order">;

/** How far a plan's choices have been applied, and the picks that were made. Plain data. */
export interface ChoiceState {
  readonly cuts: number;
  readonly fates: number;
  readonly orders: number;
  readonly picks: readonly Order[];
  /** Wake-up events that were raised; none where it is absent. */
  readonly wakes?: number;
  /** Inputs that were given; none where it is absent. */
  readonly inputs?: number;
}

const NEVER = Number.POSITIVE_INFINITY;

function ofKind<K extends Choice["kind"]>(
  choices: readonly Choice[],
  ...kinds: K[]
): ChoiceOf<K>[] {
  const wanted: readonly string[] = kinds;
  return choices.filter((choice): choice is ChoiceOf<K> => wanted.includes(choice.kind));
}

/** See the module's header. */
export class ChoiceBook {
  #choices: readonly Choice[];
  #cuts: readonly PowerCut[] = [];
  #inputs: readonly GivenInput[] = [];
  #wakes: readonly Wake[] = [];
  #fates: readonly Fate[] = [];
  #orders: readonly Order[] = [];
  readonly #seeded: boolean;
  readonly #random: Random;
  readonly #picks: Order[];
  /** The event number from which the next power cut is due. */
  nextCut: number = NEVER;
  /** The event number from which the next wake-up event is due. */
  nextWake: number = NEVER;
  /** The event number from which the next input is due. */
  nextInput: number = NEVER;
  /** The message whose fate is chosen next. */
  nextFate: number = NEVER;
  /** Whether ties have to be looked at. */
  picks = false;
  #cut: number;
  #wake: number;
  #input: number;
  #fate: number;
  #order: number;

  constructor(choices: readonly Choice[], seeded: boolean, random: Random, from?: ChoiceState) {
    this.#choices = choices;
    this.#sort();
    this.#seeded = seeded;
    this.#random = random;
    this.#picks = [...from?.picks ?? []];
    this.#cut = from?.cuts ?? 0;
    this.#wake = from?.wakes ?? 0;
    this.#input = from?.inputs ?? 0;
    this.#fate = from?.fates ?? 0;
    this.#order = from?.orders ?? 0;
    this.#look();
  }

  #sort(): void {
    this.#cuts = ofKind(this.#choices, "power_cut").sort((left, right) => left.at - right.at);
    this.#inputs = ofKind(this.#choices, "input").sort((left, right) => left.at - right.at);
    this.#wakes = ofKind(this.#choices, "wake").sort((left, right) => left.at - right.at);
    this.#fates = ofKind(this.#choices, "lose", "delay").sort((a, b) => a.msg - b.msg);
    this.#orders = ofKind(this.#choices, "order").sort((left, right) => left.at - right.at);
  }

  #look(): void {
    this.nextCut = this.#cuts[this.#cut]?.at ?? NEVER;
    this.nextWake = this.#wakes[this.#wake]?.at ?? NEVER;
    this.nextInput = this.#inputs[this.#input]?.at ?? NEVER;
    this.nextFate = this.#fates[this.#fate]?.msg ?? NEVER;
    this.picks = this.#seeded || this.#order < this.#orders.length;
  }

  /** All choices, those that people made while the run went on among them. */
  get all(): readonly Choice[] {
    return this.#choices;
  }

  /**
   * Adds what a person does at this moment of a live run. What people did later in an earlier run
   * of it is forgotten: from here on it is another run. What was planned stays.
   */
  add(choice: PowerCut | GivenInput | Wake): void {
    const ahead = [
      ...this.#cuts.slice(this.#cut),
      ...this.#inputs.slice(this.#input),
      ...this.#wakes.slice(this.#wake),
    ];
    const later = new Set<Choice>(ahead.filter(({ after }) => after !== undefined));
    this.#choices = [...this.#choices.filter((other) => !later.has(other)), choice];
    this.#sort();
    this.#look();
  }

  /**
   * Puts other choices in the place of those that have not applied yet: the run goes another way
   * from here. What devices refuse stays, which is a property of the machine.
   */
  goAnotherWay(ahead: readonly Choice[]): void {
    const applied = new Set<Choice>([
      ...this.#cuts.slice(0, this.#cut),
      ...this.#wakes.slice(0, this.#wake),
      ...this.#inputs.slice(0, this.#input),
      ...this.#fates.slice(0, this.#fate),
      ...this.#orders.slice(0, this.#order),
    ]);
    const past = this.#choices.filter((choice) => choice.kind === "refuse" || applied.has(choice));
    this.#choices = [...past, ...ahead];
    this.#sort();
    this.#look();
  }

  /** The input or power cut that is due, the earlier first; it counts as applied. */
  takeDue(seq: number, deliveries: number): PowerCut | GivenInput | undefined {
    const isDue = (choice: PowerCut | GivenInput | undefined): boolean =>
      choice !== undefined && choice.at <= seq && (choice.after ?? 0) <= deliveries;
    const cut = this.#cuts[this.#cut];
    const input = this.#inputs[this.#input];
    if (isDue(cut) && (!isDue(input) || this.nextCut <= this.nextInput)) return this.takeCut();
    if (!isDue(input)) return undefined;
    this.#input++;
    this.#look();
    return input;
  }

  /** Takes the power cut that is due. */
  takeCut(): PowerCut | undefined {
    const cut = this.#cuts[this.#cut++];
    this.#look();
    return cut;
  }

  /** The wake-up event that is due; it counts as applied. */
  takeWake(seq: number, deliveries: number): Wake | undefined {
    const wake = this.#wakes[this.#wake];
    if (wake === undefined || wake.at > seq || (wake.after ?? 0) > deliveries) return undefined;
    this.#wake++;
    this.#look();
    return wake;
  }

  /**
   * What becomes of a message: lost, or late by so many ns.
   *
   * @throws {DivergenceError} if a message before it, whose fate was chosen, was never sent.
   */
  fateOf(msg: number): number | "lost" {
    let fate = this.#fates[this.#fate];
    if (fate !== undefined && fate.msg < msg) {
      throw new DivergenceError(fate.msg, `message ${fate.msg} (${fate.kind})`, "no send there");
    }
    let late = 0;
    let lost = false;
    for (; fate?.msg === msg; fate = this.#fates[++this.#fate]) {
      if (fate.kind === "lose") lost = true;
      else late += fate.ns;
    }
    this.#look();
    return lost ? "lost" : late;
  }

  /**
   * Which of `tied` deliveries comes first, in order of their sending.
   *
   * @param at deliveries made before this one.
   * @param seq number of the next event, for the error's text.
   * @throws {DivergenceError} if the recorded pick is none of them.
   */
  pick(at: number, tied: number, seq: number): number {
    const order = this.#orders[this.#order];
    let pick = 0;
    if (order?.at === at) {
      this.#order++;
      pick = order.pick;
      if (pick >= tied) {
        const wanted = `pick ${pick} at delivery ${at}`;
        throw new DivergenceError(seq, wanted, `${tied} deliveries at the same time`);
      }
    } else if (this.#seeded) {
      pick = this.#random.below("order", tied);
    }
    this.#picks.push({ kind: "order", at, pick });
    this.#look();
    return pick;
  }

  /** @throws {DivergenceError} if a recorded pick's delivery is past and there was no tie. */
  passed(at: number, seq: number): void {
    const order = this.#orders[this.#order];
    if (order === undefined || order.at >= at) return;
    throw new DivergenceError(seq, `a pick at delivery ${order.at}`, "no tie there");
  }

  /** @throws {DivergenceError} if the run ended before a choice applied. */
  ended(deliveries: number, seq: number, outcome: string): void {
    const end = `the end of the run ('${outcome}') at seq ${seq}, after ${deliveries} deliveries`;
    const cut = this.#cuts[this.#cut];
    if (cut !== undefined) throw new DivergenceError(cut.at, `a power cut at seq ${cut.at}`, end);
    const input = this.#inputs[this.#input];
    if (input !== undefined) {
      throw new DivergenceError(input.at, `an input to ${input.actor} at seq ${input.at}`, end);
    }
    const wake = this.#wakes[this.#wake];
    if (wake !== undefined) {
      throw new DivergenceError(wake.at, `a wake-up event at seq ${wake.at}`, end);
    }
    const fate = this.#fates[this.#fate];
    if (fate !== undefined) {
      const found = fate.msg < seq ? "no send there" : end;
      throw new DivergenceError(fate.msg, `message ${fate.msg} (${fate.kind})`, found);
    }
    const order = this.#orders[this.#order];
    if (order === undefined) return;
    const found = order.at < deliveries ? "no tie there" : end;
    throw new DivergenceError(seq, `a pick at delivery ${order.at}`, found);
  }

  /** The choices that made this run what it is so far. */
  made(): Choice[] {
    const applied = new Set<Choice>([
      ...this.#cuts.slice(0, this.#cut),
      ...this.#wakes.slice(0, this.#wake),
      ...this.#inputs.slice(0, this.#input),
      ...this.#fates.slice(0, this.#fate),
    ]);
    const given = this.#choices.filter((choice) => choice.kind === "refuse" || applied.has(choice));
    return [...given, ...this.#picks];
  }

  state(): ChoiceState {
    return {
      cuts: this.#cut,
      fates: this.#fate,
      orders: this.#order,
      picks: [...this.#picks],
      ...(this.#wake === 0 ? {} : { wakes: this.#wake }),
      ...(this.#input === 0 ? {} : { inputs: this.#input }),
    };
  }
}
