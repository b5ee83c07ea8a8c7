/**
 * The actors that live: what each is, which state it stands in, what it keeps for later, which
 * timers it has set. Their plain states are the transport's.
 *
 * @module
 */
import type { AnyBehaviour, Envelope, Input, Registry } from "./actor.ts";
import { withinLimit } from "./limits.ts";
import { roleBit } from "./message_table.ts";
import type { Grant, Role } from "./messages/declare.ts";
import type { StepOrder } from "./step.ts";

/** What the scheduler knows of a living actor. */
export interface Life {
  readonly name: string;
  readonly behaviour: string;
  readonly role: Role;
  readonly person: boolean;
  readonly label: string;
  readonly deferred: readonly Envelope[];
  /** Timers that are set: name and number of the setting. */
  readonly timers: readonly (readonly [string, number])[];
}

/** What a state does with a message. */
export type Verdict = "handle" | "defer" | "ignore";
type Verdicts = ReadonlyMap<string, Verdict>;
const NO_VERDICTS: Verdicts = new Map();

/** Verdicts by label of the state. */
function compile(behaviour: AnyBehaviour): ReadonlyMap<string, Verdicts> {
  return new Map(
    Object.entries(behaviour.states).map(([label, table]) => {
      const verdicts = new Map<string, Verdict>();
      for (const type of table.ignores ?? []) verdicts.set(type, "ignore");
      for (const type of table.defers ?? []) verdicts.set(type, "defer");
      for (const type of table.handles) verdicts.set(type, "handle");
      return [label, verdicts];
    }),
  );
}

/** The next step of an actor; one object is used again and again. */
export interface NextStep extends StepOrder {
  now: number;
  input: Input;
  nextGrant: number;
  lent: readonly Grant[];
  readonly life: LiveActor;
  /** The event that brings it about. */
  cause: number;
}

const NOTHING_LENT: readonly Grant[] = [];
const NO_INPUT: Input = { kind: "signal", signal: { kind: "timer", name: "" } };

/** A living actor. */
export class LiveActor {
  readonly name: string;
  readonly behaviour: string;
  readonly role: Role;
  readonly person: boolean;
  readonly bit: number;
  /** Whether its steps may start or end actors, and so share no batch. */
  readonly solo: boolean;
  readonly isMemory: boolean;
  deferred: Envelope[];
  readonly timers: Map<string, number>;
  /** Its number among those that live, for transports to find it by. */
  readonly slot: number;
  readonly next: NextStep;
  alive = true;
  /** Number of the batch it was last in. */
  batch = -1;
  readonly #states: ReadonlyMap<string, Verdicts>;
  #label = "";
  #verdicts: Verdicts = NO_VERDICTS;

  constructor(states: ReadonlyMap<string, Verdicts>, life: Life, slot: number) {
    this.slot = slot;
    this.name = life.name;
    this.behaviour = life.behaviour;
    this.role = life.role;
    this.person = life.person;
    this.bit = roleBit(life.role);
    this.solo = life.role === "cpu" || life.role === "firmware" || life.role === "operator";
    this.isMemory = life.role === "memory";
    this.deferred = [...life.deferred];
    this.timers = new Map(life.timers);
    this.#states = states;
    this.label = life.label;
    this.next = {
      actor: life.name,
      slot,
      now: 0,
      input: NO_INPUT,
      nextGrant: 0,
      lent: NOTHING_LENT,
      life: this,
      cause: 0,
    };
  }

  /** Label of the state it stands in. */
  get label(): string {
    return this.#label;
  }

  set label(label: string) {
    this.#label = label;
    this.#verdicts = this.#states.get(label) ?? NO_VERDICTS;
  }

  /** What its state does with a message; `undefined` if the state does not list it. */
  verdict(type: string): Verdict | undefined {
    return this.#verdicts.get(type);
  }

  /** A plain copy. */
  plain(): Life {
    const { name, behaviour, role, person, label } = this;
    return {
      name,
      behaviour,
      role,
      person,
      label,
      deferred: [...this.deferred],
      timers: [...this.timers],
    };
  }
}

/** See the module's header. */
export class LifeTable {
  readonly #registry: Registry;
  readonly #compiled: Map<string, ReadonlyMap<string, Verdicts>> = new Map();
  readonly #living: Map<string, LiveActor> = new Map();
  readonly #slots: boolean[] = [];

  constructor(registry: Registry, lives: readonly Life[] = []) {
    this.#registry = registry;
    for (const life of lives) this.add(life);
  }

  get(name: string): LiveActor | undefined {
    return this.#living.get(name);
  }

  /** The actor that something is for. */
  of(
    item: { readonly actor: string; readonly life?: LiveActor | undefined },
  ): LiveActor | undefined {
    const { life } = item;
    return life !== undefined && life.alive ? life : this.#living.get(item.actor);
  }

  has(name: string): boolean {
    return this.#living.has(name);
  }

  /** All, in order of their start. */
  list(): readonly LiveActor[] {
    return [...this.#living.values()];
  }

  /** @throws {LimitError} if too many live. */
  add(life: Life): LiveActor {
    withinLimit("liveActors", this.#living.size + 1);
    let slot = this.#slots.indexOf(false);
    if (slot < 0) slot = this.#slots.length;
    this.#slots[slot] = true;
    const actor = new LiveActor(this.#statesOf(life.behaviour), life, slot);
    this.#living.set(actor.name, actor);
    return actor;
  }

  remove(actor: LiveActor): void {
    actor.alive = false;
    this.#slots[actor.slot] = false;
    this.#living.delete(actor.name);
  }

  #statesOf(kind: string): ReadonlyMap<string, Verdicts> {
    let states = this.#compiled.get(kind);
    if (states === undefined) {
      const behaviour = this.#registry.get(kind);
      states = behaviour === undefined ? new Map() : compile(behaviour);
      this.#compiled.set(kind, states);
    }
    return states;
  }
}
