/**
 * Whole machines leave shared buffers of a hundred MiB and more behind, which the runtime does
 * not count as a reason to collect; a test process that runs many of them would grow without
 * end. The test task exposes the collector for this one use.
 *
 * @module
 */

/** Gives the buffers of machines that are gone back to the host, where the collector is exposed. */
export function collectGarbage(): void {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect === "function") collect();
}
