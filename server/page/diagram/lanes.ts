/**
 * The life lines: which actors, in which order, how far apart.
 *
 * @module
 */
import type { AppContext } from "../app_context.ts";
import type { Lane } from "./scene.ts";

/** Left of the life lines: numbers and times of events. */
export const GUTTER_PIXELS = 144;
/** Height of the life lines' heads. */
export const HEAD_PIXELS = 40;
const LANE_PIXELS_MIN = 52;
const LANE_PIXELS_MAX = 150;

/** Actors in the order in which they are shown, the hidden ones too. */
export function laneOrder(actors: readonly string[], lanes: readonly string[]): string[] {
  const known = lanes.filter((name) => actors.includes(name));
  return [...known, ...actors.filter((name) => !known.includes(name))];
}

/** The life lines that are shown. */
export function lanesOf({ trace, state }: AppContext, width: number): Lane[] {
  const names = laneOrder(trace.actors, state.lanes)
    .filter((name) => !state.filter.hiddenActors.has(name));
  const room = Math.floor((width - GUTTER_PIXELS - 8) / Math.max(1, names.length));
  const lane = Math.min(LANE_PIXELS_MAX, Math.max(LANE_PIXELS_MIN, room - room % 2));
  return names.map((name, index) => ({
    name,
    actor: trace.actorNumber(name),
    x: GUTTER_PIXELS + lane * index + lane / 2,
  }));
}

/** Width in px of the picture. */
export function lanesWidth(lanes: readonly Lane[], least: number): number {
  const last = lanes.at(-1);
  const half = lanes[0] === undefined ? 0 : lanes[0].x - GUTTER_PIXELS;
  return Math.max(least, last === undefined ? 0 : last.x + half + 8);
}
