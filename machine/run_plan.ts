/**
 * What a run is made of: who lives, on what hardware, with which seed and choices.
 *
 * @module
 */
import type { Registry } from "./actor.ts";
import type { Choice } from "./choices.ts";
import type { FlatStore } from "./flat_store.ts";
import type { Plain } from "./messages/shape.ts";
import type { Summary } from "./trace/event.ts";

/** An actor to be started when the machine is powered on. */
export interface ActorSpec {
  readonly name: string;
  readonly behaviour: string;
  readonly config: Plain;
}

/** A fact that the observer adds: read from RAM from outside, never by an actor. */
export interface Observation {
  readonly name: string;
  readonly fields: Summary;
  readonly blob?: Uint8Array;
}

/** Looks at RAM when a fact was said. */
export type Observer = (fact: string, fields: Summary, ram: FlatStore) => readonly Observation[];

/** What a run is made of. */
export interface RunPlan {
  readonly registry: Registry;
  /** Actors that live through power cuts: the person at the machine. */
  readonly people: readonly ActorSpec[];
  /** Actors that power-on starts, in order. */
  readonly hardware: readonly ActorSpec[];
  /** The machine's RAM, all zero; losing power makes it zero again. */
  readonly makeRam: () => FlatStore;
  /** Smallest time in ns from a send to its delivery. */
  readonly linkLatency: number;
  readonly seed: number;
  readonly choices: readonly Choice[];
  /** Whether ties are broken by the seeded stream instead of by order of sending. */
  readonly seededOrder: boolean;
  readonly observer: Observer;
  /**
   * Whether people do what a host tells them while the run goes on: then a machine in which
   * nothing happens any more has not ended, it waits.
   */
  readonly live?: boolean;
  /** Steps at the same time at most, whatever the transport (1 forms no batches). */
  readonly batchMax: number;
}
