// deno-lint-ignore-file no-console -- a table on the terminal is what this program is for
/**
 * The benchmarks as one table: each row a ratio of two things measured in the same run, with the
 * figure it should reach. `deno task bench engine` runs one group only.
 *
 * @module
 */
import { measureCycle } from "./cycle.ts";
import { measure as measureEngine, type Row } from "./engine.ts";
import { measureImage } from "./image.ts";
import { measureImport } from "./import_log.ts";
import { measurePage } from "./page.ts";
import { measureRules } from "./rules.ts";
import { measureScenarios } from "./scenarios.ts";
import { measureServe } from "./serve.ts";

const GROUPS: Readonly<Record<string, () => Row[] | Promise<Row[]>>> = {
  image: measureImage,
  engine: measureEngine,
  cycle: measureCycle,
  rules: measureRules,
  import: measureImport,
  scenarios: measureScenarios,
  serve: measureServe,
  page: measurePage,
};

function cell(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : value.toPrecision(3);
}

function line(row: Row): string {
  // A target of nothing is none: such a row only says what bounds another.
  const isJudged = row.target > 0;
  const bound = isJudged ? `${row.atMost ? "<=" : ">="} ${cell(row.target)}` : "";
  return [
    row.name.padEnd(74),
    `${cell(row.value)} ${row.unit}`.padStart(16),
    cell(row.baseline).padStart(10),
    row.ratio.toFixed(2).padStart(7),
    bound.padStart(10),
    isJudged ? row.met ? "met" : "NOT MET" : "",
  ].join("  ").trimEnd();
}

const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(GROUPS);
const unknown = wanted.filter((name) => GROUPS[name] === undefined);
if (unknown.length > 0) {
  console.error(`No group ${unknown.join(", ")}; there are ${Object.keys(GROUPS).join(", ")}`);
  Deno.exit(2);
}
console.log(
  `${"what".padEnd(74)}  ${"value".padStart(16)}  ${"baseline".padStart(10)}  ` +
    `${"ratio".padStart(7)}  ${"target".padStart(10)}`,
);
for (const name of wanted) {
  for (const row of await GROUPS[name]?.() ?? []) console.log(line(row));
}
// A worker that would not end must not keep the process.
Deno.exit(0);
