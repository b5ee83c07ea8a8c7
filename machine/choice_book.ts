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
type Fate = ChoiceOf<"lose"> | ChoiceOf<"delay">;
type Order = ChoiceOf<"order">;

/** How far a plan's choices have been applied, and the picks that were made. Plain data. */
export interface ChoiceState {
  readonly cuts: number;
  readonly fates: number;
  readonly orders: number;
  readonly picks: readonly Order[];
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
  readonly #choices: readonly Choice[];
  readonly #cuts: readonly PowerCut[];
  readonly #fates: readonly Fate[];
  readonly #orders: readonly Order[];
  readonly #seeded: boolean;
  readonly #random: Random;
  readonly #picks: Order[];
  /** The event number from which the next power cut is due. */
  nextCut: number = NEVER;
  /** The message whose fate is chosen next. */
  nextFate: number = NEVER;
  /** Whether ties have to be looked at. */
  picks = false;
  #cut: number;
  #fate: number;
  #order: number;

  constructor(choices: readonly Choice[], seeded: boolean, random: Random, from?: ChoiceState) {
    this.#choices = choices;
    this.#cuts = ofKind(choices, "power_cut").sort((left, right) => left.at - right.at);
    this.#fates = ofKind(choices, "lose", "delay").sort((left, right) => left.msg - right.msg);
    this.#orders = ofKind(choices, "order").sort((left, right) => left.at - right.at);
    this.#seeded = seeded;
    this.#random = random;
    this.#picks = [...from?.picks ?? []];
    this.#cut = from?.cuts ?? 0;
    this.#fate = from?.fates ?? 0;
    this.#order = from?.orders ?? 0;
    this.#look();
  }

  #look(): void {
    this.nextCut = this.#cuts[this.#cut]?.at ?? NEVER;
    this.nextFate = this.#fates[this.#fate]?.msg ?? NEVER;
    this.picks = this.#seeded || this.#order < this.#orders.length;
  }

  /** Takes the power cut that is due. */
  takeCut(): PowerCut | undefined {
    const cut = this.#cuts[this.#cut++];
    this.#look();
    return cut;
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
    };
  }
}
