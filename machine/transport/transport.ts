/**
 * The face of a transport: it keeps the actors' states and runs their steps, wherever that is.
 * It decides nothing; order, time and choice are the scheduler's.
 *
 * @module
 */
import type { StepResult } from "../effects.ts";
import type { FlatStore } from "../flat_store.ts";
import type { Plain } from "../messages/shape.ts";
import type { ActorStart, StepOrder } from "../step.ts";

export type { ActorStart } from "../step.ts";

/** See the module's header. All calls are synchronous; `step` may run its orders in parallel. */
export interface Transport {
  /** Word for progress output: `inline`, `worker`. */
  readonly name: string;
  /** Whether orders of one batch run at the same time. */
  readonly parallel: boolean;
  /** Gives a machine that was just powered on its RAM. */
  useRam(ram: FlatStore): void;
  /**
   * Starts an actor. With a state to go on from it may be one that runs already and has the same
   * behaviour: it is put to that state.
   */
  start(actor: ActorStart): StepResult;
  /**
   * Runs one step of each of several different actors. Neither list outlives the next call: the
   * caller reuses the batch, the transport the results.
   */
  step(batch: readonly StepOrder[]): readonly StepResult[];
  /** The plain state of an actor, at a barrier. */
  stateOf(name: string): Plain;
  stop(name: string): void;
  /** Ends all; an actor that will not end is a TransportError. */
  close(): void;
}
