/**
 * The seeded generator, split into streams by name, so that one more draw in one place does not
 * shift the others. The state of all streams is plain data: two runs of one seed must end with
 * the same state as well as with the same trace.
 *
 * @module
 */

/** State of all streams: two 32-bit halves by name. */
export type RandomState = Record<string, readonly [number, number, number, number]>;

/** FNV-1a over UTF-16 units, to give each stream's name a start of its own. */
function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** SplitMix32: spreads a seed over words. */
function spread(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
}

/** Named streams of one seed (each an xoshiro128**). */
export class Random {
  readonly seed: number;
  #streams: Map<string, [number, number, number, number]> = new Map();

  constructor(seed: number, state: RandomState = {}) {
    this.seed = seed;
    for (const [name, words] of Object.entries(state)) this.#streams.set(name, [...words]);
  }

  /** The next 32 bits of a stream. */
  word(stream: string): number {
    let state = this.#streams.get(stream);
    if (state === undefined) {
      const next = spread((this.seed ^ nameHash(stream)) >>> 0);
      state = [next(), next(), next(), next()];
      this.#streams.set(stream, state);
    }
    const [a, b, c, d] = state;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const third = c ^ a;
    const fourth = d ^ b;
    state[1] = (b ^ third) >>> 0;
    state[0] = (a ^ fourth) >>> 0;
    state[2] = (third ^ (b << 9)) >>> 0;
    state[3] = ((fourth << 11) | (fourth >>> 21)) >>> 0;
    return result;
  }

  /** A whole number in [0, bound). */
  below(stream: string, bound: number): number {
    return Math.floor((this.word(stream) / 0x1_0000_0000) * bound);
  }

  /** The state of every stream that was drawn from, names sorted. */
  state(): RandomState {
    const names = [...this.#streams.keys()].sort();
    return Object.fromEntries(
      names.map((name) => {
        const [a, b, c, d] = this.#streams.get(name) ?? [0, 0, 0, 0];
        return [name, [a, b, c, d] as const];
      }),
    );
  }
}
