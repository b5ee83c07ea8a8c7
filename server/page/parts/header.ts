/**
 * Top of the page: what is shown, how it ended, and what can be done with it.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { RunSummary } from "../../api/shapes/run.ts";
import type { AppContext } from "../app_context.ts";
import type { PageState } from "../model.ts";
import { icon } from "./icons.ts";

/** What the header does besides changing the state. */
export interface HeaderActions {
  /** Copies the address of this moment. */
  share(): void;
  /** Shows the list of runs. */
  home(): void;
}

/** The header. */
export function headerOf(context: AppContext, actions: HeaderActions): TemplateResult {
  const { state, source } = context;
  const { summary } = state;
  return html`
    <div class="brand">
      <button type="button" class="brand-name" title="All runs" @click=${actions.home}>
        ${icon("jump")}<span>kjump</span></button>
    </div>
    <div class="title" data-part="title">
      ${summary === undefined ? titleOf(context) : runTitle(summary)}
    </div>
    <div class="actions">
      ${source.live ? dialogButton(context, "start", "Start", "Start a run (s)", "plus") : nothing}
      ${source.live
        ? dialogButton(context, "cut", "Cut power", "Cut the power at the chosen event (c)", "bolt")
        : nothing}
      ${source.live
        ? dialogButton(context, "export", "Export", "Save in another form (e)", "save")
        : nothing}
      ${source.live ? besideButton(context) : nothing}
      ${source.live
        ? html`
          <button type="button" class="tool" data-action="share"
            ?disabled=${state.run === undefined} title="Copy the address of this moment"
            @click=${actions.share}>${icon("link")}<span>Share</span></button>
        `
        : nothing}
      <button type="button" class="tool" data-action="keys" aria-label="Keys" title="Keys (?)"
        @click=${() => context.update({ dialog: "keys" })}>${icon("keys")}</button>
    </div>
  `;
}

function titleOf({ trace, state }: AppContext): TemplateResult {
  const { header } = trace;
  if (header === undefined) {
    return html`<h1>${state.run === undefined ? "Hibernation by kexec jump" : "Opening …"}</h1>`;
  }
  return html`<h1>${header.scenario}</h1>${facts(header.profile, header.seed)}`;
}

function facts(profile: string, seed: number): TemplateResult {
  return html`
    <span class="fact" title="Kernel and hardware profile">${profile}</span>
    <span class="fact" title="Seed of all that is random">seed ${seed}</span>
  `;
}

function runTitle(summary: RunSummary): TemplateResult {
  return html`
    <h1 title=${summary.title}>${summary.title || summary.scenario}</h1>
        ${facts(summary.profile, summary.seed)}
        ${verdictOf(summary)}
        ${summary.status === "finished" ? nothing : html`
          <span class=${`status s-${summary.status}`} data-part="run-status">${summary
            .status}</span>
        `}
  `;
}

/** What the rules say of a run, as a mark with words. */
export function verdictOf({ verdict, outcome, trouble }: RunSummary): TemplateResult {
  if (trouble !== undefined) {
    return html`<span class="verdict bad" data-part="verdict" title=${trouble}>✗ ${trouble}</span>`;
  }
  const said = outcome === undefined ? "" : `${outcome} · `;
  if (verdict === undefined || (verdict.ok && verdict.held === 0)) {
    return outcome === undefined
      ? html``
      : html`<span class="verdict" data-part="verdict">${outcome}</span>`;
  }
  return verdict.ok
    ? html`
      <span class="verdict good" data-part="verdict" title="Rules of the reference"
      >✓ ${said}${verdict.held} rules held</span>
    `
    : html`
      <span class="verdict bad" data-part="verdict"
        title=${verdict.violated.map(({ rule, reason }) => `${rule}: ${reason}`).join("\n")}
      >✗ ${said}broken: ${verdict.violated.map(({ rule }) => rule).join(", ")}</span>
    `;
}

function dialogButton(
  context: AppContext,
  dialog: PageState["dialog"],
  name: string,
  title: string,
  picture: Parameters<typeof icon>[0],
): TemplateResult {
  const needsRun = dialog !== "start";
  return html`
    <button type="button" class=${`tool ${dialog}`} data-action=${dialog} title=${title}
      ?disabled=${needsRun && context.state.run === undefined}
      @click=${() => context.update({ dialog })}>${icon(picture)}<span>${name}</span></button>
  `;
}

function besideButton(context: AppContext): TemplateResult {
  const { state } = context;
  const others = state.runs.filter(({ run }) => run !== state.run);
  return html`<label class="tool select" title="Show another run beside this one">
    ${icon("beside")}<span class="sr">Beside</span>
    <select data-action="beside" ?disabled=${state.run === undefined}
      @change=${(event: Event) => {
    const { target } = event;
    if (!(target instanceof HTMLSelectElement)) return;
    context.update({ beside: target.value === "" ? undefined : target.value });
  }}>
      <option value="" ?selected=${state.beside === undefined}>Beside …</option>
      ${
    others.map((run) =>
      html`<option value=${run.run} ?selected=${run.run === state.beside}>
        ${run.title || run.scenario} (${run.run.slice(0, 6)})</option>`
    )
  }
    </select></label>`;
}
