/**
 * Which module a worker loads for which behaviour. A worker costs what its modules cost to load,
 * so the simple parts of the machine have an entry of their own.
 *
 * @module
 */

const SIMPLE: ReadonlySet<string> = new Set([
  "console",
  "disk",
  "memory_controller",
  "network",
  "operator",
  "pci_bridge",
  "rtc",
]);

/** The module for workers in which an actor of that behaviour runs. */
export function workerEntryOf(behaviour: string): URL {
  const name = SIMPLE.has(behaviour) ? "device_worker_entry.ts" : "worker_entry.ts";
  return new URL(name, import.meta.url);
}

/** Blank workers worth having ahead of their use, by a behaviour of their entry. */
export const WORKERS_AHEAD: readonly { readonly behaviour: string; readonly count: number }[] = [
  { behaviour: "console", count: 3 },
  { behaviour: "cpu", count: 2 },
];
