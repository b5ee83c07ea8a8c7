/**
 * The page judged by axe-core in a real browser, in light and in dark: each view, each pane, each
 * dialog, with everything filled.
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import axe from "npm:axe-core@4.14.1";
import type { Page } from "npm:playwright-core@1.65.1";
import { PANES } from "../../server/page/model.ts";
import { goTo, pageTests, settled, showPane, type Stage } from "./server_kit.ts";

type Scheme = "light" | "dark";

/** What axe objects to in a part of the page: rule, place, what to do. */
async function objections(page: Page, what: string, part = "html"): Promise<readonly string[]> {
  await settled(page);
  const found: readonly string[] = await page.evaluate(async (selector) => {
    const page = globalThis as typeof globalThis & { axe: typeof import("npm:axe-core@4.14.1") };
    const { violations } = await page.axe.run(selector, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`)
    );
  }, part);
  return found.map((each) => `${what}: ${each.replace(/\s+/g, " ")}`);
}

/** A page into which axe has been put by the debugger, past the page's policy. */
async function openWithAxe(stage: Stage, scheme: Scheme, hash = ""): Promise<Page> {
  const page = await stage.open(hash, { scheme });
  await page.evaluate(axe.source);
  return page;
}

async function views(stage: Stage, scheme: Scheme): Promise<readonly string[]> {
  const { run, verdict } = await stage.run({ kind: "scenario", name: "v7-power-cut" });
  const broken = verdict?.violated[0]?.seq ?? 0;
  const page = await openWithAxe(stage, scheme, `#run=${run}&seq=${broken}`);
  const found = [...await objections(page, "main view")];
  for (const pane of PANES) {
    await showPane(page, pane);
    found.push(...await objections(page, `pane ${pane}`, '[data-part="detail"]'));
  }
  await page.locator('[data-filter="query"]').fill("disk");
  await page.locator('[data-part="hits"]').waitFor();
  await goTo(page, stage.seqOf(run, '"kind":"fault"'));
  found.push(...await objections(page, "search and fault"));
  await page.locator('[data-filter="query"]').fill("");
  for (const dialog of ["start", "cut", "export", "keys"]) {
    await page.locator(`header [data-action="${dialog}"]`).click();
    await page.locator("dialog[open] h2").waitFor();
    if (dialog === "start") found.push(...await startDialog(page));
    else found.push(...await objections(page, `dialog ${dialog}`, "dialog"));
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
  }
  return found;
}

async function startDialog(page: Page): Promise<readonly string[]> {
  await page.locator('[data-scenario="v7-hibernate"]').click();
  await page.locator('[data-part="scenario-text"] pre', { hasText: "console" }).waitFor();
  const found = [...await objections(page, "dialog start, scenario", "dialog")];
  for (const way of ["cycle", "live", "transcript", "upload"]) {
    await page.locator(`[data-way="${way}"]`).click();
    found.push(...await objections(page, `dialog start, ${way}`, "dialog"));
  }
  await page.locator('[data-action="start-run"]').click();
  await page.locator('dialog [role="alert"]').waitFor();
  found.push(...await objections(page, "dialog start, refused", "dialog"));
  await page.locator('[data-way="scenario"]').click();
  return found;
}

async function others(stage: Stage, scheme: Scheme): Promise<readonly string[]> {
  const { run } = await stage.run({ kind: "cycle" });
  const beside = await stage.run({ kind: "cycle", machine: { seed: 2 } });
  const page = await openWithAxe(stage, scheme, `#run=${run}&seq=1788&beside=${beside.run}`);
  await page.locator('[data-part="comparison"]', { hasText: /difference|same/ }).waitFor();
  const found = [...await objections(page, "beside")];
  const live = await stage.run({ kind: "live" });
  await stage.laboratory.input(live.run, "# power on");
  await stage.laboratory.input(live.run, "# boot A");
  const sitting = await openWithAxe(stage, scheme, `#run=${live.run}&pane=consoles`);
  await sitting.locator('[data-action="prompt"]').waitFor();
  found.push(...await objections(sitting, "live machine"));
  await stage.laboratory.cancel(live.run);
  const home = await openWithAxe(stage, scheme);
  await home.locator("[data-run]").first().waitFor();
  return [...found, ...await objections(home, "list of runs")];
}

async function judge(stage: Stage, scheme: Scheme): Promise<void> {
  const found = [...await views(stage, scheme), ...await others(stage, scheme)];
  assert.deepEqual(found, []);
}

pageTests("the page judged by axe", {
  "has no violation in light": (stage) => judge(stage, "light"),
  "has no violation in dark": (stage) => judge(stage, "dark"),
});
