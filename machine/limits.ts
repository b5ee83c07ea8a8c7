/**
 * Every bound of the laboratory, in one place. Passing one raises a {@linkcode LimitError} that
 * gives its name, never a silent truncation.
 *
 * @module
 */
import { LimitError } from "./errors.ts";

/** The limits by name; the unit is the last word of the name. */
export const LIMITS = {
  /** Deliveries waiting in the scheduler. */
  queueDeliveries: 65_536,
  /** Deliveries one run may make. */
  runDeliveries: 20_000_000,
  /** Messages an actor may defer at one time. */
  deferredMessages: 1_024,
  /** Effects one step may leave. */
  stepEffects: 4_096,
  /** JSON bytes of one message body. */
  messageBytes: 1_048_576,
  /** JSON bytes of one event's summary in the trace. */
  summaryBytes: 512,
  /** Bytes of a page or pair set that stand inline in a summary; longer ones are blobs. */
  summaryInlineBytes: 256,
  /** Bytes of one line of a trace that is read. */
  traceLineBytes: 65_536,
  /** Grants open at one time. */
  openGrants: 4_096,
  /** Bytes one grant may span. */
  grantBytes: 1_048_576,
  /** Page pairs one exchange message may name (protocol.md C.5). */
  exchangePairs: 256,
  /** Extents of bulk data in flight for one transfer. */
  extentsInFlight: 4,
  /** Bytes the disk's volatile write cache holds before the oldest go to the medium. */
  diskCacheBytes: 8_388_608,
  /** Actors alive at one time. */
  liveActors: 64,
  /** Bytes of a file given by the user as payload. */
  payloadBytes: 1_073_741_824,
  /** Bytes of RAM a machine may have. */
  memoryBytes: 17_179_869_184,
} as const;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/**
 * Checks a value against a named limit.
 *
 * @throws {LimitError} if `value` is over it.
 */
export function withinLimit(name: LimitName, value: number, hint?: string): void {
  const max = LIMITS[name];
  if (value > max) throw new LimitError(name, value, max, hint);
}
