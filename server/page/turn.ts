/**
 * The browser's turn: the next frame, or soon in a tab that nobody sees.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Turn } from "./feeder.ts";

/** The turn as the browser has it. */
export function browserTurn(): Turn {
  return {
    now: () => performance.now(),
    later(then) {
      if (document.hidden) setTimeout(then);
      else requestAnimationFrame(then);
    },
  };
}
