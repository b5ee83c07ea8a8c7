/**
 * What a person does when it comes to something: `# when FACT …`, and commands that go on behind
 * the prompt.
 */
import assert from "node:assert/strict";
import { atA, lastPrinted, playText, replayHash } from "./transcript_kit.ts";

const FOLDER = new URL("../../fixtures/scenarios/", import.meta.url).pathname;

for (const name of ["v7-power-cut", "v7-errors"]) {
  Deno.test(`playTranscript of ${name} leaves choices that give its trace without a shell`, async () => {
    const text = Deno.readTextFileSync(`${FOLDER}${name}.md`);
    const { parting, hash, choices } = await playText(text, `${name}.md`);
    assert.equal(parting, undefined);
    const kind = name === "v7-errors" ? "wake" : "power_cut";
    assert.ok(choices.some((choice) => choice.kind === kind));
    assert.equal(replayHash(text, choices), hash);
  });
}

Deno.test("when pulls the plug at the first fact that has all the words, and at no other", async () => {
  const text = atA("A$ cp /boot/rootfs.gz /one", "# when fs_write A: pull the plug", "A$ sync");
  const none = await playText(text);
  assert.match(none.parting?.message ?? "", /^'when fs_write A: pull the plug': it never came to/);
  const cut = await playText(
    atA("# when power off S5: pull the plug", "# when power off S5: press the power button"),
  );
  assert.match(cut.parting?.message ?? "", /what was to happen before has not happened yet/);
  const struck = await playText(
    atA("# when fs_write A: pull the plug", "A$ cp /boot/rootfs.gz /one"),
  );
  assert.equal(struck.parting, undefined);
  const last = struck.events.findLast(({ type }) => type?.startsWith("fact.power") === true);
  assert.deepEqual(last?.summary, { op: "loss" });
});

Deno.test("a line of a person is refused where what he would do at a moment is no such thing", async () => {
  for (const odd of ["when image: go home", "when image: when image: pull the plug", "when: x"]) {
    await assert.rejects(playText(atA(`# ${odd}`)), /is nothing the person can do/);
  }
});

Deno.test("a program behind which stands & goes on while the next line is typed", async () => {
  const busy = await playText(
    atA("A$ sleep 100 &", "(nothing)", "A$ echo $?", "0", "A$ sleep 1; cut -d . -f 1 /proc/uptime"),
  );
  assert.equal(busy.parting, undefined);
  assert.deepEqual(lastPrinted(busy), ["2"]);
});

Deno.test("a part that is replaced shows in the firmware's signature from that time on", async () => {
  const machine =
    '```machine\nsetup: {"replaced": {"afterNs": 3600000000000, "signature": 4660}}\n' +
    "```\n";
  const seen = await playText(
    `${machine}${
      atA("A$ poweroff", "# power on", "# press reset", "# pull the plug", "# away 2h")
    }` +
      "```console\n# power on\nHardware changed: hardwareSignature was …, is 4660\n```\n",
  );
  assert.equal(seen.parting, undefined);
  const said = seen.played.flatMap(({ printed }) => printed).filter((line) =>
    /Hardware/.test(line)
  );
  assert.equal(said.length, 1);
});
