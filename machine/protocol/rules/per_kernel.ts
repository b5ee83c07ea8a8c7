/**
 * A table of what a rule knows of each kernel, by its name.
 *
 * @module
 */

/** A map that makes the entry it is asked for. */
export class PerKernel<T> {
  readonly #entries: Map<string, T> = new Map();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The kernel's entry, made if it has none. */
  of(k: string): T {
    let entry = this.#entries.get(k);
    if (entry === undefined) this.#entries.set(k, entry = this.#make());
    return entry;
  }

  /** The kernel's entry, if it has one. */
  known(k: string): T | undefined {
    return this.#entries.get(k);
  }

  /** Forgets a kernel: a new instance of that name begins. */
  forget(k: string): void {
    this.#entries.delete(k);
  }

  /** Forgets all. */
  clear(): void {
    this.#entries.clear();
  }

  /** All entries with their kernels. */
  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.#entries.entries();
  }
}
