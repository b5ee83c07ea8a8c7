import assert from "node:assert/strict";
import type { RunSummary } from "../../server/api/shapes/run.ts";
import { Typing } from "../../server/page/panels/typing.ts";

const SUMMARY: RunSummary = {
  run: "0123456789abcdef",
  kind: "live",
  status: "waiting",
  scenario: "live",
  title: "",
  profile: "2.6.27/small-vm",
  seed: 1,
  created: "2026-11-21T00:00:00Z",
  events: 10,
  vt: 0,
  replayable: true,
  links: {},
};

const sent = () => Promise.resolve(SUMMARY);

Deno.test("Typing.recall goes through what was typed and back to what is being written", async () => {
  const typing = new Typing();
  for (const line of ["ls", "free", "free"]) await typing.send(line, 1, sent, () => {});
  typing.draft = "uname";
  const seen = [-1, -1, -1, 1, 1, 1].map((way) => {
    typing.recall(way < 0 ? -1 : 1);
    return typing.draft;
  });
  assert.deepEqual(seen, ["free", "ls", "ls", "free", "uname", "uname"]);
});

Deno.test("Typing.send keeps the line with the event it was typed behind, and tells the answer", async () => {
  const typing = new Typing();
  typing.draft = "kexec -e";
  const told: (RunSummary | undefined)[] = [];
  const asked: string[] = [];
  await typing.send("kexec -e", 531, (text) => {
    assert.equal(typing.busy, true);
    asked.push(text);
    return sent();
  }, (summary) => told.push(summary));
  assert.deepEqual(asked, ["kexec -e"]);
  assert.deepEqual(told, [undefined, SUMMARY]);
  assert.deepEqual([...typing.echoes], [[530, "kexec -e"]]);
  assert.deepEqual([typing.busy, typing.draft], [false, ""]);
});

Deno.test("Typing.send keeps the draft and forgets the echo where the server refuses", async () => {
  const typing = new Typing();
  typing.draft = "rm x";
  await typing.send("rm x", 5, () => Promise.reject(new Error("The machine is busy.")), () => {});
  assert.deepEqual([typing.problem, typing.draft, typing.echoes.size], [
    "The machine is busy.",
    "rm x",
    0,
  ]);
});

Deno.test("Typing.send sends nothing twice at a time and nothing empty; actions leave no echo", async () => {
  const typing = new Typing();
  let count = 0;
  const input = () => {
    count++;
    return sent();
  };
  const first = typing.send("# power on", 1, input, () => {});
  await typing.send("# power on", 1, input, () => {});
  await first;
  await typing.send("  ", 1, input, () => {});
  assert.deepEqual([count, typing.echoes.size], [1, 0]);
});
