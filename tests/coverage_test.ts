/**
 * The checklist fixtures/coverage.md is walked: every fact of the five postings has a row, and
 * whatever a row names is there.
 */
import assert from "node:assert/strict";

const ROOT = new URL("../", import.meta.url);
const LIST = "fixtures/coverage.md";
/** Facts of each posting, as protocol.md I.1 to I.5 number them, and the open points of I.6. */
const FACTS = { V7: 21, RFC: 20, KJ: 11, X64: 11, KIMG: 9, OPEN: 7 } as const;

interface Reference {
  readonly kind: string;
  readonly path: string;
  readonly what: string;
}

interface Row {
  readonly id: string;
  readonly line: number;
  readonly says: string;
  readonly references: readonly Reference[];
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** `scenario FILE "text"`, `test PATH "name"` or `setting PATH name`, paths in back quotes. */
function reference(text: string, place: string): Reference {
  const [, kind = "", path = "", quoted, name] =
    /^(scenario|test|setting) `([^`]+)` (?:"(.+)"|([\w=]+))$/.exec(text) ?? [];
  assert.ok(kind !== "", `${place}: '${text}' is no reference`);
  assert.equal(kind === "setting", quoted === undefined, `${place}: '${text}'`);
  return { kind, path, what: quoted?.replaceAll('\\"', '"') ?? name ?? "" };
}

function rowsOf(markdown: string): Row[] {
  return markdown.split("\n").flatMap((text, index): Row[] => {
    const place = `${LIST}:${index + 1}`;
    if (!/^\| *[A-Z]\w*\.\d/.test(text)) return [];
    // A bar that is a text's own stands behind a backslash.
    const cells = text.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    const [, id = "", says = "", shown = "", rest] = cells;
    assert.equal(rest, "", `${place}: a row has three cells`);
    const references = shown.split("<br>").map((one) => reference(one, place));
    return [{ id, line: index + 1, says, references }];
  });
}

/** Whether a file declares that name right below a doc comment, or explains it in one. */
function isDocumented(source: string, name: string): boolean {
  const lines = source.split("\n");
  const word = new RegExp(`(?<![\\w=])${name}(?!\\w)`);
  const declared = new RegExp(
    `^\\s*(?:export )?(?:(?:readonly|const|function|interface|type) )?${name}\\b`,
  );
  return lines.some((line, index) =>
    declared.test(line) && lines[index - 1]?.endsWith("*/") === true
  ) ||
    [...source.matchAll(/\/\*\*[^]*?\*\//g)].some(([comment]) => word.test(comment));
}

/** Why a reference leads nowhere; `undefined` where it does not. */
function problem({ kind, path, what }: Reference): string | undefined {
  const file = kind === "scenario" ? `fixtures/scenarios/${path}` : path;
  const text = read(file);
  if (text === undefined) return `there is no ${file}`;
  if (kind === "scenario") return text.includes(what) ? undefined : `${file} has no '${what}'`;
  if (kind === "setting") {
    return isDocumented(text, what) ? undefined : `${file} does not document ${what}`;
  }
  const quoted = JSON.stringify(what);
  const named = new RegExp(
    `Deno\\.test\\(\\s*(?:\\{\\s*name:\\s*)?${quoted.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}`,
  );
  return named.test(text) ? undefined : `${file} has no test ${quoted}`;
}

const ROWS = rowsOf(read(LIST) ?? "");

for (const [posting, count] of Object.entries(FACTS)) {
  Deno.test(`coverage has the ${count} rows of ${posting}, once and in order`, () => {
    const wanted = Array.from({ length: count }, (_, index) => `${posting}.${index + 1}`);
    const there = ROWS.filter(({ id }) => id.startsWith(`${posting}.`));
    assert.deepEqual(there.map(({ id }) => id), wanted);
    assert.ok(there.every(({ says }) => says !== ""));
  });
}

Deno.test("coverage: whatever a row names is there", () => {
  const missing = ROWS.flatMap(({ id, line, references }) =>
    references.flatMap((one) => {
      const why = problem(one);
      return why === undefined ? [] : [`${LIST}:${line} ${id}: ${why}`];
    })
  );
  assert.deepEqual(missing, []);
});

Deno.test("coverage: every open point is a setting", () => {
  const without = ROWS.filter(({ id, references }) =>
    id.startsWith("OPEN.") && !references.some(({ kind }) => kind === "setting")
  );
  assert.deepEqual(without.map(({ id }) => id), []);
});

Deno.test("coverage notices what is not there", () => {
  const test = { kind: "test", path: "tests/coverage_test.ts" };
  assert.equal(problem({ ...test, what: "coverage notices what is not there" }), undefined);
  assert.match(problem({ ...test, what: "coverage: whatever" }) ?? "", /has no test/);
  assert.match(problem({ kind: "scenario", path: "no.md", what: "x" }) ?? "", /there is no/);
  const profiles = { kind: "setting", path: "actors/kernel/profiles.ts" };
  assert.equal(problem({ ...profiles, what: "kimgcore" }), undefined);
  assert.match(problem({ ...profiles, what: "nothing" }) ?? "", /does not document/);
});
