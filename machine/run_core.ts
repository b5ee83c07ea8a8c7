/**
 * The scheduler's state in one place, for the modules that work on it: what waits, who lives,
 * which grants are out, how far the choices have been applied.
 *
 * @module
 */
import type { Envelope } from "./actor.ts";
import { ChoiceBook, type ChoiceState } from "./choice_book.ts";
import type { FlatStore } from "./flat_store.ts";
import { GrantTable, type OpenGrant } from "./grant_table.ts";
import { type Life, LifeTable, type LiveActor } from "./life.ts";
import { LIMITS, withinLimit } from "./limits.ts";
import { type Delivery, DeliveryQueue } from "./queue.ts";
import { Random, type RandomState } from "./random.ts";
import type { RunPlan } from "./run_plan.ts";
import type { Summary } from "./trace/event.ts";
import type { Recorder } from "./trace/recorder.ts";
import type { Transport } from "./transport/transport.ts";

/** State of a scheduler at a barrier, besides actors' states and stores. Plain data. */
export interface SchedulerState {
  readonly vt: number;
  readonly tie: number;
  readonly deliveries: number;
  readonly settings: number;
  readonly queue: readonly Delivery[];
  readonly lives: readonly Life[];
  readonly grants: readonly OpenGrant[];
  readonly nextGrant: number;
  readonly random: RandomState;
  readonly choices?: ChoiceState;
  readonly outcome?: string;
}

const FIRST: SchedulerState = {
  vt: 0,
  tie: 0,
  deliveries: 0,
  settings: 0,
  queue: [],
  lives: [],
  grants: [],
  nextGrant: 1,
  random: {},
};

/** See the module's header. */
export class RunCore {
  readonly plan: RunPlan;
  readonly transport: Transport;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly queue: DeliveryQueue;
  readonly lives: LifeTable;
  readonly grants: GrantTable;
  readonly choices: ChoiceBook;
  ram: FlatStore;
  /** Virtual time in ns of the last delivery. */
  vt: number;
  deliveries: number;
  outcome: string | undefined;
  #tie: number;
  #settings: number;

  constructor(
    plan: RunPlan,
    transport: Transport,
    recorder: Recorder,
    ram: FlatStore,
    state: SchedulerState = FIRST,
  ) {
    this.plan = plan;
    this.transport = transport;
    this.recorder = recorder;
    this.ram = ram;
    this.random = new Random(plan.seed, state.random);
    this.queue = new DeliveryQueue(state.queue);
    this.lives = new LifeTable(plan.registry, state.lives);
    this.grants = new GrantTable(state.grants, state.nextGrant);
    this.choices = new ChoiceBook(plan.choices, plan.seededOrder, this.random, state.choices);
    this.vt = state.vt;
    this.deliveries = state.deliveries;
    this.outcome = state.outcome;
    this.#tie = state.tie;
    this.#settings = state.settings;
    transport.useRam(ram);
  }

  state(): SchedulerState {
    return {
      vt: this.vt,
      tie: this.#tie,
      deliveries: this.deliveries,
      settings: this.#settings,
      queue: this.queue.plain(),
      lives: this.lives.list().map((life) => life.plain()),
      grants: this.grants.list(),
      nextGrant: this.grants.next,
      random: this.random.state(),
      choices: this.choices.state(),
      ...(this.outcome === undefined ? {} : { outcome: this.outcome }),
    };
  }

  /** Enters a message; `lamport` is its sender's at the send. */
  enterMessage(vt: number, envelope: Envelope, lamport: number, life?: LiveActor): void {
    this.#checkRoom();
    this.queue.push({ vt, tie: this.#tie++, actor: envelope.target, envelope, lamport, life });
  }

  /** Enters a timer and returns the number of its setting. */
  enterTimer(vt: number, actor: string, name: string): number {
    this.#checkRoom();
    const setting = ++this.#settings;
    this.queue.push({ vt, tie: this.#tie++, actor, timer: { name, setting } });
    return setting;
  }

  /** Records what became of a message. */
  recordFate(
    vt: number,
    kind: "deliver" | "drop" | "defer" | "ignore",
    envelope: Envelope,
    lamport: number,
    summary?: Summary,
  ): number {
    const { recorder } = this;
    if (recorder.silent) return recorder.skip();
    const { id, source, target, type } = envelope;
    const draft = { vt, kind, actor: target, source, type, msg: id, cause: id };
    return recorder.add(summary === undefined ? draft : { ...draft, summary }, lamport);
  }

  #checkRoom(): void {
    const wanted = this.queue.length + 1;
    if (wanted > LIMITS.queueDeliveries) withinLimit("queueDeliveries", wanted);
  }
}
