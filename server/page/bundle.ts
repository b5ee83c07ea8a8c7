/**
 * The page's files, made once when the server starts: one script of all modules, one style sheet
 * of all parts, the shell, the icon. Nothing comes from another origin.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";
import { sha256 } from "../../machine/digest.ts";
import type { PageBundle, PageFile } from "../deps.ts";
import { ICON_SVG, pageShell } from "./page_shell.ts";

/** Parts of the style sheet in whose order something hangs; the others follow by name. */
const FIRST_STYLES = ["colours.css", "base.css", "layout.css"];

/** What of a bundler is used; replaced in tests. */
export type Bundler = typeof Deno.bundle;

/**
 * Makes the page's files.
 *
 * @throws {UsageError} where they cannot be made: what to do stands in it.
 */
export async function bundlePage(bundler: Bundler | undefined = Deno.bundle): Promise<PageBundle> {
  const script = await bundled(bundler);
  const style = await styleSheet();
  return {
    files: new Map([
      ["/", fileOf(pageShell(), "text/html; charset=utf-8")],
      ["/page.js", fileOf(script, "text/javascript; charset=utf-8")],
      ["/page.css", fileOf(style, "text/css; charset=utf-8")],
      ["/icon.svg", fileOf(ICON_SVG, "image/svg+xml")],
    ]),
  };
}

async function bundled(bundler: Bundler | undefined): Promise<string> {
  if (bundler === undefined) {
    throw new UsageError(
      'This Deno has no Deno.bundle, which makes the page: use 2.9.6 and run it with "deno task ' +
        'serve"',
    );
  }
  let reason = "";
  try {
    const { success, errors, outputFiles = [] } = await bundler({
      entrypoints: [new URL("./main.ts", import.meta.url).href],
      platform: "browser",
      format: "esm",
      minify: true,
      write: false,
    });
    const text = outputFiles[0]?.text();
    if (success && text !== undefined && text !== "") return text;
    // Of a source that does not fit together; the text of an error names no path of this host.
    reason = errors[0]?.text ?? "";
  } catch {
    // What is thrown does name paths, and lit-html that cannot be had is the usual case.
  }
  throw new UsageError(
    reason === ""
      ? "The page cannot be bundled: lit-html has to be in Deno's cache once; run " +
        '"deno task serve" with network access'
      : `The page cannot be bundled: ${reason}`,
  );
}

async function styleSheet(): Promise<string> {
  const folder = new URL("./style/", import.meta.url);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".css") && !FIRST_STYLES.includes(name)) names.push(name);
  }
  const parts = await Promise.all(
    [...FIRST_STYLES, ...names.sort()].map((name) => Deno.readTextFile(new URL(name, folder))),
  );
  return parts.join("\n");
}

function fileOf(text: string, mediaType: string): PageFile {
  const body = new TextEncoder().encode(text);
  return { body, mediaType, digest: sha256(body) };
}
