/**
 * Causal past and future of an event. An event follows from its actor's event before it, from its
 * cause and from the send of its message, all of which have smaller numbers; so one walk down and
 * one up over the numbers finds everything, with its distance in steps.
 *
 * @module
 */
import type { EventContext } from "../api/shapes/event.ts";
import { NONE, type TraceIndex } from "./trace_index.ts";

/** Distance of what is in no cone. */
const FAR = 0x7fff_ffff;

/** What causality gives but for the event itself. */
export type Cones = Omit<EventContext, "event">;

interface Cone {
  readonly count: number;
  readonly seqs: number[];
}

/** Steps from each event before `seq` to it, by event. */
function distancesBack(index: TraceIndex, seq: number): Int32Array {
  const steps = new Int32Array(seq + 1).fill(FAR);
  steps[seq] = 0;
  for (let at = seq; at >= 0; at--) {
    const distance = steps[at] ?? FAR;
    if (distance === FAR) continue;
    for (const before of [index.previousOf(at), index.causeOf(at), index.sendOf(at)]) {
      if (before !== NONE && (steps[before] ?? FAR) > distance + 1) steps[before] = distance + 1;
    }
  }
  return steps;
}

/** Steps to each event behind `seq`; the first element is `seq` itself. */
function distancesOn(index: TraceIndex, seq: number, events: number): Int32Array {
  const steps = new Int32Array(events - seq).fill(FAR);
  steps[0] = 0;
  const of = (before: number): number => before < seq ? FAR : steps[before - seq] ?? FAR;
  for (let at = seq + 1; at < events; at++) {
    const least = Math.min(of(index.previousOf(at)), of(index.causeOf(at)), of(index.sendOf(at)));
    if (least !== FAR) steps[at - seq] = least + 1;
  }
  return steps;
}

/** The nearest of a cone: by steps, then by number. */
function nearest(steps: Int32Array, first: number, seq: number, most: number): Cone {
  const found: number[] = [];
  for (let at = 0; at < steps.length; at++) {
    const distance = steps[at] ?? FAR;
    if (distance !== FAR && distance !== 0) found.push(at);
  }
  const apart = (at: number): number => Math.abs(at + first - seq);
  const order = (left: number, right: number): number =>
    (steps[left] ?? FAR) - (steps[right] ?? FAR) || apart(left) - apart(right);
  const count = found.length;
  const close = found.length > most ? withinSteps(found, steps, most) : found;
  const seqs = close.sort(order).slice(0, most).map((at) => at + first);
  return { count, seqs };
}

/** Those within as few steps as it takes to have enough, so that only few are sorted. */
function withinSteps(found: number[], steps: Int32Array, most: number): number[] {
  const counts: number[] = [];
  for (const at of found) {
    const distance = steps[at] ?? 0;
    counts[distance] = (counts[distance] ?? 0) + 1;
  }
  let enough = 0;
  for (let sum = 0; sum < most && enough < counts.length - 1;) {
    enough++;
    sum += counts[enough] ?? 0;
  }
  return found.filter((at) => (steps[at] ?? FAR) <= enough);
}

function clockOf(index: TraceIndex, steps: Int32Array): Record<string, number> {
  const counts = new Array<number>(index.actorNames.length).fill(0);
  for (let at = 0; at < steps.length; at++) {
    if (steps[at] === FAR) continue;
    const actor = index.actorAt(at);
    counts[actor] = (counts[actor] ?? 0) + 1;
  }
  // Actors of a recording may have any name, `__proto__` too.
  const known = index.actorNames.map((name, number) => [name, counts[number] ?? 0] as const);
  return Object.fromEntries(known.filter(([, count]) => count > 0));
}

function linksWithin(index: TraceIndex, seqs: readonly number[]): [number, number][] {
  const listed = new Set(seqs);
  const links: [number, number][] = [];
  for (const to of [...seqs].sort((left, right) => left - right)) {
    const before = new Set([index.previousOf(to), index.causeOf(to), index.sendOf(to)]);
    for (const from of before) if (listed.has(from)) links.push([from, to]);
  }
  return links;
}

/**
 * The cones of an event that is in the index.
 *
 * @param most how many events of each cone are listed; all are counted.
 * @param events how many events of the index are looked at.
 */
export function conesOf(index: TraceIndex, seq: number, most: number, events: number): Cones {
  const back = distancesBack(index, seq);
  const past = nearest(back, 0, seq, most);
  const future = nearest(distancesOn(index, seq, events), seq, seq, most);
  return {
    clock: clockOf(index, back),
    past,
    future,
    links: linksWithin(index, [...past.seqs, seq, ...future.seqs]),
  };
}
