/**
 * The dialogs. One `<dialog>` stays in the page, so that the browser gives the focus back to where
 * it came from when it closes; what is in it follows the state.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { PageState, PartContext } from "../model.ts";
import { cutDialog } from "./cut.ts";
import { exportDialog } from "./export.ts";
import { keysDialog } from "./keys.ts";
import { startDialog } from "./start.ts";

type Dialog = Exclude<PageState["dialog"], "none">;

const DIALOGS: {
  readonly [Name in Dialog]: readonly [title: string, part: (c: PartContext) => TemplateResult];
} = {
  start: ["Start a run", startDialog],
  cut: ["Cut the power here", cutDialog],
  keys: ["Keys", keysDialog],
  export: ["Save or share this run", exportDialog],
};

const ID = "page-dialog";

/** Opens or closes the element as the state wants it, behind the rendering that is going on. */
function settle(wanted: PageState["dialog"]): void {
  queueMicrotask(() => {
    const element = document.getElementById(ID);
    if (!(element instanceof HTMLDialogElement)) return;
    if (wanted === "none" && element.open) element.close();
    if (wanted === "none" || element.open) return;
    element.showModal();
    element.querySelector<HTMLElement>("[data-first]")?.focus();
  });
}

/** The dialog that the state wants; closed where it wants none. */
export function dialogOf(context: PartContext): TemplateResult {
  const { dialog } = context.state;
  settle(dialog);
  const close = () => context.update({ dialog: "none" });
  const onClose = () => {
    if (context.state.dialog !== "none") close();
  };
  // Keys of the page behind the dialog stay asleep; Escape is the browser's.
  const keyed = (event: KeyboardEvent) => event.stopPropagation();
  const clicked = (event: Event) => {
    if (event.target === event.currentTarget) close();
  };
  const shown = dialog === "none" ? undefined : DIALOGS[dialog];
  return html`
    <dialog id=${ID} class="page-dialog" data-dialog=${dialog}
      aria-labelledby="page-dialog-title" @close=${onClose} @keydown=${keyed}
      @click=${clicked}>${shown === undefined ? nothing : html`<div class="dialog-body">
      <header><h2 id="page-dialog-title">${shown[0]}</h2>
        <button type="button" class="close" aria-label="Close" @click=${close}>×</button></header>
      ${shown[1](context)}</div>`}</dialog>
  `;
}
