import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";

const seen: string[] = [];

describe("describe", () => {
  beforeAll(() => void seen.push("all"));
  beforeEach(() => void seen.push("outer"));
  afterEach(() => void seen.push("/outer"));
  afterAll(() => void seen.push("/all"));

  it("runs a test between its hooks", (context) => {
    seen.push("first");
    strictEqual(context.name, "runs a test between its hooks");
  });

  describe("nested", () => {
    beforeEach(async () => {
      await Promise.resolve();
      seen.push("inner");
    });
    afterEach(() => void seen.push("/inner"));
    it("runs hooks from the outside in", () => void seen.push("second"));
    it.skip("does not run a skipped test", () => void seen.push("skipped"));
  });

  describe.skip("skipped", () => it("is not run", () => void seen.push("skipped")));
});

Deno.test("describe has run its tests and hooks in order", () => {
  deepStrictEqual(
    seen.join(" "),
    "all outer first /outer outer inner second /inner /outer /all",
  );
});

it("it stands alone outside of describe", async () => {
  await Promise.resolve();
});
