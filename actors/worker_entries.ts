/**
 * Which module a worker loads for which behaviour. A worker costs what its modules cost to load,
 * so the simple parts of the machine have an entry of their own, and what runs before a kernel too.
 *
 * @module
 */

const ENTRIES: readonly { readonly module: string; readonly behaviours: readonly string[] }[] = [
  {
    module: "device_worker_entry.ts",
    behaviours: [
      "console",
      "disk",
      "memory_controller",
      "network",
      "live_operator",
      "operator",
      "pci_bridge",
      "rtc",
    ],
  },
  {
    module: "platform_worker_entry.ts",
    behaviours: ["boot_loader", "cpu", "firmware", "physical_mode", "purgatory"],
  },
];

/** The module for workers in which an actor of that behaviour runs. */
export function workerEntryOf(behaviour: string): URL {
  const entry = ENTRIES.find(({ behaviours }) => behaviours.includes(behaviour));
  return new URL(entry?.module ?? "worker_entry.ts", import.meta.url);
}

/** Blank workers worth having ahead of their use, by a behaviour of their entry. */
export const WORKERS_AHEAD: readonly { readonly behaviour: string; readonly count: number }[] = [
  { behaviour: "console", count: 3 },
  { behaviour: "cpu", count: 2 },
  { behaviour: "kernel", count: 1 },
];
