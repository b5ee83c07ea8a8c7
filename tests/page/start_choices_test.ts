import assert from "node:assert/strict";
import fc from "fast-check";
import { RunRequest } from "../../server/api/shapes/run.ts";
import {
  freshForm,
  requestOf,
  scenariosBySystem,
  type StartForm,
} from "../../server/page/dialogs/choices.ts";

function form(change: Partial<StartForm>): StartForm {
  return { ...freshForm(), ...change };
}

Deno.test("requestOf gives what the API takes for every way to start", () => {
  const requests = [
    requestOf(form({ way: "scenario", scenario: "v7-hibernate" })),
    requestOf(form({ way: "scenario", scenario: "v7-hibernate", stay: true })),
    requestOf(form({ way: "cycle", memoryMiB: "64", cpus: "2", seed: "7", awayHours: "8" })),
    requestOf(form({ way: "live", hardware: "small-vm", kernelProfile: "2.6.27" })),
    requestOf(form({ way: "transcript", text: "```console\n# power on\n```" })),
  ];
  for (const request of requests) assert.deepEqual(RunRequest.parse(request), request);
  assert.deepEqual(requests[1], { kind: "live", scenario: "v7-hibernate", play: true });
  assert.deepEqual(requests[2], {
    kind: "cycle",
    part: "cycle",
    machine: { memoryMiB: 64, cpus: 2, seed: 7 },
    awaySeconds: 28_800,
    verify: true,
  });
});

Deno.test("requestOf says what is missing or wrong", () => {
  const cases: readonly (readonly [Partial<StartForm>, RegExp])[] = [
    [{ way: "scenario" }, /Choose a scenario/],
    [{ way: "transcript", text: " \n" }, /Paste a transcript/],
    [{ way: "upload" }, /Choose a file/],
    [{ way: "cycle", memoryMiB: "much" }, /Memory has to be a whole number/],
    [{ way: "live", cpus: "1.5" }, /Processors has to be/],
    [{ way: "cycle", awayHours: "-1" }, /Hours away/],
  ];
  for (const [change, message] of cases) {
    assert.throws(
      () => requestOf(form(change)),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  }
});

Deno.test("scenariosBySystem finds by words in any order and loses none without a query", () => {
  const word = fc.constantFrom("v7", "swsusp", "power", "cut", "jump");
  const scenario = fc.record({ name: word, system: word, title: word, summary: word });
  fc.assert(fc.property(fc.array(scenario), word, word, (scenarios, one, other) => {
    const all = [...scenariosBySystem(scenarios, "").values()].flat();
    assert.equal(all.length, scenarios.length);
    const found = [...scenariosBySystem(scenarios, ` ${one}  ${other.toUpperCase()}`).values()]
      .flat();
    const has = (text: string) => (item: typeof scenarios[number]) =>
      Object.values(item).some((value) => value.includes(text));
    assert.equal(found.length, scenarios.filter(has(one)).filter(has(other)).length);
  }));
});
