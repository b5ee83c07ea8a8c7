import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseArgs } from "@std/cli/parse-args";
import { parseArgs as fromPackage } from "@std/cli";

/** What an unknown handler was given. */
function collectUnknown(): { seen: unknown[][]; unknown: (...args: unknown[]) => boolean } {
  const seen: unknown[][] = [];
  return { seen, unknown: (...args) => seen.push(args) < 0 };
}

/** Arguments, options, result: without options everything is guessed. */
const GUESSED: readonly [string, Record<string, unknown>][] = [
  ["", { _: [] }],
  ["--bool", { bool: true, _: [] }],
  ["--key value x", { key: "value", _: ["x"] }],
  ["--key=value", { key: "value", _: [] }],
  ["--key=a=b", { key: "a=b", _: [] }],
  ["--key=", { "key=": true, _: [] }],
  ["--no-thing", { "no-thing": true, _: [] }],
  ["--number 0x10 1e3 10f", { number: 16, _: [1000, "10f"] }],
  ["--last 1 --last 2", { last: 2, _: [] }],
  ["-abc value", { a: true, b: true, c: "value", _: [] }],
  ["-n5 -f=abc=def -I/usr -f-", { n: 5, f: "-", I: "/usr", _: [] }],
  ["-123 456", { 1: true, 2: true, 3: 456, _: [] }],
  ["-n -", { n: "-", _: [] }],
  ["-", { _: ["-"] }],
  ["--a --b", { a: true, b: true, _: [] }],
  ["--a.b 1 --a.c", { a: { b: 1, c: true }, _: [] }],
  ["--toString --valueOf x", { toString: true, valueOf: "x", _: [] }],
  ["a -- --b 7", { _: ["a", "--b", "7"] }],
];

for (const [line, expected] of GUESSED) {
  Deno.test(`parseArgs guesses '${line}'`, () => {
    deepStrictEqual(parseArgs(line === "" ? [] : line.split(" ")), expected);
  });
}

Deno.test("parseArgs is also exported by the package itself", () => {
  strictEqual(fromPackage, parseArgs);
});

Deno.test("parseArgs leaves strings alone and gives an empty one where there is no value", () => {
  const args = parseArgs(["--seed", "007", "--name", "--out"], {
    string: ["seed", "name", "out", "absent"],
  });
  const seed: string | undefined = args.seed;
  strictEqual(seed, "007");
  deepStrictEqual([args.name, args.out, args.absent], ["", "", undefined]);
});

Deno.test("parseArgs never lets a boolean take the next argument, unless it is true or false", () => {
  const args = parseArgs(["--json", "file", "--quiet", "false", "-v", "true"], {
    boolean: ["json", "quiet", "v", "absent"],
  });
  const json: boolean = args.json;
  strictEqual(json, true);
  deepStrictEqual(args, { json: true, quiet: false, v: true, absent: false, _: ["file"] });
});

Deno.test("parseArgs takes --name=false for false and any other value for true", () => {
  const args = parseArgs(["--a=false", "--b=true", "--c=1"], { boolean: ["a", "b", "c"] });
  deepStrictEqual(args, { a: false, b: true, c: true, _: [] });
});

Deno.test("parseArgs with boolean true makes every valueless --name one, but no -n", () => {
  const args = parseArgs(["moo", "--honk", "cow", "-p", "55", "--tacos=good"], { boolean: true });
  deepStrictEqual(args, { honk: true, tacos: "good", p: 55, _: ["moo", "cow"] });
});

Deno.test("parseArgs negates only what is negatable, and the last one counts", () => {
  const options = { boolean: ["color"], negatable: ["color"] } as const;
  strictEqual(parseArgs(["--color", "--no-color"], options).color, false);
  strictEqual(parseArgs(["--no-color", "--color"], options).color, true);
  deepStrictEqual(parseArgs(["--no-other"], options), { color: false, "no-other": true, _: [] });
});

Deno.test("parseArgs collects what is listed, and negation takes all of it back", () => {
  const args = parseArgs(["--cut=1", "--cut=2", "--flag", "--flag"], {
    string: ["cut", "none"],
    boolean: ["flag"],
    collect: ["cut", "flag", "none"],
  });
  const cut: string[] = args.cut;
  deepStrictEqual(cut, ["1", "2"]);
  deepStrictEqual([args.flag, args.none], [[true, true], []]);
  const negated = parseArgs(["--foo", "1", "-f", "2", "--no-foo"], {
    string: ["foo"],
    collect: ["foo"],
    negatable: ["foo"],
    alias: { foo: "f" },
  });
  deepStrictEqual(negated, { foo: false, f: false, _: [] });
});

Deno.test("parseArgs sets every name of an alias, whichever was given", () => {
  const options = { string: ["out"], alias: { o: ["out", "directory"] } } as const;
  for (const line of [["-o", "01"], ["--out", "01"], ["--directory=01"]]) {
    deepStrictEqual(parseArgs(line, options), { o: "01", out: "01", directory: "01", _: [] });
  }
});

Deno.test("parseArgs uses a default only where nothing was given, null too", () => {
  const options = {
    string: ["out"],
    boolean: ["json"],
    default: { out: "out/", json: null, depth: 3 },
    alias: { d: "depth" },
  } as const;
  const out: string = parseArgs([], options).out;
  strictEqual(out, "out/");
  deepStrictEqual(parseArgs([], options), { out: "out/", json: null, depth: 3, d: 3, _: [] });
  deepStrictEqual(parseArgs(["--out=x", "--json", "-d", "4"], options), {
    out: "x",
    json: true,
    depth: 4,
    d: 4,
    _: [],
  });
});

Deno.test("parseArgs keeps what follows -- apart when asked", () => {
  const args = parseArgs(["--name", "John", "before", "--", "--after"], { "--": true });
  const after: string[] = args["--"];
  deepStrictEqual(after, ["--after"]);
  deepStrictEqual(args, { name: "John", _: ["before"], "--": ["--after"] });
});

Deno.test("parseArgs stops at the first other argument with stopEarly", () => {
  const args = parseArgs(["--aaa", "bbb", "ccc", "--ddd", "1"], { stopEarly: true });
  deepStrictEqual(args, { aaa: "bbb", _: ["ccc", "--ddd", "1"] });
});

Deno.test("parseArgs tells unknown of each undeclared argument and drops it on false", () => {
  const { seen, unknown } = collectUnknown();
  const args = parseArgs([
    "-h",
    "hi",
    "--derp",
    "x",
    "-d",
    "5",
    "loose",
    "--no-moo",
    "--tacos=good",
  ], {
    string: "h",
    alias: { h: "help" },
    unknown,
  });
  deepStrictEqual(seen, [
    ["--derp", "derp", "x"],
    ["-d", "d", "5"],
    ["loose"],
    ["--no-moo", "no-moo", true],
    ["--tacos=good", "tacos", "good"],
  ]);
  deepStrictEqual(args, { h: "hi", help: "hi", _: [] });
});

Deno.test("parseArgs does not reach the prototype through a dotted name", () => {
  parseArgs(["--__proto__.polluted", "1", "--a.__proto__.polluted", "1", "--__proto__", "1"]);
  strictEqual(Reflect.get({}, "polluted"), undefined);
});
