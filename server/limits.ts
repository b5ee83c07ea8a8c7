/**
 * Every bound of the server, in one place, beside those of the laboratory (`machine/limits.ts`).
 * Passing one is an answer that names it.
 *
 * @module
 */

/** The limits by name; the unit is the last word of the name. */
export const SERVER_LIMITS = {
  /** Runs that run at one time. */
  runningRuns: 2,
  /** Live runs that wait for their person at one time, besides those that run. */
  waitingRuns: 8,
  /** Runs that wait for their turn. */
  queuedRuns: 32,
  /** Runs that are kept; the oldest that nobody runs go first. */
  keptRuns: 500,
  /** Bytes of a JSON body. */
  jsonBytes: 1_048_576,
  /** Nesting of a JSON body. */
  jsonDepth: 32,
  /** Bytes of an uploaded trace or log, as sent. */
  traceUploadBytes: 268_435_456,
  /** Bytes of an uploaded trace or log, unpacked. */
  unpackedBytes: 536_870_912,
  /** Bytes of an uploaded image. */
  imageUploadBytes: 1_073_741_824,
  /** Uploads that are received at one time. */
  openUploads: 4,
  /** Events of one run. */
  runEvents: 5_000_000,
  /** RAM in bytes of one machine that is run or replayed. */
  machineBytes: 1_073_741_824,
  /** Ms of the host's time one run may take while it does not wait. */
  runMilliseconds: 600_000,
  /** Ms that a live run waits for its person. */
  idleMilliseconds: 1_800_000,
  /** Streams open at one time. */
  openStreams: 256,
  /** Ms for which `Prefer: wait` may make a request wait. */
  waitMilliseconds: 30_000,
  /** Verdict marks kept of one run. */
  verdictMarks: 200_000,
  /** Machines kept ready for a look into them. */
  replaySessions: 2,
  /** Requests for runs to be read (reports, exports, searches …) that wait at one time. */
  deskRequests: 64,
  /** Ms that one of them may take. */
  deskMilliseconds: 120_000,
  /** Bytes of framed events kept for further clients. */
  frameCacheBytes: 134_217_728,
} as const;

/** Name of a limit. */
export type ServerLimitName = keyof typeof SERVER_LIMITS;
