/**
 * The keys of the whole page. They are not taken from somebody who types, nor while a dialog is
 * open.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { App } from "./app.ts";
import type { Way } from "./app_context.ts";
import { rangeEndingAt } from "./chosen_range.ts";

const WAYS: ReadonlyMap<string, Way> = new Map([
  ["j", "next"],
  ["k", "back"],
  ["ArrowDown", "next"],
  ["ArrowUp", "back"],
  ["ArrowRight", "next"],
  ["ArrowLeft", "back"],
  ["PageDown", "down"],
  ["PageUp", "up"],
  ["Home", "first"],
  ["End", "last"],
  ["f", "fault"],
  ["v", "violation"],
  ["n", "hit"],
  ["N", "hit_back"],
]);

/** Listens to the keys. */
export function listenToKeys(app: App): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || app.store.state.dialog !== "none") return;
    if (pressed(app, event)) event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches("input, textarea, select, [contenteditable]") ||
    target.closest("dialog[open]") !== null;
}

function pressed(app: App, event: KeyboardEvent): boolean {
  const { store } = app;
  const hasRun = store.state.run !== undefined;
  const { key, target } = event;
  const way = WAYS.get(key);
  if (way !== undefined) {
    if (!hasRun || scrolls(target, key)) return false;
    app.walk(way);
    return true;
  }
  switch (key) {
    case " ":
      if (!hasRun || (target instanceof HTMLElement && target.matches("button, a, summary"))) {
        return false;
      }
      store.update({ playing: !store.state.playing, following: false });
      return true;
    case "[":
      return bound(app, "from", hasRun);
    case "]":
      return bound(app, "to", hasRun);
    case "\\":
      store.update({ range: undefined });
      return true;
    case "/":
      return focus('[data-filter="query"]');
    case "g":
      return focus('[data-action="seq"]');
    case "s":
      return dialog(app, "start", true);
    case "c":
      return dialog(app, "cut", hasRun);
    case "e":
      return dialog(app, "export", hasRun);
    case "?":
      store.update({ dialog: "keys" });
      return true;
    default:
      return false;
  }
}

/** Arrow keys in a panel scroll it, as people expect. */
function scrolls(target: EventTarget | null, key: string): boolean {
  if (key.length === 1) return false;
  return target instanceof Element && target.closest('[role="tabpanel"], .home, .beside') !== null;
}

/** Has the range that is shown begin or end at the cursor. */
function bound(app: App, end: "from" | "to", can: boolean): boolean {
  const { trace, state } = app.context();
  if (!can || trace.count === 0) return false;
  app.store.update({ range: rangeEndingAt(state.range, end, state.cursor, trace.count) });
  return true;
}

function focus(selector: string): boolean {
  const field = document.querySelector<HTMLInputElement>(selector);
  field?.focus();
  field?.select();
  return field !== null;
}

function dialog(app: App, name: "start" | "cut" | "export", can: boolean): boolean {
  if (!can || !app.context().source.live) return false;
  app.store.update({ dialog: name });
  return true;
}
