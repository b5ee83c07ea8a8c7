/**
 * Functions that remember how they were called, as `@std/testing/mock` has them: `spy` watches,
 * `stub` replaces, both put a watched method back on `restore()` or at the end of a `using` block.
 *
 * @module
 */
import { AssertionError, deepStrictEqual } from "node:assert/strict";

/** A mistake in the use of a spy or stub. */
export class MockError extends Error {
  override readonly name = "MockError";
}

/** One call that was seen. */
export interface SpyCall<
  Self = unknown,
  Arguments extends unknown[] = unknown[],
  Return = unknown,
> {
  args: Arguments;
  returned?: Return;
  error?: unknown;
  self?: Self;
}

/** A function with the list of its calls. */
export interface Spy<Self, Arguments extends unknown[], Return> extends Disposable {
  (this: Self, ...args: Arguments): Return;
  /** The function that is watched. */
  original: (this: Self, ...args: Arguments) => Return;
  calls: SpyCall<Self, Arguments, Return>[];
  /** Whether the watched method stands in its place again. */
  restored: boolean;
  restore(): void;
}

/** A spy on a method whose body was exchanged. */
export interface Stub<Self, Arguments extends unknown[], Return>
  extends Spy<Self, Arguments, Return> {
  /** The function that runs instead. */
  fake: (this: Self, ...args: Arguments) => Return;
}

type Method<Self, Key extends keyof Self> = Self[Key] extends
  (this: Self, ...args: infer Arguments) => infer Return
  ? { args: Arguments extends unknown[] ? Arguments : never; returned: Return }
  : never;
type Called<Self, Arguments extends unknown[], Return> = (this: Self, ...args: Arguments) => Return;

function watch<Self, Arguments extends unknown[], Return>(
  original: Called<Self, Arguments, Return>,
  run: Called<Self, Arguments, Return>,
  putBack: () => void,
): Spy<Self, Arguments, Return> {
  const calls: SpyCall<Self, Arguments, Return>[] = [];
  const state = { restored: false };
  function restore(): void {
    if (state.restored) throw new MockError("Cannot restore: instance method already restored");
    putBack();
    state.restored = true;
  }
  function watched(this: Self, ...args: Arguments): Return {
    const call: SpyCall<Self, Arguments, Return> = { args };
    if (this !== undefined) call.self = this;
    calls.push(call);
    try {
      return call.returned = run.apply(this, args);
    } catch (error) {
      call.error = error;
      throw error;
    }
  }
  const spied = Object.assign(watched, { original, calls, restored: false, restore });
  Object.defineProperty(spied, "restored", { get: () => state.restored });
  return Object.assign(spied, { [Symbol.dispose]: () => state.restored || restore() });
}

/** Takes a method's place on an object and says how to give it back. */
function replace<Self extends object, Arguments extends unknown[], Return>(
  self: Self,
  key: PropertyKey,
  fake?: Called<Self, Arguments, Return>,
): Spy<Self, Arguments, Return> {
  const found: unknown = Reflect.get(self, key);
  if (typeof found !== "function") {
    throw new MockError(`Cannot watch: property '${String(key)}' is not an instance method`);
  }
  const original = function (this: Self, ...args: Arguments): Return {
    return Reflect.apply(found, this, args);
  };
  const own = Object.getOwnPropertyDescriptor(self, key);
  const spied = watch(original, fake ?? original, () => {
    if (own === undefined) Reflect.deleteProperty(self, key);
    else Object.defineProperty(self, key, own);
  });
  Object.defineProperty(self, key, { value: spied, configurable: true, writable: true });
  return spied;
}

/** Watches nothing, a function, or a method of an object. */
export function spy<Self = unknown, Arguments extends unknown[] = unknown[]>(): Spy<
  Self,
  Arguments,
  undefined
>;
export function spy<Self, Arguments extends unknown[], Return>(
  func: (this: Self, ...args: Arguments) => Return,
): Spy<Self, Arguments, Return>;
export function spy<Self extends object, Key extends keyof Self>(
  self: Self,
  property: Key,
): Spy<Self, Method<Self, Key>["args"], Method<Self, Key>["returned"]>;
export function spy(first?: unknown, property?: PropertyKey): unknown {
  if (typeof first === "object" && first !== null && property !== undefined) {
    return replace(first, property);
  }
  const run = function (this: unknown, ...args: unknown[]): unknown {
    return typeof first === "function" ? Reflect.apply(first, this, args) : undefined;
  };
  return watch(run, run, () => {
    throw new MockError("Cannot restore: function cannot be restored");
  });
}

/** Replaces a method of an object, by default with a function that returns nothing. */
export function stub<Self extends object, Key extends keyof Self>(
  self: Self,
  property: Key,
  fake?: (
    this: Self,
    ...args: Method<Self, Key>["args"]
  ) => Method<Self, Key>["returned"],
): Stub<Self, Method<Self, Key>["args"], Method<Self, Key>["returned"]>;
export function stub(
  self: object,
  property: PropertyKey,
  fake: (...args: unknown[]) => unknown = () => undefined,
): unknown {
  return Object.assign(replace(self, property, fake), { fake });
}

/**
 * Asserts how often a spy was called.
 *
 * @throws {AssertionError} if it was another number, or the last call threw.
 */
export function assertSpyCalls<Self, Arguments extends unknown[], Return>(
  spied: Pick<Spy<Self, Arguments, Return>, "calls">,
  expectedCalls: number,
): void {
  const actual = spied.calls.length;
  if (actual === expectedCalls) return;
  throw new AssertionError({
    message: `Spy not called as much as expected: ${actual} calls, wanted ${expectedCalls}`,
    actual,
    expected: expectedCalls,
  });
}

/**
 * Asserts what one call of a spy was like, in the parts that `expected` has.
 *
 * @throws {AssertionError} if there was no such call or it differs.
 */
export function assertSpyCall<Self, Arguments extends unknown[], Return>(
  spied: Pick<Spy<Self, Arguments, Return>, "calls">,
  callIndex: number,
  expected: { args?: Arguments; returned?: Return; self?: unknown } = {},
): void {
  const call = spied.calls[callIndex];
  if (call === undefined) {
    throw new AssertionError({ message: `Spy not called as much as expected: no ${callIndex}` });
  }
  if ("args" in expected) deepStrictEqual(call.args, expected.args);
  if ("returned" in expected) deepStrictEqual(call.returned, expected.returned);
  if ("self" in expected) deepStrictEqual(call.self, expected.self);
}
