/**
 * Whether the answer that is worked on is still wanted. The worker's loops ask in shared memory,
 * because a loop that never ends its turn hears no message, and its worker could not be ended.
 *
 * @module
 */

/** Nobody wants the answer. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** See the module's header. */
export class Watch {
  readonly #flag: Int32Array;
  readonly #id: number;

  /** @param flag its first element is the id of the job that is given up. */
  constructor(flag: Int32Array, id: number) {
    this.#flag = flag;
    this.#id = id;
  }

  /** @throws {GivenUp} if the job is given up. To be called every few hundred events. */
  check(): void {
    if (Atomics.load(this.#flag, 0) === this.#id) throw new GivenUp();
  }
}
