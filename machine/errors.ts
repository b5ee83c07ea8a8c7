/**
 * The errors of the laboratory. Each says what was wrong, where, and what to do; none is thrown
 * for a fact of the simulated machine (those are errno values in messages), only for a broken law
 * of the simulator, a malformed file or a user's mistake.
 *
 * @module
 */

/** Names of the process exit codes: ok, a rule broken or data lost, usage, internal. */
export const EXIT = { ok: 0, broken: 1, usage: 2, internal: 3 } as const;

/** Where a protocol was broken. */
export interface ProtocolPlace {
  /** The actor that received, or that accessed what it may not. */
  readonly actor: string;
  /** Message type or kind of access. */
  readonly type: string;
  /** State of the actor, where it has one. */
  readonly state?: string;
  /** Who sent the message. */
  readonly sender?: string;
  /** Trace sequence number of the delivery. */
  readonly seq?: number;
}

/** A message, access or effect that the declared protocol does not allow. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly place: ProtocolPlace;
  constructor(message: string, place: ProtocolPlace) {
    const at = place.seq === undefined ? "" : ` at seq ${place.seq}`;
    const state = place.state === undefined ? "" : ` in state '${place.state}'`;
    const sender = place.sender === undefined ? "" : ` from '${place.sender}'`;
    super(`${message}: actor '${place.actor}'${state}, '${place.type}'${sender}${at}`);
    this.place = place;
  }
}

/** Bytes that are not what their format says. `offset` is in bytes from the start of the input. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly format: string;
  readonly offset: number;
  constructor(format: string, offset: number, message: string) {
    super(`Not a valid ${format}: ${message} (at byte ${offset})`);
    this.format = format;
    this.offset = offset;
  }
}

/** A named limit of `limits.ts` was passed. */
export class LimitError extends Error {
  override readonly name = "LimitError";
  readonly limit: string;
  constructor(limit: string, value: number, max: number, hint = "") {
    super(`Limit '${limit}' passed: ${value} is over ${max}${hint === "" ? "" : `; ${hint}`}`);
    this.limit = limit;
  }
}

/** A replay that left the recorded path. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  readonly seq: number;
  constructor(seq: number, wanted: string, available: string) {
    super(
      `Replay diverged at seq ${seq}: wanted ${wanted}, available ${available}; ` +
        "usual causes are another version or profile, an edited scenario, or an actor that reads " +
        "something besides its state, its envelope and its grants",
    );
    this.seq = seq;
  }
}

/** A step that threw: a defect of the actor, told with what it was handling. */
export class ActorFailure extends Error {
  override readonly name = "ActorFailure";
  readonly actor: string;
  readonly seq: number;
  constructor(actor: string, type: string, seq: number, message: string) {
    super(`Actor '${actor}' failed on '${type}' at seq ${seq}: ${message}`);
    this.actor = actor;
    this.seq = seq;
  }
}

/** A worker that died, hung or would not end. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly actor: string;
  constructor(actor: string, message: string) {
    super(`Actor '${actor}': ${message}`);
    this.actor = actor;
  }
}

/** A mistake in what the user asked for: exit code 2, one sentence, no stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
