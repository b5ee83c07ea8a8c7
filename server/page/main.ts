/**
 * Entry of the page. The data come from the server that gave the page, or, where it was saved as
 * one file, from the page itself.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { App } from "./app.ts";
import { HttpSource } from "./http_source.ts";
import { listenToKeys } from "./keys.ts";
import type { DataSource, PageState } from "./model.ts";
import { savedParts, SavedSource } from "./saved_source.ts";
import { Screen } from "./screen.ts";

declare global {
  /** What tests see of the page. */
  var kjump: {
    state(): PageState;
    /** Events that have come in. */
    count(): number;
    /** Events that were there when the page was drawn last. */
    painted(): number;
    /** An event's line as it came in. */
    line(seq: number): string;
    /** Frames while the run came in: the longest in ms. */
    frames(): { readonly longest: number; readonly frames: number };
  };
}

function sourceOf(): DataSource {
  const saved = savedParts(document);
  return saved === undefined ? new HttpSource() : new SavedSource(saved);
}

async function copyAddress(app: App): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    app.store.update({ problem: "The address of this moment is in the clipboard." });
  } catch {
    app.store.update({ problem: `The address of this moment: ${location.href}` });
  }
}

function begin(root: HTMLElement): void {
  const source = sourceOf();
  const actions = { share: () => void copyAddress(app), home: () => app.home() };
  const app: App = new App(source, (changed) => new Screen(root, actions, changed));
  listenToKeys(app);
  globalThis.kjump = {
    state: () => app.store.state,
    count: () => app.count,
    painted: () => app.painted,
    line: (seq) => app.line(seq),
    frames: () => app.frames.measured,
  };
  // Making it took its part of this frame.
  requestAnimationFrame(() => app.begin().catch((error: unknown) => app.trouble(error)));
}

const root = document.getElementById("page");
// Reading the script took its part of this frame.
if (root !== null) setTimeout(() => begin(root));
