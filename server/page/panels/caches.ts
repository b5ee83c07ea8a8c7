/**
 * What panels and dialogs keep of a source beside the page's state: answers for moments, and what
 * is unfolded. One set per source, so that it goes when the source goes.
 *
 * @module
 */
import type { EventContext } from "../../api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "../../api/shapes/machine.ts";
import type { DataSource } from "../model.ts";
import { BROWSER_DELAY, Fetched } from "./fetched.ts";

/** See the module's header. */
export interface Caches {
  readonly context: Fetched<EventContext>;
  readonly machine: Fetched<MachineState>;
  readonly change: Fetched<StateChange>;
  readonly memory: Fetched<MemoryMap>;
  readonly disk: Fetched<DiskMap>;
}

const CACHES: WeakMap<DataSource, Caches> = new WeakMap();

/** The caches of a source. */
export function cachesOf(source: DataSource): Caches {
  const known = CACHES.get(source);
  if (known !== undefined) return known;
  const caches = {
    context: new Fetched((run, at) => source.context(run, at), BROWSER_DELAY),
    machine: new Fetched((run, at) => source.machine(run, at), BROWSER_DELAY),
    change: new Fetched((run, at) => source.change(run, at), BROWSER_DELAY),
    memory: new Fetched((run, at) => source.memory(run, at), BROWSER_DELAY),
    disk: new Fetched((run, at) => source.disk(run, at), BROWSER_DELAY),
  };
  CACHES.set(source, caches);
  return caches;
}
