/**
 * What an actor is: a behaviour over plain data. A behaviour declares, for each of its states,
 * which messages it handles, which it keeps for later and which it may drop; anything else is an
 * error that names state, message and sender (DESIGN.md laws 4 and 6).
 *
 * A step owns the state it is given: it may change it in place or return another. It reads
 * nothing but its state, its input and the grants the input carries, and leaves everything it
 * does in `out`.
 *
 * @module
 */
import type { Access } from "./access.ts";
import type { Grant, Role } from "./messages/declare.ts";
import type { Plain } from "./messages/shape.ts";
import type { Body, MessageType } from "./messages/vocabulary.ts";
import type { Fact, FactName } from "./protocol/facts.ts";
import type { Signal } from "./signals.ts";

/** A message under way. */
export interface Envelope<T extends MessageType = MessageType> {
  /** `seq` of its send event. */
  readonly id: number;
  readonly source: string;
  readonly target: string;
  readonly type: T;
  readonly body: Body<T>;
}

/** What an actor's states do with messages. */
export interface StateTable {
  readonly handles: readonly MessageType[];
  readonly defers?: readonly MessageType[];
  readonly ignores?: readonly MessageType[];
}

/** Where a step leaves what it does. Nothing happens before the step has returned. */
export interface Out {
  /** Virtual time in ns at which the input is handled. */
  readonly now: number;
  /** The actor's own name. */
  readonly self: string;
  /** Sends a message; it arrives after `after` ns and the link's latency. */
  send<T extends MessageType>(target: string, type: T, body: Body<T>, after?: number): void;
  /** Asks for a `timer` signal after `after` ns; a timer of the same name is replaced. */
  timer(name: string, after: number): void;
  /** Says a fact (protocol.md F.0); bytes too long for the summary go into `blob`. */
  fact<N extends FactName>(name: N, fields: Fact<N>, blob?: Uint8Array): void;
  /** Opens a grant on RAM: the memory controller only. */
  grant(start: number, length: number, write: boolean): Grant;
  /** Starts an actor: processor and firmware only. */
  spawn(name: string, behaviour: string, config: Plain): void;
  /** Ends an actor: processor and firmware only. */
  dispose(name: string): void;
  /** Switches the machine's power: the firmware, and a person at the button. */
  power(op: "on" | "off" | "reset"): void;
  /** Ends the run with an outcome: operator only. */
  finish(outcome: string): void;
}

/** What a step is given. */
export type Input =
  | { readonly kind: "message"; readonly envelope: Envelope }
  | { readonly kind: "signal"; readonly signal: Signal };

/** Handlers by message type. */
export type Handlers<S> = {
  readonly [T in MessageType]?: (state: S, envelope: Envelope<T>, out: Out, access: Access) => S;
};

/** A kind of actor. */
export interface Behaviour<S = never> {
  /** Name by which it is started: `memory_controller`, `kernel`, … */
  readonly kind: string;
  readonly role: Role;
  /** One sentence for people. */
  readonly doc: string;
  /** States by label. */
  readonly states: Readonly<Record<string, StateTable>>;
  /** Stores it owns: RAM for the memory controller, blocks for the disk. */
  readonly owns?: "ram" | "blocks";
  /** First state, from the configuration it is started with. */
  start(config: Plain, out: Out): S;
  /** The label of a state. */
  label(state: S): string;
  readonly on: Handlers<S>;
  /** What it does with signals; those it has no use for do nothing. */
  signal?(state: S, signal: Signal, out: Out, access: Access): S;
}

/** A behaviour whose state type is nobody else's business. */
export interface AnyBehaviour {
  readonly kind: string;
  readonly role: Role;
  readonly doc: string;
  readonly states: Readonly<Record<string, StateTable>>;
  readonly owns?: "ram" | "blocks";
  /** Runs the start; the state stays opaque plain data. */
  begin(config: Plain, out: Out): unknown;
  labelOf(state: unknown): string;
  /** Runs one input. */
  run(state: unknown, input: Input, out: Out, access: Access): unknown;
}

/** Hides a behaviour's state type, so that behaviours of all kinds can stand in one registry. */
export function seal<S>(behaviour: Behaviour<S>): AnyBehaviour {
  // The engine gives a behaviour only states that the same behaviour made, so the casts are true.
  const own = (state: unknown): S => state as S;
  type Handler = (state: S, envelope: Envelope, out: Out, access: Access) => S;
  const handlers = new Map<string, Handler>();
  for (const [type, handler] of Object.entries(behaviour.on)) {
    // Each handler is looked up by the type of the envelope that it takes.
    handlers.set(type, handler as Handler);
  }
  return {
    kind: behaviour.kind,
    role: behaviour.role,
    doc: behaviour.doc,
    states: behaviour.states,
    ...(behaviour.owns === undefined ? {} : { owns: behaviour.owns }),
    begin: (config, out) => behaviour.start(config, out),
    labelOf: (state) => behaviour.label(own(state)),
    run(state, input, out, access) {
      if (input.kind === "signal") {
        return behaviour.signal?.(own(state), input.signal, out, access) ?? state;
      }
      const handler = handlers.get(input.envelope.type);
      return handler === undefined ? state : handler(own(state), input.envelope, out, access);
    },
  };
}

/** Behaviours by kind. */
export type Registry = ReadonlyMap<string, AnyBehaviour>;

/** A registry of behaviours. */
export function registryOf(behaviours: readonly AnyBehaviour[]): Registry {
  return new Map(behaviours.map((behaviour) => [behaviour.kind, behaviour]));
}
