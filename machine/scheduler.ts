/**
 * The one place that decides what happens next: order, virtual time and choice (DESIGN.md laws 3
 * and 5). It takes the earliest delivery, has a transport run the step, and turns the effects
 * into events and further deliveries.
 *
 * Deliveries to different actors that lie closer together than the link's latency cannot
 * influence one another, so they form a batch that a transport may run in parallel; the effects
 * are merged in the batch's order. Batches are formed alike on every transport, so the trace is
 * the same on every transport. Steps that start or end actors (processor, firmware, operator)
 * are batches of their own.
 *
 * @module
 */
import type { Envelope, Input } from "./actor.ts";
import type { Choice } from "./choices.ts";
import { ActorFailure, ProtocolError, TransportError } from "./errors.ts";
import type { FlatStore } from "./flat_store.ts";
import type { Life, LiveActor, NextStep } from "./life.ts";
import { cutPower, giveInput, raiseWake, startActor } from "./lifecycle.ts";
import { LIMITS, withinLimit } from "./limits.ts";
import { giveBack, merge } from "./merge.ts";
import type { Plain } from "./messages/shape.ts";
import type { Delivery } from "./queue.ts";
import type { Random } from "./random.ts";
import { RunCore, type SchedulerState } from "./run_core.ts";
import type { RunPlan } from "./run_plan.ts";
import { grantsOf } from "./step.ts";
import type { Recorder } from "./trace/recorder.ts";
import type { Transport } from "./transport/transport.ts";

export type { Life } from "./life.ts";
export type { SchedulerState } from "./run_core.ts";
export type { ActorSpec, Observation, Observer, RunPlan } from "./run_plan.ts";

const NOTHING_READY: readonly NextStep[] = [];

/** A moment to go on from. */
export interface Standing {
  readonly state: SchedulerState;
  readonly ram: FlatStore;
  /** Plain states of the living actors. */
  readonly actors: ReadonlyMap<string, Plain>;
}

/** See the module's header. */
export class Scheduler {
  readonly plan: RunPlan;
  readonly transport: Transport;
  readonly recorder: Recorder;
  #batches = 0;
  #core: RunCore;

  constructor(
    plan: RunPlan,
    transport: Transport,
    recorder: Recorder,
    from?: Standing,
  ) {
    this.plan = plan;
    this.transport = transport;
    this.recorder = recorder;
    const ram = from?.ram ?? plan.makeRam();
    this.#core = new RunCore(plan, transport, recorder, ram, from?.state);
    if (from !== undefined) this.#resumeActors(from);
    else for (const person of plan.people) startActor(this.#core, merge, person, true);
  }

  /** Virtual time in ns of the last delivery. */
  get vt(): number {
    return this.#core.vt;
  }

  /** Deliveries made so far. */
  get deliveries(): number {
    return this.#core.deliveries;
  }

  /** How the run ended, once it has. */
  get outcome(): string | undefined {
    return this.#core.outcome;
  }

  /** RAM of the machine as it is. */
  get ram(): FlatStore {
    return this.#core.ram;
  }

  /** The run's random streams. */
  get random(): Random {
    return this.#core.random;
  }

  /** Living actors, in order of their start. */
  lives(): readonly Life[] {
    return this.#core.lives.list().map((life) => life.plain());
  }

  /** The choices that, with scenario and seed, give this run as far as it went. */
  choicesMade(): Choice[] {
    return this.#core.choices.made();
  }

  /** All choices of the plan and of people, also those that have not applied yet. */
  get choices(): readonly Choice[] {
    return this.#core.choices.all;
  }

  /**
   * Puts other choices in the place of those that have not applied yet: from this barrier on it is
   * another run.
   */
  goAnotherWay(ahead: readonly Choice[] = []): void {
    this.#core.choices.goAnotherWay(ahead);
  }

  /** State at a barrier; between calls of {@linkcode advance} there is always one. */
  state(): SchedulerState {
    return this.#core.state();
  }

  /** The plain states of all living actors, by name. */
  actorStates(): ReadonlyMap<string, Plain> {
    const { lives } = this.#core;
    return new Map(lives.list().map(({ name }) => [name, this.transport.stateOf(name)]));
  }

  /** Goes on from an earlier moment of this run; the stores are the caller's to put back. */
  rewind(to: Standing): void {
    const wanted = new Map(to.state.lives.map((life) => [life.name, life.behaviour]));
    for (const { name, behaviour } of this.#core.lives.list()) {
      if (wanted.get(name) !== behaviour) this.transport.stop(name);
    }
    const plan = { ...this.plan, choices: this.#core.choices.all };
    this.#core = new RunCore(plan, this.transport, this.recorder, to.ram, to.state);
    this.#resumeActors(to);
  }

  #resumeActors(from: Standing): void {
    for (const { name, slot, behaviour } of this.#core.lives.list()) {
      const state = from.actors.get(name);
      if (state === undefined) throw new TransportError(name, "lives, but its state was not kept");
      const now = this.#core.vt;
      this.transport.start({ name, slot, behaviour, config: null, now, state });
    }
  }

  /**
   * Makes at least `deliveries` deliveries, or fewer where the run ends before.
   *
   * @returns whether the run goes on.
   * @throws {ProtocolError} if an actor broke the protocol.
   * @throws {ActorFailure} if a step threw.
   * @throws {DivergenceError} if a choice of the plan cannot apply.
   */
  advance(deliveries: number): boolean {
    const core = this.#core;
    if (core.outcome !== undefined) return false;
    const { choices } = core;
    const until = core.deliveries + deliveries;
    while (core.deliveries < until) {
      if (choices.nextCut <= core.recorder.next || choices.nextInput <= core.recorder.next) {
        this.#intervene(core);
      }
      if (choices.nextWake <= core.recorder.next) this.#wake(core);
      const batch = core.outcome === undefined ? this.#gather(core) : NOTHING_READY;
      if (batch === undefined) {
        if (this.plan.live === true) return false;
        core.outcome ??= "idle";
      } else if (batch.length > 0) this.#runBatch(core, batch);
      if (core.outcome !== undefined) {
        choices.ended(core.deliveries, core.recorder.next, core.outcome);
        return false;
      }
    }
    return true;
  }

  /**
   * A person does something at this barrier of a live run: recorded as a choice, so that the run
   * can be had again without him. What people did later, before the run was gone back to here, is
   * forgotten.
   *
   * @param text in words of the person's behaviour.
   * @throws {RangeError} if the run has ended.
   * @throws {DivergenceError} if there is no such person.
   */
  input(actor: string, text: string): void {
    this.#goesOn();
    const { choices, recorder, deliveries } = this.#core;
    choices.add({ kind: "input", at: recorder.next, after: deliveries, actor, text });
    this.#intervene(this.#core);
  }

  /**
   * Pulls the plug at this barrier of a live run; a choice like {@linkcode Scheduler.input}.
   *
   * @param durable fate of the writes in the disk's cache.
   * @throws {RangeError} if the run has ended.
   * @throws {DivergenceError} if the machine is off.
   */
  cutPower(durable: "none" | "all" | "seeded" = "none"): void {
    this.#goesOn();
    const { choices, recorder, deliveries } = this.#core;
    choices.add({ kind: "power_cut", at: recorder.next, after: deliveries, durable });
    this.#intervene(this.#core);
  }

  /**
   * Something happens at this barrier of a live run that wakes a machine; a choice like
   * {@linkcode Scheduler.input}.
   *
   * @throws {RangeError} if the run has ended.
   */
  wake(by: "rtc" | "power_button"): void {
    this.#goesOn();
    const { choices, recorder, deliveries } = this.#core;
    choices.add({ kind: "wake", at: recorder.next, by, after: deliveries });
    this.#wake(this.#core);
  }

  #goesOn(): void {
    const { outcome } = this.#core;
    if (outcome !== undefined) throw new RangeError(`The run has ended: ${outcome}`);
  }

  /** Applies the inputs and power cuts that are due at this barrier. */
  #intervene(core: RunCore): void {
    for (;;) {
      const due = core.choices.takeDue(core.recorder.next, core.deliveries);
      if (due === undefined) return;
      if (due.kind === "input") giveInput(core, merge, due);
      else cutPower(core, merge, due);
      if (core.outcome !== undefined) return;
    }
  }

  #wake(core: RunCore): void {
    for (;;) {
      const choice = core.choices.takeWake(core.recorder.next, core.deliveries);
      if (choice === undefined) return;
      raiseWake(core, merge, choice);
    }
  }

  #runBatch(core: RunCore, batch: readonly NextStep[]): void {
    const results = this.transport.step(batch);
    for (let index = 0; index < batch.length; index++) {
      const ready = batch[index];
      const result = results[index];
      if (ready === undefined) continue;
      const { life, cause, now } = ready;
      if (result === undefined) throw new ActorFailure(life.name, "step", cause, "no result");
      merge(core, life, result, cause, now);
    }
  }

  /** Takes from the queue what may run now; `undefined` when nothing waits. */
  #gather(core: RunCore): readonly NextStep[] | undefined {
    const { queue, lives } = core;
    let delivery = this.#front(core);
    if (delivery === undefined) return undefined;
    const number = ++this.#batches;
    const horizon = delivery.vt + this.plan.linkLatency;
    const { batchMax } = this.plan;
    let batch: NextStep[] | undefined;
    let life = lives.of(delivery);
    for (;;) {
      queue.pop();
      if (life !== undefined) life.batch = number;
      const ready = this.#prepare(core, delivery, life);
      if (ready !== undefined) {
        if (batch === undefined) batch = [ready];
        else batch.push(ready);
        if (batch.length >= batchMax) return batch;
      }
      if (life !== undefined && life.solo) return batch ?? NOTHING_READY;
      delivery = this.#front(core);
      if (delivery === undefined || delivery.vt >= horizon) return batch ?? NOTHING_READY;
      life = lives.of(delivery);
      if (life !== undefined && (life.batch === number || life.solo)) {
        return batch ?? NOTHING_READY;
      }
    }
  }

  /**
   * The delivery that comes next. Where several are due at the same time and the order is a
   * matter of choice, it is settled here, once.
   */
  #front(core: RunCore): Delivery | undefined {
    const { choices, queue } = core;
    if (!choices.picks) return queue.peek();
    choices.passed(core.deliveries, core.recorder.next);
    const head = queue.peek();
    if (head === undefined || head.tie < 0) return head;
    const tied = queue.tied();
    if (tied < 2) return head;
    queue.prefer(choices.pick(core.deliveries, tied, core.recorder.next));
    return queue.peek();
  }

  /** Records what becomes of a delivery; gives the step to run, if one is due. */
  #prepare(
    core: RunCore,
    delivery: Delivery,
    life: LiveActor | undefined,
  ): NextStep | undefined {
    const made = ++core.deliveries;
    if (made > LIMITS.runDeliveries) withinLimit("runDeliveries", made);
    if (delivery.vt > core.vt) core.vt = delivery.vt;
    const { envelope, timer, vt } = delivery;
    if (envelope === undefined) {
      if (life === undefined || timer === undefined) return undefined;
      return this.#prepareTimer(core, vt, timer, life);
    }
    const lamport = delivery.lamport ?? 0;
    if (life === undefined) {
      giveBack(core, envelope);
      core.recordFate(vt, "drop", envelope, lamport, { reason: "nobody there" });
      return undefined;
    }
    switch (life.verdict(envelope.type)) {
      case "handle":
        return this.#prepareMessage(core, vt, envelope, life, lamport);
      case "defer":
        life.deferred.push(envelope);
        withinLimit("deferredMessages", life.deferred.length);
        core.recordFate(vt, "defer", envelope, lamport);
        return undefined;
      case "ignore":
        giveBack(core, envelope);
        core.recordFate(vt, "ignore", envelope, lamport);
        return undefined;
      default:
        throw new ProtocolError("Message that the state does not list", {
          actor: life.name,
          state: life.label,
          type: envelope.type,
          sender: envelope.source,
          seq: envelope.id,
        });
    }
  }

  #prepareTimer(
    core: RunCore,
    vt: number,
    timer: { readonly name: string; readonly setting: number },
    life: LiveActor,
  ): NextStep | undefined {
    const { name, setting } = timer;
    if (life.timers.get(name) !== setting) return undefined;
    life.timers.delete(name);
    const summary = { name };
    const cause = core.recorder.add({ vt, kind: "timer", actor: life.name, summary });
    return this.#ready(core, life, vt, cause, {
      kind: "signal",
      signal: { kind: "timer", name },
    });
  }

  #prepareMessage(
    core: RunCore,
    vt: number,
    envelope: Envelope,
    life: LiveActor,
    lamport: number,
  ): NextStep {
    const cause = core.recordFate(vt, "deliver", envelope, lamport);
    const input: Input = { kind: "message", envelope };
    if (life.isMemory && envelope.type === "memory.release") core.grants.close(grantsOf(input));
    return this.#ready(core, life, vt, cause, input);
  }

  #ready(core: RunCore, life: LiveActor, now: number, cause: number, input: Input): NextStep {
    const { next } = life;
    next.now = now;
    next.input = input;
    next.nextGrant = core.grants.next;
    if (life.isMemory) next.lent = core.grants.lent();
    next.cause = cause;
    return next;
  }
}
