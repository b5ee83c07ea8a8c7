/**
 * Every system with several processors, with little and with much memory in use.
 */
import assert from "node:assert/strict";
import { COMPARED_SYSTEMS, type ComparedSystem } from "../../actors/scenario/compared.ts";
import { brokenBut, DISTINCT_SYSTEMS, isWell, runMatrix } from "./matrix_kit.ts";
import { fieldsOf, type Run } from "./run_kit.ts";

/** Largest share of RAM that a system can hibernate, in percent, as `compare` prints it. */
const MOST: Readonly<Record<string, number>> = {
  "tuxonice": 80,
  "swsusp-2.6.23": 30,
  "rfc": 60,
  "v7": 60,
  "v7-kimgcore": 40,
  "mainline-loader": 60,
  "swsusp-6.1": 30,
  "swsusp-6.1-s4": 30,
};
const MOST_OF_OTHERS = 40;

function much({ id }: ComparedSystem): number {
  return Math.floor((MOST[id] ?? MOST_OF_OTHERS) * 0.6);
}

function assertWhole(system: ComparedSystem, run: Run, cpus: number): void {
  const last = run.lines.slice(-3).join("\n");
  assert.equal(run.outcome, "resumed", last);
  assert.ok(isWell(run), last);
  assert.equal(brokenBut(system, run), "");
  const [work] = fieldsOf(run, "tool", "A").filter(({ program }) => program === "work");
  assert.equal(work?.["status"], 0, "A had no room for so much");
  const online = fieldsOf(run, "cpus", "A").map((fields) => fields["online"]);
  const all = cpus === 1 ? "0" : `0-${cpus - 1}`;
  assert.ok(online.includes(all) || cpus === 1, online.join(" "));
  // A goes on with as many as it had.
  if (cpus > 1) assert.equal(online.at(-1), all);
  if (cpus > 1) assert.ok(online.includes("0"), "the other processors never went");
}

for (const system of COMPARED_SYSTEMS) {
  Deno.test(`${system.id}: four processors, much memory in use`, () => {
    assertWhole(system, runMatrix(system, { cpus: 4, used: much(system) }), 4);
  });
}

for (const system of DISTINCT_SYSTEMS) {
  Deno.test(`${system.id}: four processors with little memory in use, one with much`, () => {
    const little = runMatrix(system, { cpus: 4, used: 10 });
    assertWhole(system, little, 4);
    const one = runMatrix(system, { cpus: 1, used: much(system) });
    assertWhole(system, one, 1);
  });
}
