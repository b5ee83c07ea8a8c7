/**
 * The page and runs that go on, in a real browser: a person at a machine, a transcript that is
 * pasted, power cut at an event, and a connection that is cut again and again.
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import type { Page } from "npm:playwright-core@1.65.1";
import { CuttingProxy } from "./cutting_proxy.ts";
import { pageTests, painted, settled, showPane, type Stage } from "./server_kit.ts";

/** What the browser says of a connection that was cut. */
const CUT = /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_(?:RESET|CLOSED)|ERR_EMPTY_RESPONSE/;
const CUTS = 4;
const CUT_BYTES = 20_000;

async function takesUpStream(stage: Stage): Promise<void> {
  const { run } = await stage.run({ kind: "live" });
  const proxy = new CuttingProxy(stage.origin, CUT_BYTES, CUTS);
  try {
    const page = await stage.open(`#run=${run}`, {
      origin: proxy.address,
      expected: CUT,
      drawn: false,
    });
    await page.waitForFunction(() => globalThis.kjump.state().stream.open);
    for (
      const text of ["# power on", "# boot A", "work 64 2", "ls /", "# press reset", "# boot A"]
    ) {
      const { events } = await stage.laboratory.input(run, text);
      await painted(page, events);
    }
    assert.equal(proxy.left, 0, "not all cuts took place");
    const { resumed } = await page.evaluate(() => globalThis.kjump.state().stream);
    assert.ok(resumed > 0 && resumed <= CUTS, `taken up again ${resumed} times`);
    const lines = stage.lines(run);
    const shown = await page.evaluate(() =>
      Array.from({ length: globalThis.kjump.count() }, (_, seq) => globalThis.kjump.line(seq))
    );
    assert.deepEqual(shown, lines);
    const words = page.locator("footer", { hasText: /taken up again/ });
    await words.waitFor();
    await stage.laboratory.cancel(run);
    await page.locator('[data-part="run-status"]', { hasText: "cancelled" }).waitFor();
    await page.close();
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

async function isThere(page: Page, name: string, text: RegExp): Promise<void> {
  await page.locator(`[data-console="${name}"] .line`, { hasText: text }).first().waitFor();
}

async function sitsAtMachine(stage: Stage): Promise<void> {
  const page = await stage.open();
  await page.keyboard.press("s");
  await page.locator('[data-way="live"]').click();
  await page.locator('[data-action="start-run"]').click();
  await page.locator('[data-does="power on"]').click();
  await page.locator('[data-does="boot A"]').click();
  await isThere(page, "A", /A: ready/);
  const prompt = page.locator('[data-action="prompt"]');
  const type = async (line: string): Promise<void> => {
    await page.locator('[data-action="prompt"]:not([disabled])').waitFor();
    await prompt.fill(line);
    await prompt.press("Enter");
  };
  await type("ls /");
  await isThere(page, "A", /\broot\b/);
  await type("cat /proc/cmdline");
  await isThere(page, "A", /hostname=A/);
  await type("echo typed in a browser > /root/note; cat /root/note");
  await isThere(page, "A", /^typed in a browser$/);
  await prompt.press("ArrowUp");
  await page.waitForFunction(() =>
    document.querySelector<HTMLInputElement>('[data-action="prompt"]')?.value.includes("/root/note")
  );
  await page.locator('[data-does="pull the plug"]').click();
  await page.locator('[data-part="person"]', { hasText: "The machine is off." }).waitFor();
  await page.locator('[data-does="power on"]').click();
  await page.locator('[data-does="boot A"]').waitFor();
  const run = await page.evaluate(() => globalThis.kjump.state().run ?? "");
  const lines = stage.lines(run);
  const losses = lines.filter((line) => line.includes('"op":"loss"'));
  assert.equal(losses.length, 1);
  await painted(page, lines.length);
  await stage.laboratory.cancel(run);
}

const TRANSCRIPT = `# Typed in a test

\`\`\`machine
profile: 2.6.27
\`\`\`

\`\`\`console
# power on
# boot A
…
A: ready
A$ echo pasted
pasted
\`\`\`
`;

async function pastesTranscript(stage: Stage): Promise<void> {
  const page = await stage.open("", { expected: /status of 4\d\d/ });
  await page.locator('main [data-action="start"]').click();
  await page.locator('[data-way="transcript"]').click();
  const text = TRANSCRIPT.replace("profile: 2.6.27\n", "");
  const area = page.locator("dialog textarea");
  await area.fill(text.replace("# power on", "# dance on the table"));
  await page.locator('[data-action="start-run"]').click();
  const problem = page.locator('dialog [role="alert"]');
  await problem.waitFor();
  const line = text.split("\n").indexOf("# power on") + 1;
  assert.match(await problem.textContent() ?? "", new RegExp(`\\b${line}\\b`));
  await area.fill(text);
  await page.locator('[data-action="start-run"]').click();
  await page.locator("h1", { hasText: "Typed in a test" }).waitFor();
  await page.locator('[data-part="verdict"]', { hasText: "finished" }).waitFor();
  const run = await page.evaluate(() => globalThis.kjump.state().run ?? "");
  await painted(page, stage.lines(run).length);
  await page.keyboard.press("End");
  await showPane(page, "consoles");
  await isThere(page, "A", /^pasted$/);
}

/** Cuts the power at an event, from the page; gives the sentence of what became of the machine. */
async function cutAt(stage: Stage, parent: string, seq: number): Promise<string> {
  const page = await stage.open(`#run=${parent}&seq=${seq}`);
  await page.keyboard.press("c");
  await page.locator('[data-part="stake"]').waitFor();
  await page.locator('input[name="fate"][value="none"]').check();
  await page.locator('[data-action="cut-power"]').click();
  await page.locator('[data-part="outcome-beside"] .status', { hasText: "finished" }).waitFor();
  await page.locator('[data-part="comparison"]', { hasText: "first difference is" }).waitFor();
  const first = Number(await page.locator(".beside-pane").getAttribute("data-first"));
  const mark = page.locator(`.pair[data-seq="${first}"]`, { hasText: "first difference" });
  await mark.waitFor();
  assert.match(await mark.textContent() ?? "", /power\.cut/);
  const fork = await page.evaluate(() => globalThis.kjump.state().beside ?? "");
  assert.deepEqual(stage.laboratory.get(fork)?.parent, { run: parent, seq });
  const [own, other] = [stage.lines(parent), stage.lines(fork)];
  assert.deepEqual(other.slice(0, first), own.slice(0, first));
  assert.notEqual(other[first], own[first]);
  const outcome = await page.locator('[data-part="outcome-beside"] .outcome').textContent();
  await page.locator('[data-action="open-beside"]').click();
  await page.waitForFunction((run) => globalThis.kjump.state().run === run, fork);
  await painted(page, other.length);
  await settled(page);
  return outcome ?? "";
}

async function cutsPower(stage: Stage): Promise<void> {
  const { run } = await stage.run({ kind: "cycle" });
  const begun = stage.seqOf(run, '"fact.image"', '"op":"begin"');
  const saving = begun + 200;
  assert.match(await cutAt(stage, run, saving), /^It found no image that counts and booted afresh/);
  const off = stage.seqOf(run, '"fact.power"', '"op":"off"');
  const { length } = stage.lines(run);
  assert.ok(begun < saving && saving < off && off < length);
  assert.match(await cutAt(stage, run, off - 2), /^The hibernated kernel came back out/);
}

pageTests("the page and runs that go on", {
  "takes up a stream that is cut, without a gap and without anything twice": takesUpStream,
  "lets a person type at a machine, pull its plug and power it on again": sitsAtMachine,
  "runs a pasted transcript, and says in which line there is a mistake": pastesTranscript,
  "cuts the power at an event and says what became of the machine": cutsPower,
});
