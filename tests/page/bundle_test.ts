import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { UsageError } from "../../machine/errors.ts";
import { bundlePage } from "../../server/page/bundle.ts";

const { files } = await bundlePage();

function textOf(path: string): string {
  const file = files.get(path);
  ok(file !== undefined, path);
  return new TextDecoder().decode(file.body);
}

Deno.test("bundlePage makes the page's four files, each with its type and digest", () => {
  deepEqual([...files.keys()], ["/", "/page.js", "/page.css", "/icon.svg"]);
  for (const { digest, body } of files.values()) {
    match(digest, /^[0-9a-f]{64}$/);
    ok(body.byteLength > 100);
  }
  match(files.get("/page.js")?.mediaType ?? "", /^text\/javascript/);
});

Deno.test("bundlePage makes a script that imports nothing and asks no other origin", () => {
  const script = textOf("/page.js");
  ok(!/\bimport\s*["({*]|\}from"|node:/.test(script), "the page imports at run time");
  const addresses = script.match(/https?:\/\/[^\s"'`]+/g) ?? [];
  deepEqual(addresses.filter((address) => !address.startsWith("http://www.w3.org/")), []);
  ok(script.length < 400_000, String(script.length));
});

Deno.test("bundlePage makes a document with nothing in line and no style in markup", () => {
  const shell = textOf("/");
  ok(!/<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/i.test(shell));
  ok(!/\sstyle="?\$?\{?|\sstyle=/.test(textOf("/page.js").replaceAll(/\.style=/g, "")));
  match(shell, /<html lang="en">/);
});

Deno.test("bundlePage makes a style sheet of all parts, colours first", () => {
  const style = textOf("/page.css");
  ok(style.indexOf("@property") < style.indexOf("html {"));
  match(style, /color-scheme: light dark/);
  match(style, /prefers-reduced-motion/);
  equal(style.includes("url("), false);
});

Deno.test("bundlePage says what to do where the bundler is missing, fails or throws", async () => {
  await rejects(
    bundlePage(() => Promise.reject(new Error("/secret/path"))),
    (error: Error) => error instanceof UsageError && !error.message.includes("secret"),
  );
  await rejects(
    bundlePage(() => Promise.resolve({ success: false, errors: [], warnings: [] })),
    /network access/,
  );
  const text = 'No matching export in "state.ts" for import "Store"';
  await rejects(
    bundlePage(() => Promise.resolve({ success: false, errors: [{ text }], warnings: [] })),
    (error: Error) => error instanceof UsageError && error.message.includes(text),
  );
});
