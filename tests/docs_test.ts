/**
 * What README.md and ARCHITECTURE.md say is run: the `console` examples here, the `ts` examples by
 * `deno test --doc` (they stand under `test.include` in deno.json), and relative links are followed.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type ConsoleExample, consoleExamples, outputMatches } from "./docs/console_examples.ts";

const ROOT = new URL("../", import.meta.url);
const DOCUMENTS = ["README.md", "ARCHITECTURE.md"];
/** Tasks that would run this test again, take long or never end. */
const LEFT_OUT = /^npx --yes deno@\S+ task (?:test|ok|bench|serve|console|lock)\b/;
const RUNNABLE = /^npx --yes deno@(?<version>\S+) task /;
const LIMIT_MS = 120_000;

function read(document: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(document, ROOT));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- the reader of the test's output must know why it is ignored
    console.log(`${document} is not there: its examples are not run`);
    return undefined;
  }
}

/** Runs a command in the project's folder, with the Deno of this test in place of npx's. */
async function runExample({ command, output, exitCode }: ConsoleExample): Promise<void> {
  const result = await new Deno.Command("bash", {
    args: ["-c", command.replace(RUNNABLE, '"$DENO" task ')],
    cwd: ROOT,
    env: { DENO: Deno.execPath(), NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const [out, error] = [result.stdout, result.stderr].map((text) => new TextDecoder().decode(text));
  strictEqual(result.code, exitCode, `exit code of '${command}':\n${out}${error}`);
  if (output !== "") {
    ok(outputMatches(out ?? "", output), `'${command}' should print:\n${output}\n\nbut:\n${out}`);
  }
}

for (const document of DOCUMENTS) {
  const text = read(document);
  const examples = consoleExamples(text ?? "").filter(({ command }) =>
    RUNNABLE.test(command) && !LEFT_OUT.test(command)
  );

  Deno.test(`${document}: the commands do what it says`, {
    ignore: text === undefined,
  }, async (context) => {
    for (const example of examples) {
      const { command, line } = example;
      await context.step(`${document}:${line} ${command}`, () => runExample(example));
    }
  });

  Deno.test(`${document}: the commands name the Deno that is tested`, {
    ignore: text === undefined,
  }, () => {
    const versions = new Set([...(text ?? "").matchAll(/\bdeno@([\d.]+)/g)].map(([, one]) => one));
    versions.delete(Deno.version.deno);
    deepStrictEqual([...versions], []);
  });

  Deno.test(`${document}: relative links lead somewhere`, { ignore: text === undefined }, () => {
    const links = [...(text ?? "").matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, path]) => path);
    for (const path of links) ok(Deno.statSync(new URL(path ?? "", ROOT)), path ?? "");
  });
}

Deno.test("consoleExamples finds commands, what they print and how they end", () => {
  const markdown = [
    "# Title",
    "```console",
    "$ npx --yes deno@2.9.6 task a \\",
    "    --seed 7",
    "one",
    "",
    "… s",
    "$ b",
    "$ echo $?",
    "1",
    "```",
    "```ts",
    "$ no",
    "```",
  ].join("\n");
  deepStrictEqual(consoleExamples(markdown), [
    {
      line: 3,
      command: "npx --yes deno@2.9.6 task a --seed 7",
      output: "one\n\n… s",
      exitCode: 0,
    },
    { line: 8, command: "b", output: "", exitCode: 1 },
  ]);
});

Deno.test("outputMatches lets only the ellipsis vary", () => {
  ok(outputMatches("done in 1.2 s (ok)\n", "done in … s (ok)"));
  ok(outputMatches("a\nb\nc\n", "a\n…\nc"));
  ok(!outputMatches("a\nb\n", "a"));
  ok(!outputMatches("a.b", "a+b"));
  ok(!outputMatches("done in 1.2 s (failed)", "done in … s (ok)"));
});
