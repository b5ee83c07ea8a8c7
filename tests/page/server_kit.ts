/**
 * What tests of the page in a browser share: one server and one browser a file, runs made ready,
 * pages that are watched. Nothing waits on time: on flags of the page, or on what is to be seen.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import type { RunRequest, RunSummary } from "../../server/api/shapes/run.ts";
import type { Laboratory } from "../../server/deps.ts";
import type {} from "../../server/page/main.ts";
import { type RunningServer, startServer } from "../../server/serve.ts";
import { ScratchFolder } from "../server/terminal_kit.ts";
import { BROWSER, launch, type Opening, type Watched, watchedPage } from "./browser_kit.ts";

/** Longer than anything here takes. */
export const PATIENCE_MILLISECONDS = 60_000;

/** How a page is opened; `origin` is another than the server's own. */
export interface PageOpening extends Opening {
  readonly origin?: string;
  /** Whether it waits until the whole run has come in and is drawn. */
  readonly drawn?: boolean;
}

/** A server, a browser, and the pages a test opened. */
export class Stage {
  readonly browser: Browser;
  readonly server: RunningServer;
  readonly #watched: Watched[] = [];

  constructor(browser: Browser, server: RunningServer) {
    this.browser = browser;
    this.server = server;
  }

  /** With a `/` at its end. */
  get origin(): string {
    return this.server.address;
  }

  get laboratory(): Laboratory {
    return this.server.deps.laboratory;
  }

  /** Starts a run, or finds it, and waits until it ends or waits for its person. */
  async run(request: RunRequest): Promise<RunSummary> {
    const { summary } = await this.laboratory.start(request);
    const settled = await this.laboratory.settled(summary.run, PATIENCE_MILLISECONDS);
    assert.ok(settled.status === "finished" || settled.status === "waiting", settled.status);
    return settled;
  }

  /** Opens the page at a moment (`#run=…`), watched, and waits until it is there. */
  async open(hash = "", { origin, drawn = true, ...opening }: PageOpening = {}): Promise<Page> {
    const from = origin ?? this.origin;
    const watched = await watchedPage(this.browser, from, opening);
    this.#watched.push(watched);
    const { page } = watched;
    page.setDefaultTimeout(PATIENCE_MILLISECONDS);
    await page.goto(`${from}${hash}`);
    await page.waitForSelector("html[data-ready=true]", { state: "attached" });
    const run = /run=([0-9a-f]+)/.exec(hash)?.[1];
    const events = run === undefined ? undefined : this.laboratory.get(run)?.events;
    if (drawn && events !== undefined) await painted(page, events);
    return page;
  }

  /** The events' lines of a run as its trace has them. */
  lines(run: string): readonly string[] {
    const log = this.laboratory.stored(run)?.log;
    assert.ok(log !== undefined);
    return Deno.readTextFileSync(log.path).split("\n").filter((line) => line.startsWith('{"seq":'));
  }

  /** Number of the first event that has all of some texts in its line. */
  seqOf(run: string, ...texts: readonly string[]): number {
    const seq = this.lines(run).findIndex((line) => texts.every((text) => line.includes(text)));
    assert.ok(seq >= 0, `no event with ${texts.join(" and ")}`);
    return seq;
  }

  /** Closes all pages of a test; fails if one of them did what it may not. */
  async closePages(): Promise<void> {
    const watched = this.#watched.splice(0);
    for (const { context } of watched) await context.close();
    assert.deepEqual(watched.flatMap(({ faults }) => faults), []);
  }
}

/** Waits until so many events have come in and are drawn. */
export async function painted(page: Page, events: number): Promise<void> {
  await page.waitForFunction((count) => globalThis.kjump.painted() >= count, events);
}

/** Waits until the cursor is at an event, and gives it. */
export async function atCursor(page: Page, seq: number): Promise<void> {
  await page.waitForFunction((wanted) => globalThis.kjump.state().cursor === wanted, seq);
}

/** The number of the chosen event. */
export async function cursorOf(page: Page): Promise<number> {
  return await page.evaluate(() => globalThis.kjump.state().cursor);
}

/** Goes to an event by its number, as a person does. */
export async function goTo(page: Page, seq: number): Promise<void> {
  const field = page.locator('[data-action="seq"]');
  await field.fill(String(seq));
  await field.press("Enter");
  await atCursor(page, seq);
}

/** Chooses a pane of the right panel and waits until what it shows is of the cursor. */
export async function showPane(page: Page, pane: string): Promise<void> {
  await page.locator(`[data-pane="${pane}"]`).click();
  await page.locator(`[data-part="panel-${pane}"]`).waitFor();
  await settled(page);
}

/** Waits until no panel waits for the server. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    document.querySelector('[aria-busy="true"], [data-waiting="yes"]') === null
  );
}

/** One thing that is tested on a stage. */
export type PageTest = (stage: Stage) => Promise<void>;

/** Tests of the page over one server and one browser; ignored where there is no browser. */
export function pageTests(name: string, tests: { readonly [sentence: string]: PageTest }): void {
  Deno.test({
    name,
    ignore: BROWSER === undefined,
    fn: async (context) => {
      using scratch = new ScratchFolder();
      const failures: unknown[] = [];
      const server = await startServer(
        { host: "127.0.0.1", port: 0, hostNames: [], folder: scratch.path },
        { log: (error) => failures.push(error) },
      );
      const browser = await launch();
      try {
        const stage = new Stage(browser, server);
        for (const [sentence, body] of Object.entries(tests)) {
          await context.step({
            name: sentence,
            // Connections of a browser stay open between steps; all of it has to be gone at the end.
            sanitizeOps: false,
            sanitizeResources: false,
            fn: async () => {
              try {
                await body(stage);
              } finally {
                await stage.closePages();
              }
            },
          });
        }
      } finally {
        await browser.close();
        await server.close();
      }
      assert.deepEqual(failures, []);
    },
  });
}
