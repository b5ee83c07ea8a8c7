/**
 * Runs one step of one behaviour. Every transport, whatever carries its messages, comes here, so
 * that a step is the same everywhere.
 *
 * @module
 */
import { Access, type Reach, type Stores } from "./access.ts";
import type { AnyBehaviour, Input, Out, Registry } from "./actor.ts";
import { toHex } from "./hex.ts";
import type { Effect, StepResult } from "./effects.ts";
import { ProtocolError, TransportError } from "./errors.ts";
import { LIMITS, withinLimit } from "./limits.ts";
import type { Grant } from "./messages/declare.ts";
import type { Plain } from "./messages/shape.ts";
import type { Fact, FactName } from "./protocol/facts.ts";

/** Who is to be started. */
export interface ActorStart {
  readonly name: string;
  /** A small number of its own among those that live. */
  readonly slot: number;
  readonly behaviour: string;
  readonly config: Plain;
  readonly now: number;
  /** A state to go on from, instead of the first one. */
  readonly state?: Plain;
}

/**
 * What a step needs besides its state. A transport that carries orders elsewhere carries these
 * fields and no others, see {@linkcode bareOrder}.
 */
export interface StepOrder {
  readonly actor: string;
  /** The actor's number, see {@linkcode ActorStart}. */
  readonly slot: number;
  readonly now: number;
  readonly input: Input;
  /** First of the numbers the memory controller may give to grants it opens. */
  readonly nextGrant: number;
  /** Grants out at this moment, for the owner of RAM. */
  readonly lent: readonly Grant[];
}

/** An order without what the scheduler notes on it for itself. */
export function bareOrder(order: StepOrder): StepOrder {
  const { actor, slot, now, input, nextGrant, lent } = order;
  return { actor, slot, now, input, nextGrant, lent };
}

const NO_EFFECTS: readonly Effect[] = [];

/** One for each actor, used again for each of its steps. */
class Collector implements Out {
  readonly self: string;
  now = 0;
  effects: Effect[] | undefined;
  nextGrant = 0;
  readonly #owns: boolean;

  constructor(self: string, owns: boolean) {
    this.self = self;
    this.#owns = owns;
  }

  /** Begins a step. */
  begin(now: number, nextGrant: number): void {
    this.now = now;
    this.nextGrant = nextGrant;
    this.effects = undefined;
  }

  #add(effect: Effect): void {
    if (this.effects === undefined) {
      this.effects = [effect];
      return;
    }
    this.effects.push(effect);
    if (this.effects.length > LIMITS.stepEffects) {
      withinLimit("stepEffects", this.effects.length);
    }
  }

  send(target: string, type: string, body: Plain, after = 0): void {
    this.#add({ kind: "send", target, type, body, after });
  }

  timer(name: string, after: number): void {
    this.#add({ kind: "timer", name, after });
  }

  fact<N extends FactName>(name: N, fields: Fact<N>, blob?: Uint8Array): void {
    this.#add({
      kind: "fact",
      name,
      fields,
      ...(blob === undefined ? {} : { blob: toHex(blob) }),
    });
  }

  grant(start: number, length: number, write: boolean): Grant {
    if (!this.#owns) {
      throw new ProtocolError("Grant opened by an actor that does not own RAM", {
        actor: this.self,
        type: "grant",
      });
    }
    return { id: this.nextGrant++, start, length, write };
  }

  spawn(name: string, behaviour: string, config: Plain): void {
    this.#add({ kind: "spawn", name, behaviour, config });
  }

  dispose(name: string): void {
    this.#add({ kind: "dispose", name });
  }

  power(op: "on" | "off" | "reset"): void {
    this.#add({ kind: "power", op });
  }

  finish(outcome: string): void {
    this.#add({ kind: "finish", outcome });
  }
}

/** The grants a message carries. */
export function grantsOf(input: Input): readonly Grant[] {
  if (input.kind !== "message") return [];
  const body: object = input.envelope.body;
  return "grants" in body ? body.grants as readonly Grant[] : [];
}

/** The reach of the step that is running. */
class StepReach implements Reach {
  readonly actor: string;
  readonly owns: "ram" | "blocks" | undefined;
  order: StepOrder | undefined;

  constructor(actor: string, owns: "ram" | "blocks" | undefined) {
    this.actor = actor;
    this.owns = owns;
  }

  get grants(): readonly Grant[] {
    return this.order === undefined ? [] : grantsOf(this.order.input);
  }

  get lent(): readonly Grant[] {
    return this.order?.lent ?? [];
  }
}

function failureOf(error: unknown): StepResult {
  const failure = error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
  return { effects: NO_EFFECTS, label: "failed", failure };
}

/**
 * A running actor: its behaviour, its state, and what its steps are given. It is the same
 * wherever it runs.
 */
export class Cell {
  readonly behaviour: AnyBehaviour;
  readonly #out: Collector;
  readonly #reach: StepReach;
  readonly #result: { effects: readonly Effect[]; label: string } = {
    effects: NO_EFFECTS,
    label: "",
  };
  #state: unknown;
  #stores: Stores | undefined;
  #access: Access | undefined;

  constructor(behaviour: AnyBehaviour, actor: string) {
    this.behaviour = behaviour;
    this.#out = new Collector(actor, behaviour.owns === "ram");
    this.#reach = new StepReach(actor, behaviour.owns);
  }

  /** A copy of the state as plain data. */
  get state(): Plain {
    return JSON.parse(JSON.stringify(this.#state));
  }

  /** Makes the first state. */
  begin(now: number, config: Plain): StepResult {
    this.#out.begin(now, 0);
    try {
      this.#state = this.behaviour.begin(config, this.#out);
      return this.#done();
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Goes on from a state, of which it keeps a copy. */
  resume(state: Plain): StepResult {
    this.#state = JSON.parse(JSON.stringify(state));
    return { effects: NO_EFFECTS, label: this.behaviour.labelOf(this.#state) };
  }

  /** Runs one input and changes the state. */
  run(order: StepOrder, stores: Stores): StepResult {
    let access = this.#access;
    if (access === undefined || this.#stores !== stores) {
      this.#stores = stores;
      access = this.#access = new Access(stores, this.#reach);
    }
    this.#reach.order = order;
    this.#out.begin(order.now, order.nextGrant);
    try {
      this.#state = this.behaviour.run(this.#state, order.input, this.#out, access);
      this.#reach.order = undefined;
      return this.#done();
    } catch (error) {
      this.#reach.order = undefined;
      return failureOf(error);
    }
  }

  /** The same object for each step: a result does not outlive the next one. */
  #done(): StepResult {
    const result = this.#result;
    result.effects = this.#out.effects ?? NO_EFFECTS;
    result.label = this.behaviour.labelOf(this.#state);
    return result;
  }
}

/**
 * Starts an actor's cell, from a state to go on from or from its configuration.
 *
 * @throws {TransportError} if there is no such behaviour.
 */
export function startCell(
  registry: Registry,
  start: ActorStart,
): { cell: Cell; result: StepResult } {
  const behaviour = registry.get(start.behaviour);
  if (behaviour === undefined) {
    throw new TransportError(start.name, `no behaviour '${start.behaviour}' is registered`);
  }
  const cell = new Cell(behaviour, start.name);
  const result = start.state === undefined
    ? cell.begin(start.now, start.config)
    : cell.resume(start.state);
  return { cell, result };
}
