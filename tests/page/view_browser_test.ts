/**
 * The page over a real server in a real browser: what is shown of a run, moving through it, sharing
 * a moment, the pictures of memory and disk, everything by keys.
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import type { Page } from "npm:playwright-core@1.65.1";
import {
  atCursor,
  cursorOf,
  goTo,
  pageTests,
  settled,
  showPane,
  type Stage,
} from "./server_kit.ts";

/** Wide spaces of numbers as plain ones. */
function plain(text: string | null): string {
  return (text ?? "").replace(/[\u00a0\u202f\u2009]/g, " ").replace(/\s+/g, " ").trim();
}

async function text(page: Page, selector: string): Promise<string> {
  return plain(await page.locator(selector).first().textContent());
}

async function waitForText(page: Page, part: string, wanted: RegExp): Promise<void> {
  await page.locator(`[data-part="${part}"]`, { hasText: wanted }).waitFor();
}

async function cycleOf(stage: Stage): Promise<{ run: string; events: number }> {
  return await stage.run({ kind: "cycle" });
}

/** The lines of a snapshot down to a depth, without those of some role. */
function outline(snapshot: string, depth: number, without: RegExp): string {
  const lines = snapshot.split("\n").filter((line) => line.search(/\S/) <= 2 * depth);
  return plainLines(lines.filter((line) => !without.test(line)));
}

function plainLines(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/[\u00a0\u202f\u2009]/g, " ").trimEnd()).join("\n");
}

const MAIN = `\
- main:
  - group "Sequence diagram; the table below has the same":
    - text: event time
    - button "operator, attending. Arrow keys move the line, Delete hides it": operator attending
    - button "cpu, ready. Arrow keys move the line, Delete hides it": cpu ready
    - button "memory, not there. Arrow keys move the line, Delete hides it": memory
  - table "Events":
    - rowgroup:
      - row "# time / s kind actor with type what":
    - rowgroup:
      - row "0 0.000 000 000 start operator actor.operator":
      - row "1 0.000 000 000 state operator attending":
      - row "2 0.000 000 000 start cpu actor.cpu":
      - row "3 0.000 000 000 state cpu ready":
  - complementary "The chosen moment":
    - tablist "About this moment":
      - tab "event" [selected]
      - tab "rules"
      - tab "state"
      - tab "memory"
      - tab "disk"
      - tab "consoles"
    - tabpanel "event":
      - 'heading "cpu: ready" [level=2]'`;

/** Lines that depend on how high the window is and on what follows in the run. */
const LOOSE = /button "(?:Hide |(?!operator|cpu|memory))|row "(?:[4-9]|\d\d)|- img |heading ".*3\]/;

const FIELDS =
  /- (?:term|definition|list|listitem|text: brought)|heading "(?:Linked|Could|It could)/;

async function countsAndOutline(stage: Stage): Promise<void> {
  const { run, events } = await cycleOf(stage);
  const page = await stage.open(`#run=${run}&seq=3`);
  assert.equal(await page.evaluate(() => globalThis.kjump.count()), stage.lines(run).length);
  assert.equal(events, stage.lines(run).length);
  const shown = new RegExp(`^${events.toString().replace(/(\d)(\d{3})$/, "$1.$2")} events`);
  await page.locator('[data-part="live"]', { hasText: shown }).waitFor();
  assert.equal(
    await page.locator('[data-part="table"] table').getAttribute("aria-rowcount"),
    String(events + 1),
  );
  assert.match(await text(page, ".position"), new RegExp(`of ${plain(shownCount(events))} `));
  await settled(page);
  const snapshot = await page.locator("main").ariaSnapshot();
  const kept = outline(snapshot, 3, LOOSE).split("\n").filter((line) => !FIELDS.test(line));
  assert.equal(kept.join("\n"), MAIN);
}

function shownCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** What tells one moment from another. */
async function moment(page: Page): Promise<unknown> {
  await settled(page);
  const state = await page.evaluate(() => {
    const { run, cursor, lanes, pane, range, filter } = globalThis.kjump.state();
    return { run, cursor, lanes, pane, range, hidden: [...filter.hiddenActors] };
  });
  return {
    state,
    row: await text(page, '[data-part="table"] tr[aria-current]'),
    lanes: await page.locator(".head .name").allTextContents(),
    sentence: await text(page, '[data-part="memory-sentence"]'),
  };
}

async function sharesMoment(stage: Stage): Promise<void> {
  const { run } = await cycleOf(stage);
  const page = await stage.open(`#run=${run}`);
  await goTo(page, 1_700);
  await showPane(page, "memory");
  await page.locator('.head[data-actor="console"] .hide').dispatchEvent("click");
  await page.locator('.head[data-actor="B"] .head-name').press("ArrowLeft");
  const strip = page.locator(".strip");
  const box = await strip.boundingBox();
  assert.ok(box !== null);
  await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 20);
  await page.mouse.up();
  await page.locator('[data-filter="range"]').waitFor();
  await goTo(page, 1_788);
  await page.waitForFunction(() => location.hash.includes("seq=1788"));
  const { hash } = new URL(page.url());
  const other = await stage.open(hash);
  assert.deepEqual(await moment(other), await moment(page));
  const { state } = await moment(other) as { state: { hidden: string[]; lanes: string[] } };
  assert.deepEqual(state.hidden, ["console"]);
  assert.ok(state.lanes.length > 0);
  assert.match(await text(other, '[data-part="table"] tr[aria-current]'), /^1 ?788/);
}

/** The number of the first event of a phase, by the list of phases. */
async function goToPhase(page: Page, name: string): Promise<number> {
  await page.locator('[data-action="phase"]').selectOption({ label: name });
  await page.waitForFunction(
    (wanted) => document.querySelector(".bands [aria-current]")?.textContent === wanted,
    name,
  );
  return await cursorOf(page);
}

async function showsPictures(stage: Stage): Promise<void> {
  const { run } = await cycleOf(stage);
  const page = await stage.open(`#run=${run}`);
  await goToPhase(page, "work in A");
  await showPane(page, "memory");
  const ofA = await text(page, '[data-part="memory-sentence"]');
  assert.match(ofA, /^A runs in /);
  assert.equal(await page.locator(".memory-pane .picture svg path.owner-B").count(), 0);
  const saving = await goToPhase(page, "save image");
  await goTo(page, saving + 300);
  await settled(page);
  const ofB = await text(page, '[data-part="memory-sentence"]');
  assert.match(ofB, /^B runs in .*A stands asleep in /);
  assert.ok(await page.locator(".memory-pane .picture svg path.owner-B").count() > 0);
  assert.ok(await page.locator(".memory-pane .picture svg path.owner-A").count() > 0);
  const picture = page.locator(".memory-pane .picture");
  const before = await picture.getAttribute("aria-valuetext");
  await picture.press("ArrowRight");
  await page.waitForFunction(
    (old) => document.querySelector(".picture")?.getAttribute("aria-valuetext") !== old,
    before,
  );
  await showPane(page, "disk");
  assert.match(await text(page, '[data-part="disk-sentence"]'), /^A power cut now may lose \d/);
  assert.ok(await page.locator(".disk-pane path.sectors.cached").count() > 0);
  await goToPhase(page, "off");
  await settled(page);
  assert.match(await text(page, '[data-part="disk-sentence"]'), /^Nothing waits in the drive's/);
}

async function filtersAndSearches(stage: Stage): Promise<void> {
  const { run } = await cycleOf(stage);
  const lines = stage.lines(run);
  const page = await stage.open(`#run=${run}&seq=0`);
  const rows = async (): Promise<number> => {
    const count = await page.locator('[data-part="table"] table').getAttribute("aria-rowcount");
    return Number(count) - 1;
  };
  const waitForRows = (count: number) =>
    page.locator(`[data-part="table"] table[aria-rowcount="${count + 1}"]`).waitFor();
  for (const name of ["messages", "states", "faults"]) {
    await page.locator(`[data-filter="${name}"]`).click();
  }
  await waitForRows(lines.filter((line) => line.includes('"kind":"note"')).length);
  for (const name of ["messages", "states", "faults"]) {
    await page.locator(`[data-filter="${name}"]`).click();
  }
  await waitForRows(lines.length);
  await page.locator('[data-filter="type"]').fill("disk.flush");
  await waitForRows(lines.filter((line) => line.includes('"type":"disk.flush"')).length);
  assert.ok(await rows() > 0);
  await page.locator('[data-filter="type"]').fill("");
  await waitForRows(lines.length);
  const wanted = lines.flatMap((line, seq) => line.includes("fact.image") ? [seq] : []);
  await page.keyboard.press("Escape");
  await page.locator('[data-filter="query"]').fill("fact.image");
  await waitForText(page, "hits", new RegExp(`/${shownCount(wanted.length)}`.replace(" ", ".")));
  await page.locator('[data-filter="query"]').press("Enter");
  await atCursor(page, wanted[0] ?? -1);
  await page.getByRole("button", { name: "Next hit" }).click();
  await atCursor(page, wanted[1] ?? -1);
  await page.getByRole("button", { name: "Hit before" }).click();
  await atCursor(page, wanted[0] ?? -1);
}

async function steps(stage: Stage): Promise<void> {
  const { run } = await stage.run({ kind: "scenario", name: "v7-power-cut" });
  const page = await stage.open(`#run=${run}&seq=100`);
  const press = (action: string) => page.locator(`[data-action="${action}"]`).click();
  await press("next");
  await atCursor(page, 101);
  await press("back");
  await press("back");
  await atCursor(page, 99);
  const fault = stage.seqOf(run, '"kind":"fault"');
  await press("fault");
  await atCursor(page, fault);
  await press("first");
  await atCursor(page, 0);
  const violations = (stage.laboratory.get(run)?.verdict?.violated ?? []).map(({ seq }) => seq);
  assert.ok(violations.length > 0);
  await press("violation");
  await atCursor(page, Math.min(...violations));
  await press("last");
  await atCursor(page, stage.lines(run).length - 1);
  await goTo(page, 10);
  await page.locator('[data-action="speed"]').selectOption("2000");
  await press("play");
  await page.waitForFunction(() => globalThis.kjump.state().cursor > 40);
  await page.locator('[data-action="play"]').press("Enter");
  await page.waitForFunction(() => !globalThis.kjump.state().playing);
}

/** Presses Tab until an element that fits has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    if (await page.evaluate((at) => document.activeElement?.matches(at) === true, selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

async function byKeysOnly(stage: Stage): Promise<void> {
  const { run, verdict } = await stage.run({ kind: "scenario", name: "v7-hibernate" });
  const first = verdict?.violated[0]?.seq ?? -1;
  const page = await stage.open();
  await tabTo(page, `[data-run="${run}"]`);
  await page.keyboard.press("Enter");
  await page.locator('[data-action="violation"]:not([disabled])').waitFor();
  await page.keyboard.press("Home");
  await atCursor(page, 0);
  await page.keyboard.press("v");
  await atCursor(page, first);
  await page.locator('[data-part="cone-past"] .event-link').first().waitFor();
  await tabTo(page, '[data-part="cone-past"] .event-link');
  await page.keyboard.press("Enter");
  await page.waitForFunction((seq) => globalThis.kjump.state().cursor < seq, first);
  assert.ok(await cursorOf(page) >= 0);
  await page.keyboard.press("v");
  await atCursor(page, first);
  await page.keyboard.press("s");
  await page.locator("dialog[open]").waitFor();
  await page.waitForFunction(() => document.activeElement?.closest("dialog") !== null);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => globalThis.kjump.state().dialog === "none");
  await page.keyboard.press("j");
  await page.waitForFunction((seq) => globalThis.kjump.state().cursor > seq, first);
  await page.goBack();
  await page.locator(`[data-run="${run}"]`).waitFor();
}

pageTests("the page shows a run", {
  "shows as many events as the trace has, and can be read by ear": countsAndOutline,
  "opens a shared address at the same moment": sharesMoment,
  "shows memory and disk at the cursor, and how A's and B's moments differ": showsPictures,
  "filters by kind and type, and searches": filtersAndSearches,
  "plays, steps, steps back, goes to the next fault and broken rule": steps,
  "leads by keys to a run, its first broken rule, its past, and back": byKeysOnly,
});
