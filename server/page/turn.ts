/**
 * The browser's turn: the next frame, or soon in a tab that nobody sees.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Turn } from "./feeder.ts";

/**
 * The turn as the browser has it.
 *
 * @param isTaken says that a frame is taken by something else: then it is the next one's turn.
 */
export function browserTurn(isTaken: () => boolean = () => false): Turn {
  const later = (then: () => void): void => {
    if (document.hidden) setTimeout(then);
    else requestAnimationFrame(() => isTaken() ? later(then) : then());
  };
  return { now: () => performance.now(), later };
}
