// deno-lint-ignore-file no-console -- says on the terminal what it wrote
/**
 * Pictures of the page's main views, for people: `deno task screenshots` writes them to
 * `fixtures/screenshots/`.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from "npm:playwright-core@1.65.1";
import { startServer } from "../../server/serve.ts";
import { ScratchFolder } from "../server/terminal_kit.ts";
import { launch } from "./browser_kit.ts";
import { settled, showPane, Stage } from "./server_kit.ts";
import { smallPng } from "./small_png.ts";

const FOLDER = new URL("../../fixtures/screenshots/", import.meta.url);
const SIZE = { width: 1440, height: 900 };

/** Where B saves A's memory: the image is half written. */
function savePhase(stage: Stage, run: string): number {
  const lines = stage.lines(run);
  const from = lines.findIndex((line) => line.includes('"line":"save-image'));
  const to = lines.findIndex((line, seq) => seq > from && line.includes('"type":"fact.power"'));
  const writes = lines.flatMap((line, seq) =>
    seq > from && seq < to && line.includes('"type":"disk.write"') ? [seq] : []
  );
  return writes[Math.floor(writes.length / 2)] ?? from;
}

async function shoot(page: Page, name: string): Promise<void> {
  await settled(page);
  await page.waitForFunction(() => {
    const said = document.querySelector('[data-part="live"]')?.textContent ?? "";
    return globalThis.kjump.state().run === undefined || /\d events/.test(said);
  });
  // Nothing of the pointer is to be seen.
  await page.mouse.move(0, 0);
  const png = smallPng(await page.screenshot({ animations: "disabled", caret: "hide" }));
  await Deno.writeFile(new URL(`${name}.png`, FOLDER), png);
  console.log(`${name}.png ${png.length} bytes`);
}

async function cutPower(page: Page): Promise<void> {
  await page.locator('[data-action="cut"]').click();
  await page.locator('[data-action="cut-power"]').click();
  await page.locator('[data-part="comparison"]', { hasText: "first difference is" }).waitFor();
}

async function shootAll(stage: Stage): Promise<void> {
  const cycle = await stage.run({ kind: "cycle" });
  const failing = await stage.run({ kind: "scenario", name: "v7-hibernate" });
  const saving = savePhase(stage, cycle.run);
  const at = `#run=${cycle.run}&seq=${saving}`;

  const light = await stage.open(at, SIZE);
  await showPane(light, "memory");
  await shoot(light, "saving-memory-light");
  await cutPower(light);
  await shoot(light, "power-cut-beside-light");

  const dark = await stage.open(at, { ...SIZE, scheme: "dark" });
  await showPane(dark, "disk");
  await shoot(dark, "saving-disk-dark");

  const broken = failing.verdict?.violated[0]?.seq ?? 0;
  const rules = await stage.open(`#run=${failing.run}&seq=${broken}&pane=rules`, SIZE);
  await shoot(rules, "broken-rule-light");

  const start = await stage.open("", { ...SIZE, scheme: "dark" });
  await start.keyboard.press("s");
  await start.locator('[data-scenario="v7-power-cut"]').click();
  await start.locator('[data-part="scenario-text"] pre', { hasText: "console" }).waitFor();
  await shoot(start, "start-dark");
  await stage.closePages();
}

Deno.mkdirSync(FOLDER, { recursive: true });
using scratch = new ScratchFolder();
const server = await startServer(
  { host: "127.0.0.1", port: 0, hostNames: [], folder: scratch.path },
  { log: (error) => console.error(error) },
);
const browser = await launch();
try {
  await shootAll(new Stage(browser, server));
} finally {
  await browser.close();
  await server.close();
}
