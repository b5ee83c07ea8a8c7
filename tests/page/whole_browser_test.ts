/**
 * The page with very many events, and the page saved as one file, in a real browser.
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import type { Page } from "npm:playwright-core@1.65.1";
import { pageTests, type Stage } from "./server_kit.ts";
import { longTrace } from "./long_trace.ts";

const EVENTS = 50_000;
const GROUPS_MAX = 100;

/** What of the run is in the document. */
interface Drawn {
  readonly groups: number;
  readonly rows: number;
  readonly first: number;
  readonly last: number;
}

async function drawn(page: Page): Promise<Drawn> {
  return await page.evaluate(() => {
    const diagram = document.querySelectorAll('[data-part="diagram"] g.row');
    const seqs = Array.from(diagram, (row) => Number(row.getAttribute("data-seq")));
    return {
      groups: document.querySelectorAll('[data-part="diagram"] g').length,
      rows: document.querySelectorAll('[data-part="table"] tr').length,
      first: Math.min(...seqs),
      last: Math.max(...seqs),
    };
  });
}

async function upload(stage: Stage): Promise<string> {
  const answer = await fetch(new URL("api/traces?name=long.ndjson", stage.origin), {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: longTrace(EVENTS),
  });
  const summary: { run: string; detail?: string } = await answer.json();
  assert.equal(summary.detail, undefined);
  const { status, events } = await stage.laboratory.settled(summary.run, 60_000);
  assert.deepEqual([status, events], ["finished", EVENTS]);
  return summary.run;
}

async function drawsFew(stage: Stage): Promise<void> {
  const run = await upload(stage);
  const page = await stage.open(`#run=${run}`);
  assert.equal(await page.evaluate(() => globalThis.kjump.count()), EVENTS);
  for (const part of [0, 0.1, 0.25, 0.5, 0.75, 0.999, 0.3]) {
    const near = Math.round(part * EVENTS);
    await page.locator('[data-part="diagram"]').evaluate((element, at) => {
      element.scrollTop = at * (element.scrollHeight - element.clientHeight);
    }, part);
    await page.waitForFunction(([wanted, away]) => {
      const row = document.querySelector('[data-part="diagram"] g.row');
      return Math.abs(Number(row?.getAttribute("data-seq")) - (wanted ?? 0)) < (away ?? 0);
    }, [near, EVENTS / 50]);
    const { groups, rows } = await drawn(page);
    assert.ok(groups > 10 && groups < GROUPS_MAX, `${groups} groups at ${near}`);
    assert.ok(rows > 3 && rows < GROUPS_MAX, `${rows} rows of the table at ${near}`);
  }
  await page.locator('[data-part="table"]').evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  await page.locator(`[data-part="table"] tr[data-seq="${EVENTS - 1}"]`).waitFor();
  await page.locator('[data-part="diagram"]').focus();
  await page.keyboard.press("Home");
  await page.locator('[data-part="diagram"] g.row[data-seq="0"]').waitFor({ state: "attached" });
  const { first, groups } = await drawn(page);
  assert.ok(first === 0 && groups < GROUPS_MAX, `${groups} groups from ${first} on`);
}

async function savesOneFile(stage: Stage): Promise<void> {
  const { run, events } = await stage.run({ kind: "scenario", name: "v7-hibernate" });
  const page = await stage.open(`#run=${run}&seq=10`, { expected: /ERR_ABORTED/ });
  await page.keyboard.press("e");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator('[data-form="html"]').click(),
  ]);
  assert.match(download.suggestedFilename(), /\.html$/);
  const folder = await Deno.makeTempDir({ prefix: "kjump-test-" });
  try {
    const path = `${folder}/saved.html`;
    await download.saveAs(path);
    const saved = await stage.browser.newContext({ offline: true });
    const file = await saved.newPage();
    const asked: string[] = [];
    const faults: string[] = [];
    file.on("request", (request) => asked.push(request.url()));
    file.on("pageerror", (error) => faults.push(error.message));
    file.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await file.goto(`file://${path}`);
    await file.waitForFunction((count) => globalThis.kjump.painted() >= count, events);
    assert.equal(await file.evaluate(() => globalThis.kjump.count()), events);
    await file.locator("h1", { hasText: "khibernation v7" }).waitFor();
    await file.locator('[data-action="violation"]:not([disabled])').click();
    const broken = stage.laboratory.get(run)?.verdict?.violated[0]?.seq ?? -1;
    await file.waitForFunction((seq) => globalThis.kjump.state().cursor === seq, broken);
    await file.locator('[data-pane="rules"]').click();
    await file.locator('[data-rule="F38"][data-standing="violated"]').waitFor();
    await file.locator('[data-pane="memory"]').click();
    await file.locator(".hint", { hasText: "saved page" }).waitFor();
    assert.deepEqual(asked, [`file://${path}`]);
    assert.deepEqual(faults, []);
    await saved.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

pageTests("the page as a whole", {
  "draws few of 50 000 events wherever one scrolls": drawsFew,
  "is saved as one file that opens from disk and asks nobody for anything": savesOneFile,
});
