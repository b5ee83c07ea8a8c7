/**
 * Plays a run: so many steps a second while the state says so.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Store } from "./state.ts";

/** Steps in one frame, at most. */
const STEPS_MAX = 200;

/** See the module's header. */
export class Player {
  readonly #store: Store;
  readonly #step: () => void;
  #before = 0;
  #rest = 0;
  #running = false;

  /** @param step goes one event on, or ends the playing. */
  constructor(store: Store, step: () => void) {
    this.#store = store;
    this.#step = step;
    store.subscribe(({ playing }) => {
      if (playing && !this.#running) this.#begin();
    });
  }

  #begin(): void {
    this.#running = true;
    this.#before = performance.now();
    this.#rest = 1;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    const { speed } = this.#store.state;
    this.#rest += Math.max(0, now - this.#before) / 1000 * speed;
    this.#before = now;
    let steps = Math.min(STEPS_MAX, Math.floor(this.#rest));
    this.#rest -= steps;
    while (steps-- > 0 && this.#store.state.playing) this.#step();
    this.#running = this.#store.state.playing;
    if (this.#running) requestAnimationFrame((next) => this.#frame(next));
  }
}
