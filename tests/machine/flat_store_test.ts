import assert from "node:assert/strict";
import fc from "fast-check";
import { LimitError, UsageError } from "../../machine/errors.ts";
import { FlatStore, PAGE_BYTES } from "../../machine/flat_store.ts";

const PAGES = 6;
const SIZE = PAGES * PAGE_BYTES;

type Action =
  | { readonly do: "write"; readonly at: number; readonly length: number; readonly value: number }
  | { readonly do: "copy"; readonly from: number; readonly to: number; readonly length: number }
  | { readonly do: "snapshot" | "clear" }
  | { readonly do: "restore" | "check"; readonly which: number }
  | { readonly do: "forget"; readonly every: number };

const offset = fc.integer({ min: 0, max: SIZE - 1 });
const length = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: SIZE }));
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      at: offset,
      length,
      value: fc.integer({ min: 1, max: 255 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("copy" as const), from: offset, to: offset, length }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("snapshot" as const) }) },
  fc.record({ do: fc.constant("clear" as const) }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("restore" as const, "check" as const),
      which: fc.nat(20),
    }),
  },
  fc.record({ do: fc.constant("forget" as const), every: fc.integer({ min: 1, max: 3 }) }),
);

/** A plain array beside the store, with whole copies as snapshots. */
class Model {
  bytes = new Uint8Array(SIZE);
  taken: { number: number; bytes: Uint8Array }[] = [];

  apply(step: Action, store: FlatStore): void {
    switch (step.do) {
      case "write": {
        const content = new Uint8Array(Math.min(step.length, SIZE - step.at)).fill(step.value);
        store.write(step.at, content);
        this.bytes.set(content, step.at);
        return;
      }
      case "copy": {
        const count = Math.min(step.length, SIZE - step.from, SIZE - step.to);
        store.copy(step.to, step.from, count);
        this.bytes.copyWithin(step.to, step.from, step.from + count);
        return;
      }
      case "clear":
        store.clear();
        this.bytes.fill(0);
        return;
      case "snapshot":
        this.taken.push({ number: store.snapshot(), bytes: this.bytes.slice() });
        return;
      case "forget":
        this.taken = this.taken.filter((_, index) => index % step.every === 0);
        store.keepOnly(this.taken.map(({ number }) => number));
        return;
      default:
        this.#look(step, store);
    }
  }

  #look(
    step: { readonly do: "restore" | "check"; readonly which: number },
    store: FlatStore,
  ): void {
    const index = step.which % Math.max(1, this.taken.length);
    const snapshot = this.taken[index];
    if (snapshot === undefined) return;
    if (step.do === "check") {
      assert.deepEqual(store.copyOf(snapshot.number).view(0, SIZE), shared(snapshot.bytes));
      return;
    }
    store.restore(snapshot.number);
    this.bytes = snapshot.bytes.slice();
    this.taken.length = index + 1;
  }
}

/** The bytes in shared memory, as a store gives them out. */
function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

Deno.test("FlatStore agrees with whole copies over random writes, snapshots and restores", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (steps) => {
      const store = FlatStore.make(SIZE);
      const model = new Model();
      for (const step of steps) {
        model.apply(step, store);
        assert.deepEqual(store.view(0, SIZE), shared(model.bytes), JSON.stringify(step));
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("FlatStore sets nothing aside where there is no snapshot", () => {
  const store = FlatStore.make(SIZE);
  store.write(0, new Uint8Array(SIZE).fill(1));
  assert.equal(store.pagesAside, 0);
  const snapshot = store.snapshot();
  store.write(0, new Uint8Array(10));
  store.write(20, new Uint8Array(10));
  assert.equal(store.pagesAside, 1);
  store.restore(snapshot);
  assert.equal(store.pagesAside, 0);
  store.keepOnly([]);
  store.write(0, new Uint8Array(SIZE));
  assert.equal(store.pagesAside, 0);
});

Deno.test("FlatStore.clear finds what a restore or a copy brought back", () => {
  const store = FlatStore.make(SIZE);
  store.write(PAGE_BYTES, new Uint8Array(10).fill(7));
  const snapshot = store.snapshot();
  store.clear();
  assert.equal(store.view(PAGE_BYTES, 1)[0], 0);
  const copy = store.copyOf(snapshot);
  store.restore(snapshot);
  for (const one of [store, copy]) {
    assert.equal(one.view(PAGE_BYTES, 1)[0], 7);
    one.clear();
    assert.equal(one.view(PAGE_BYTES, 1)[0], 0);
  }
});

Deno.test("FlatStore keeps what another thread's object writes", () => {
  const store = FlatStore.make(SIZE);
  const other = new FlatStore(store.parts);
  const snapshot = store.snapshot();
  other.writable(PAGE_BYTES - 1, 2).fill(9);
  assert.deepEqual([...store.view(PAGE_BYTES - 1, 2)], [9, 9]);
  store.restore(snapshot);
  assert.deepEqual([...other.view(PAGE_BYTES - 1, 2)], [0, 0]);
});

Deno.test("FlatStore.restore refuses a snapshot that was forgotten", () => {
  const store = FlatStore.make(SIZE);
  const first = store.snapshot();
  const second = store.snapshot();
  store.restore(first);
  const third = store.snapshot();
  assert.notEqual(third, second);
  assert.throws(() => store.restore(second), RangeError);
  assert.throws(() => store.copyOf(second), RangeError);
  store.keepOnly([third]);
  assert.throws(() => store.restore(first), RangeError);
});

Deno.test("FlatStore names the limit when snapshots want too much", () => {
  const store = FlatStore.make(SIZE);
  assert.throws(() => {
    for (let round = 0; round < 400; round++) {
      store.snapshot();
      store.write(0, new Uint8Array(SIZE));
    }
  }, (error) => error instanceof LimitError && error.limit === "snapshotBytes");
});

Deno.test("FlatStore.make gives a sparse store of more than the host's memory", () => {
  const byteLength = 2 * Math.ceil(Deno.systemMemoryInfo().total / PAGE_BYTES) * PAGE_BYTES;
  const store = FlatStore.make(byteLength);
  const last = byteLength - PAGE_BYTES;
  store.write(last, new Uint8Array([1, 2, 3]));
  const snapshot = store.snapshot();
  store.write(last, new Uint8Array([9]));
  store.restore(snapshot);
  assert.deepEqual([...store.view(last, 4)], [1, 2, 3, 0]);
  assert.equal(store.view(0, 1)[0], 0);
});

Deno.test("FlatStore.make says in one sentence what no host gives", () => {
  assert.throws(
    () => FlatStore.make(2 ** 52),
    (error) => error instanceof UsageError && /4194304\.0 GiB.*--memory/.test(error.message),
  );
});
