/**
 * Two actors that do nothing but answer each other, for the engine's benchmarks: what is left is
 * the engine.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, type Handlers, seal } from "../machine/actor.ts";
import { FlatStore } from "../machine/flat_store.ts";
import type { RunPlan } from "../machine/scheduler.ts";

/** How often an actor was asked. */
export interface Count {
  readonly handled: number;
}

/** The one who asks, and asks again at each answer. */
export const ASKING: Handlers<Count> = {
  "memory.data": (state, { body }, out) => {
    out.send("memory", "memory.read", { tag: body.tag, by: out.self, address: 4096, length: 8 });
    return { handled: state.handled + 1 };
  },
};

/** The one who answers. */
export const ANSWERING: Handlers<Count> = {
  "memory.read": (state, { source, body }, out) => {
    out.send(source, "memory.data", { tag: body.tag, bytes: "00112233" });
    return { handled: state.handled + 1 };
  },
};

const asker: Behaviour<Count> = {
  kind: "asker",
  role: "kernel",
  doc: "Asks.",
  states: { on: { handles: ["memory.data"] } },
  start(_, out) {
    out.send("memory", "memory.read", { tag: "0", by: out.self, address: 4096, length: 8 });
    return { handled: 0 };
  },
  label: () => "on",
  on: ASKING,
};

const answerer: Behaviour<Count> = {
  kind: "answerer",
  role: "memory",
  doc: "Answers.",
  owns: "ram",
  states: { on: { handles: ["memory.read"] } },
  start: () => ({ handled: 0 }),
  label: () => "on",
  on: ANSWERING,
};

/** Behaviours of the plan. */
export const BEHAVIOURS: readonly AnyBehaviour[] = [seal(asker), seal(answerer)];

/** A plan of `pairs` askers and one who answers them all. */
export function pingPong(pairs: number): RunPlan {
  return {
    registry: new Map(BEHAVIOURS.map((behaviour) => [behaviour.kind, behaviour])),
    people: [
      { name: "memory", behaviour: "answerer", config: null },
      ...Array.from({ length: pairs }, (_, index) => ({
        name: `asker${index}`,
        behaviour: "asker",
        config: null,
      })),
    ],
    hardware: [],
    makeRam: () => FlatStore.make(65536),
    linkLatency: 100,
    seed: 1,
    choices: [],
    seededOrder: false,
    observer: () => [],
    batchMax: 8,
  };
}
