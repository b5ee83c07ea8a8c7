/**
 * The page's state: one object, replaced as a whole, and those who want to know.
 *
 * @module
 */
import type { Filter, PageState } from "./model.ts";
import { decodeHash, encodeHash } from "./location_hash.ts";

/** Nothing hidden, nothing looked for. */
export const NO_FILTER: Filter = {
  hiddenActors: new Set(),
  kinds: undefined,
  type: "",
  query: "",
};

/** The state before anything is known. */
export const FIRST_STATE: PageState = {
  runs: [],
  run: undefined,
  summary: undefined,
  cursor: -1,
  following: true,
  playing: false,
  speed: 20,
  filter: NO_FILTER,
  lanes: [],
  range: undefined,
  pane: "event",
  beside: undefined,
  dialog: "none",
  problem: "",
  stream: { open: false, resumed: 0, gaps: 0 },
};

/** See the module's header. */
export class Store {
  #state: PageState;
  readonly #heard: Set<(state: PageState, before: PageState) => void> = new Set();

  constructor(state: PageState = FIRST_STATE) {
    this.#state = state;
  }

  get state(): PageState {
    return this.#state;
  }

  /** Changes what is given; those who subscribed are told if anything is different. */
  update(change: Partial<PageState>): void {
    const before = this.#state;
    const after = { ...before, ...change };
    const names = Object.keys(change) as (keyof PageState)[];
    if (names.every((name) => before[name] === after[name])) return;
    this.#state = after;
    for (const heard of [...this.#heard]) heard(after, before);
  }

  /** Calls back at every change until the function that is given back is called. */
  subscribe(heard: (state: PageState, before: PageState) => void): () => void {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  }
}

/** The address' end of a state. */
export function hashOf(state: PageState): string {
  return encodeHash({ ...state, hidden: [...state.filter.hiddenActors] });
}

/** The state's part that an address' end holds. */
export function fromHash(hash: string, state: PageState): Partial<PageState> {
  const { hidden, ...shared } = decodeHash(hash);
  return { ...shared, filter: { ...state.filter, hiddenActors: new Set(hidden) } };
}
