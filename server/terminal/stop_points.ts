/**
 * Where a hibernation can be ended early. All but `power-off` leave a machine that is running, of
 * which only what its disk holds durably remains.
 *
 * @module
 */
import type { RunLog } from "./run_log.ts";

/** Whether a point was reached, by its name. */
export const STOP_POINTS: Readonly<Record<string, (log: RunLog) => boolean>> = {
  "prompt": (log) => log.prompts.has("A"),
  "load": (log) => log.loaded,
  "jump": (log) => log.jumps.length > 0,
  "image": (log) => log.image.committed !== undefined,
  // The script of the first half ends there by itself, with the writes in order.
  "power-off": () => false,
};
