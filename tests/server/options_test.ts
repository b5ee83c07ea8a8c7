import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { assertSnapshot } from "@std/testing/snapshot";
import { UsageError } from "../../machine/errors.ts";
import { COMMANDS } from "../../server/terminal/commands.ts";
import { commandHelp, overview } from "../../server/terminal/help.ts";
import { type CommandDeclaration, readOptions } from "../../server/terminal/options.ts";

function command(name: string): CommandDeclaration {
  const found = COMMANDS[name];
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

/** The sentence with which arguments are refused. */
function refusal(name: string, ...args: string[]): string {
  try {
    readOptions(command(name), args);
  } catch (error) {
    ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error(`accepted: ${args.join(" ")}`);
}

Deno.test("readOptions fills in defaults and tells what was typed", () => {
  const options = readOptions(command("hibernate"), ["--memory", "128M", "--json", "--seed=9"]);
  strictEqual(options.number("memory"), 128 * 2 ** 20);
  strictEqual(options.number("seed"), 9);
  strictEqual(options.text("kernel-profile"), "2.6.27");
  strictEqual(options.text("transport"), "worker");
  strictEqual(options.number("away"), 0);
  strictEqual(options.text("payload"), undefined);
  ok(options.flag("json") && !options.flag("quiet"));
  ok(options.typed("memory") && !options.typed("kernel-profile"));
});

Deno.test("readOptions takes a flag whose name begins with no-", () => {
  ok(readOptions(command("hibernate"), ["--no-verify"]).flag("no-verify"));
  ok(!readOptions(command("hibernate"), []).flag("no-verify"));
});

Deno.test("readOptions gives the arguments behind the options, and those behind --", () => {
  const options = readOptions(command("check"), ["a", "--json", "b", "--", "--c"]);
  deepStrictEqual(options.rest, ["a", "b", "--c"]);
});

Deno.test("readOptions refuses each kind of mistake in one sentence", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["hibernate", ["--sed", "3"], /^hibernate: unknown option '--sed'; did you mean '--seed'\?$/],
    ["hibernate", ["--xyzzy"], /unknown option '--xyzzy'; 'hibernate --help' lists all/],
    ["hibernate", ["-q"], /unknown option '-q'/],
    ["hibernate", ["--memory"], /--memory needs SIZE behind it/],
    ["hibernate", ["--memory", "--json"], /--memory needs SIZE behind it/],
    ["hibernate", ["--memory="], /--memory has no value behind its '='/],
    ["hibernate", ["--memory", "64"], /--memory: '64' is no size/],
    ["hibernate", ["--memory", "17G"], /--memory: '17G' is too large; the most is 16G/],
    ["hibernate", ["--memory", "4K"], /--memory: '4K' is too small; the least is 1M/],
    ["hibernate", ["--cpus", "0"], /--cpus: '0' is too small; the least is 1/],
    ["hibernate", ["--seed", "x"], /--seed: 'x' is no whole number/],
    ["hibernate", ["--seed", "-5"], /--seed|unknown option '-5'/],
    ["hibernate", ["--seed", "1", "--seed", "2"], /--seed is given twice/],
    ["hibernate", ["--away", "8"], /--away: '8' is no duration/],
    ["hibernate", ["--profile", "t43"], /'t43' is none of t42, .*; did you mean 't42'\?/],
    ["hibernate", ["--json=1"], /--json takes no value/],
    ["jump", ["more"], /'more' is one argument too many/],
    ["resume", [], /--disk FILE is missing/],
    ["check", [], /TRACE is missing/],
    ["inspect", ["a", "b"], /takes 1 FILE, not 2/],
    ["check", ["a", "--format", "xml"], /'xml' is none of text, json, junit, markdown/],
  ];
  for (const [name, args, sentence] of cases) {
    const message = refusal(name, ...args);
    ok(sentence.test(message), `${args.join(" ")}: ${message}`);
    ok(!message.includes("\n"), message);
  }
});

Deno.test("readOptions looks at nothing else once --help is there", () => {
  ok(readOptions(command("resume"), ["--help"]).flag("help"));
  ok(readOptions(command("resume"), ["-h"]).flag("help"));
  throws(() => readOptions(command("resume"), ["--help", "--bogus"]), UsageError);
});

Deno.test("help texts list every option of every command, within 100 columns", async (context) => {
  for (const declaration of Object.values(COMMANDS)) {
    const text = commandHelp(declaration);
    for (const { name } of declaration.options) ok(text.includes(`--${name}`), name);
    ok(text.split("\n").every((line) => line.length <= 100), text);
  }
  await assertSnapshot(context, commandHelp(command("hibernate")), { serializer: String });
  await assertSnapshot(context, overview(Object.values(COMMANDS)), { serializer: String });
});
