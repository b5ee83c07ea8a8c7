/**
 * How long hardware takes: whole nanoseconds of virtual time.
 *
 * @module
 */

const NS_PER_SECOND = 1e9;

/** Time in ns to move `bytes` at a bandwidth, rounded up. */
export function transferNs(bytes: number, bytesPerSecond: number): number {
  return Math.ceil(bytes / bytesPerSecond * NS_PER_SECOND);
}
