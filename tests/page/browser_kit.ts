/**
 * A real browser for tests of the page: Debian's Chromium through playwright-core. Every page it
 * gives out is watched: an error on its console, an uncaught error or a request to another origin
 * fails the test.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function findBrowser(): string | undefined {
  return PLACES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** The browser's program, if this machine has one. */
export const BROWSER: string | undefined = findBrowser();

if (BROWSER === undefined) {
  // deno-lint-ignore no-console
  console.log("no Chromium: the tests of the page in a browser are ignored");
}

/** Starts it. */
export async function launch(): Promise<Browser> {
  // The package asks at its import whether it runs under Windows, in a way that only a process
  // with all permissions may; this variable makes it not ask.
  Deno.env.set("__IS_WSL_TEST__", "1");
  const { chromium } = await import("npm:playwright-core@1.65.1");
  ok(BROWSER !== undefined);
  return await chromium.launch({
    executablePath: BROWSER,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

/** What a watched page did that it may not. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on its console, uncaught ones, requests elsewhere. */
  readonly faults: readonly string[];
}

/** How a page is opened. */
export interface Opening {
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** Console errors that the test brings about itself. */
  readonly expected?: RegExp;
}

/** Opens an empty page that is watched. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  opening: Opening = {},
): Promise<Watched> {
  const { scheme = "light", width = 1280, height = 800, expected } = opening;
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const faults: string[] = [];
  const fault = (text: string): void => {
    if (expected?.test(text) !== true) faults.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") fault(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    const isOwn = url.startsWith(origin) || /^(?:data|blob|about):/.test(url);
    if (!isOwn) fault(`request elsewhere: ${url}`);
  });
  return { page, context, faults };
}

/** A test in the browser; ignored where there is none. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  Deno.test({
    name,
    ignore: BROWSER === undefined,
    fn: async () => {
      const browser = await launch();
      try {
        await fn(browser);
      } finally {
        await browser.close();
      }
    },
  });
}
