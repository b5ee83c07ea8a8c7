/**
 * The house rules (DESIGN.md 2) as tests: the project's own sources are read and judged. What the
 * rules are stands in house/rules.ts; here is also shown that each rule can be broken.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { cycles } from "./house/cycles.ts";
import { files, textOf } from "./house/files.ts";
import { FILE_RULES, IMPORT_RULES, SYNTAX_RULES, TEXT_RULES } from "./house/rules.ts";
import { type Finding, judge, judgeText, read, show } from "./house/scan.ts";
import { BROKEN, SOUND } from "./house/snippets.ts";

const HEADER = "/**\n * A snippet.\n *\n * @module\n */\n";
const ALL = [...SYNTAX_RULES, ...IMPORT_RULES, ...FILE_RULES, ...TEXT_RULES];

function expectNone(findings: readonly Finding[]): void {
  ok(findings.length === 0, `${findings.length} broken:\n${findings.map(show).join("\n")}\n`);
}

Deno.test("house rules: each can be broken", () => {
  for (const [rule, path, text] of BROKEN) {
    const found = judge(read(path, HEADER + text));
    ok(found.some((one) => one.rule === rule), `'${rule}' accepts in ${path}: ${text}`);
  }
});

Deno.test("house rules: each has a snippet that breaks it", () => {
  const shown = new Set(BROKEN.map(([rule]) => rule));
  const without = ALL.map(({ rule }) => rule).filter((rule) => !shown.has(rule));
  deepStrictEqual(without, ["module-header"], "module-header has a test of its own");
});

Deno.test("house rules: comments, strings, regular expressions and members break none", () => {
  for (const [path, text] of SOUND) expectNone(judge(read(path, HEADER + text)));
});

Deno.test("house rules: a file without a header is found at its first line", () => {
  for (const text of ["", "const a = 1;\n/** @module */", "/** a */\n/** b */", "// @module"]) {
    const found = judge(read("machine/a.ts", text));
    deepStrictEqual(found.map(({ rule, line }) => [rule, line]), [["module-header", 1]]);
  }
});

Deno.test("house rules: a finding has path and line, also behind characters of many bytes", () => {
  const source = read(
    "machine/a.ts",
    `${HEADER}// ü 💾 → 天\nexport const a = "💾"; Date.now();\n`,
  );
  strictEqual(judge(source).map(show)[0]?.split(" ")[0], "machine/a.ts:7");
});

Deno.test("house rules: a circle of imports is shown once, with its members", () => {
  const sources = [
    read("machine/a.ts", 'import "./b.ts";'),
    read("machine/b.ts", 'import type { C } from "./c/c.ts";'),
    read("machine/c/c.ts", 'export * from "../b.ts"; import "node:buffer";'),
  ];
  deepStrictEqual(cycles(sources).map(show), [
    "machine/c/c.ts:1 import-cycle: machine/b.ts → machine/c/c.ts → machine/b.ts",
  ]);
});

Deno.test("the sources keep the house rules", () => {
  const sources = files(/\.ts$/).map((path) => read(path, textOf(path)));
  ok(sources.length > 0);
  expectNone([
    ...sources.flatMap((source) =>
      judge(source).filter(({ rule }) =>
        rule !== "function-length" || !source.path.startsWith("tests/")
      )
    ),
    ...cycles(sources),
  ]);
});

Deno.test("the other files of the project keep the rules for texts", () => {
  const others = files(/\.(?:md|json|jsonc|html|css|js)$|^\.ci\/|^\.gitignore$/);
  expectNone(others.flatMap((path) => judgeText(path, textOf(path))));
});
