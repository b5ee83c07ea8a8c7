/**
 * The right panel: tabs over what is known of the chosen moment.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, type TemplateResult } from "lit-html";
import type { AppContext } from "../app_context.ts";
import { type Pane, PANES } from "../model.ts";
import { panelOf } from "../panels/panels.ts";

/** The panel with its tabs. */
export function detailOf(context: AppContext): TemplateResult {
  const { pane } = context.state;
  return html`
    <div class="tabs" role="tablist" aria-label="About this moment"
      @keydown=${(event: KeyboardEvent) => pressed(context, event)}>${PANES.map((name) =>
        html`
          <button type="button" role="tab" id=${`tab-${name}`} aria-controls="panel"
            aria-selected=${name === pane} tabindex=${name === pane ? 0 : -1} data-pane=${name}
            @click=${() => context.update({ pane: name })}>${name}</button>
        `
      )}</div>
    <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${pane}`} tabindex="0"
      data-part=${`panel-${pane}`}>${panelOf(pane, context)}</div>
  `;
}

function pressed(context: AppContext, event: KeyboardEvent): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  event.stopPropagation();
  const at = (PANES.indexOf(context.state.pane) + step + PANES.length) % PANES.length;
  const pane: Pane = PANES[at] ?? "event";
  context.update({ pane });
  const list = event.currentTarget;
  queueMicrotask(() => {
    if (!(list instanceof HTMLElement)) return;
    list.querySelector<HTMLElement>(`[data-pane="${pane}"]`)?.focus();
  });
}
