/**
 * Every scenario of the house goes as it stands in its transcript, and breaks no rule but those it
 * announces.
 */
import assert from "node:assert/strict";
import { main } from "../../server/terminal/main.ts";
import { listScenarios } from "../../server/transcript/scenarios.ts";
import { collectGarbage } from "../collect_garbage.ts";
import { KeptTerminal, ScratchFolder } from "./terminal_kit.ts";
import { playText, replayHash } from "./transcript_kit.ts";

const FOLDER = new URL("../../fixtures/scenarios/", import.meta.url).pathname;
const WARM = `${FOLDER}mainline-jump.md`;

async function hibernate(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  collectGarbage();
  const terminal = new KeptTerminal();
  const code = await main(["hibernate", ...args, "--quiet"], terminal);
  return { code, out: terminal.printed, err: terminal.failures };
}

for (const { file, name } of listScenarios(FOLDER)) {
  Deno.test(`hibernate ${name} goes as it stands there`, async () => {
    using scratch = new ScratchFolder();
    const { code, out, err } = await hibernate(
      file,
      "--transport",
      "inline",
      "--out",
      scratch.file("o"),
    );
    assert.equal(code, 0, `${out}${err}`);
  });
}

Deno.test("scenarios lists each transcript of a folder in one line, unreadable ones too", async () => {
  using scratch = new ScratchFolder();
  scratch.write("b.md", "# Bad\n");
  scratch.write("a.md", Deno.readTextFileSync(WARM));
  scratch.write("notes.txt", "no scenario");
  scratch.write("README.md", "# What they are\n\nNo scenario either.\n");
  const terminal = new KeptTerminal();
  assert.equal(await main(["scenarios", scratch.path], terminal), 0);
  const [one, two, end] = terminal.printed.split("\n");
  assert.equal(one, "a.md  mainline  There and back again");
  assert.match(two ?? "", /^b\.md {2}\? {9}cannot be read: .*b\.md:1: there is no block/);
  assert.equal(end, "");
});

Deno.test("hibernate gives a transcript one trace on both transports", async () => {
  using scratch = new ScratchFolder();
  const hashes: string[] = [];
  for (const transport of ["inline", "worker"]) {
    const where = scratch.file(transport);
    const { out } = await hibernate(WARM, "--transport", transport, "--json", "--out", where);
    hashes.push(JSON.parse(out).results[0].sha256);
  }
  assert.match(hashes[0] ?? "", /^[0-9a-f]{64}$/);
  assert.equal(hashes[0], hashes[1]);
});

Deno.test("playTranscript leaves choices that give the same trace without a shell", async () => {
  const text = Deno.readTextFileSync(WARM);
  const { parting, hash, choices } = await playText(text, WARM);
  assert.equal(parting, undefined);
  assert.ok(choices.every(({ kind }) => kind === "input"));
  assert.equal(replayHash(text, choices), hash);
});

Deno.test("hibernate says where a transcript parts, with file, lines and seq", async () => {
  using scratch = new ScratchFolder();
  const file = scratch.write(
    "odd.md",
    "# Odd\n\n```console\n# power on\n# boot A\nA$ echo one; echo two; echo three\none\n2\n…\n```\n",
  );
  const { code, out } = await hibernate(
    file,
    "--transport",
    "inline",
    "--out",
    scratch.file("o"),
  );
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}.*odd\.md: Odd\n/);
  assert.match(
    out,
    /odd\.md:8: 'echo one; echo two; echo three' prints something else \(seq \d+\)/,
  );
  assert.match(out, /- 8 +2\n +\+ +two\n +\+ +three\n/);
  const seq = /\(seq (\d+)\)/.exec(out)?.[1] ?? "";
  const trace = Deno.readTextFileSync(scratch.file("o/trace.ndjson"));
  const line = trace.split("\n").find((each) => each.startsWith(`{"seq":${seq},`)) ?? "";
  assert.match(line, /"console\.shown"/);
});

Deno.test("hibernate holds a transcript to the rules it says it breaks", async () => {
  using scratch = new ScratchFolder();
  const text = "# T\n\n```machine\nbreaks: F23\n```\n```console\n# power on\n# boot A\n```\n";
  const file = scratch.write("breaks.md", text);
  const where = scratch.file("o");
  const { code, out } = await hibernate(file, "--transport", "inline", "--out", where);
  assert.equal(code, 1);
  assert.match(out, /F23 should be broken, as the machine block says, and is not/);
});

Deno.test("hibernate refuses a transcript that is none, and options that a machine block has", async () => {
  using scratch = new ScratchFolder();
  const none = scratch.write("none.md", "# Nothing\n\nNo block.\n");
  const empty = await hibernate(none, "--out", scratch.file("o"));
  assert.equal(empty.code, 2);
  assert.match(empty.err, /none\.md:1: there is no block of ```console/);
  const memory = await hibernate(WARM, "--memory", "128M", "--out", scratch.file("o"));
  assert.equal(memory.code, 2);
  assert.match(memory.err, /--memory does not go with a transcript/);
  const missing = await hibernate(scratch.file("no.md"), "--out", scratch.file("o"));
  assert.equal(missing.code, 2);
});
