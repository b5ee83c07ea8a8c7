import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { assertSpyCall, assertSpyCalls, MockError, spy, stub } from "@std/testing/mock";

class Disk {
  #writes = 0;
  write(sector: number, text: string): string {
    this.#writes++;
    return `${sector}:${text}:${this.#writes}`;
  }
}

Deno.test("spy without a function is one that returns nothing", () => {
  const call = spy<unknown, [number]>();
  strictEqual(call(1), undefined);
  assertSpyCalls(call, 1);
  assertSpyCall(call, 0, { args: [1], returned: undefined });
});

Deno.test("spy on a function notes arguments, results and errors", () => {
  const root = spy((value: number): number => {
    if (value < 0) throw new RangeError("negative");
    return Math.sqrt(value);
  });
  strictEqual(root(9), 3);
  throws(() => root(-1), RangeError);
  assertSpyCalls(root, 2);
  assertSpyCall(root, 0, { args: [9], returned: 3 });
  strictEqual(root.calls[1]?.error instanceof RangeError, true);
  throws(() => root.restore(), MockError);
});

Deno.test("spy on a method lets it run on its own object and gives it back", () => {
  const disk = new Disk();
  const original = disk.write;
  {
    using write = spy(disk, "write");
    strictEqual(disk.write(1, "a"), "1:a:1");
    assertSpyCall(write, 0, { args: [1, "a"], returned: "1:a:1", self: disk });
  }
  strictEqual(disk.write, original);
  strictEqual(Object.hasOwn(disk, "write"), false);
});

Deno.test("stub runs instead of the method until it is restored, once", () => {
  const disk = new Disk();
  const write = stub(disk, "write", (sector) => `stub ${sector}`);
  strictEqual(disk.write(5, "x"), "stub 5");
  strictEqual(write.restored, false);
  write.restore();
  strictEqual(write.restored, true);
  strictEqual(disk.write(5, "x"), "5:x:1");
  throws(() => write.restore(), MockError);
  deepStrictEqual(write.calls.map((call) => call.args), [[5, "x"]]);
});

Deno.test("assertSpyCalls and assertSpyCall fail on another count or another call", () => {
  const call = spy((one: number) => one);
  call(1);
  throws(() => assertSpyCalls(call, 2), /1 calls, wanted 2/);
  throws(() => assertSpyCall(call, 1), /no 1/);
  throws(() => assertSpyCall(call, 0, { args: [2] }));
  throws(() => assertSpyCall(call, 0, { returned: 2 }));
});
