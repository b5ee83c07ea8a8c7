import { ok, rejects, strictEqual } from "node:assert/strict";
import { assertSnapshot, serialize } from "@std/testing/snapshot";

const VALUE = { name: "khdev", at: [1, 2], text: "one\ntwo `$\\`" };
const ROOT = new URL("../../", import.meta.url);

const EXPECTED = "export const snapshot = {};\n" + `
snapshot[\`inner 1\`] = \`"plain"\`;

snapshot[\`inner > step \\\`1\\\` 1\`] = \`
{
  at: [
    1,
    2,
  ],
  name: "khdev",
  text: "one
two \\\`\\$\\\\\\\\\\\`",
}
\`;
`;

/** Runs a test file of its own in an empty folder, where it may write. */
async function runInner(folder: string, text: string, ...args: string[]): Promise<number> {
  const source = `import { assertSnapshot } from "${new URL("std/testing/snapshot.ts", ROOT)}";
    Deno.test("inner", async (t) => {
      await assertSnapshot(t, ${JSON.stringify(text)});
      await t.step("step \`1\`", (t) => assertSnapshot(t, ${JSON.stringify(VALUE)}));
    });`;
  await Deno.writeTextFile(`${folder}/inner_test.ts`, source);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-config", "--no-lock", "--no-check", "-A", "inner_test.ts", "--", ...args],
    cwd: folder,
    stdout: "null",
    stderr: "null",
  }).output();
  return code;
}

Deno.test("assertSnapshot writes, compares and updates the file of the real package", async () => {
  const folder = await Deno.makeTempDir({ prefix: "snapshot-" });
  try {
    const file = `${folder}/__snapshots__/inner_test.ts.snap`;
    strictEqual(await runInner(folder, "plain"), 1, "missing snapshots must fail");
    strictEqual(await runInner(folder, "plain", "--update"), 0);
    strictEqual(await Deno.readTextFile(file), EXPECTED);
    strictEqual(await runInner(folder, "plain"), 0);
    strictEqual(await runInner(folder, "changed"), 1, "another value must fail");
    strictEqual(await runInner(folder, "changed", "-u"), 0);
    strictEqual(await Deno.readTextFile(file), EXPECTED.replace("plain", "changed"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("assertSnapshot names the missing snapshot and how to write it", async (context) => {
  await rejects(
    assertSnapshot(context, 1, {
      name: "nowhere",
      path: "__snapshots__/none.snap",
      mode: "assert",
    }),
    /Missing snapshot: nowhere 1; run again with '-- --update'/,
  );
  await rejects(assertSnapshot(context, 1, { msg: "mine", path: "none.snap", mode: "assert" }), {
    message: "mine",
  });
});

Deno.test("serialize shows every level, sorted, one entry to a line", () => {
  const deep = { b: { c: { d: { e: { f: 1 } } } }, a: Array.from({ length: 101 }, () => 0) };
  const text = serialize(deep);
  ok(text.startsWith("{\n  a: [\n    0,\n"));
  ok(text.includes("f: 1,"));
  ok(!text.includes("more item"));
});
