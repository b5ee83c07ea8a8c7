/**
 * All runs, latest first: what is seen before one is chosen.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { RunSummary } from "../../api/shapes/run.ts";
import type { AppContext } from "../app_context.ts";
import { grouped, span } from "../values.ts";
import { verdictOf } from "./header.ts";
import { icon } from "./icons.ts";

/** The list. */
export function runsOf(context: AppContext): TemplateResult {
  const { runs } = context.state;
  return html`
    <section class="welcome" aria-labelledby="welcome">
      <h2 id="welcome">Watch a machine hibernate</h2>
      <p>A machine of actors boots a kernel, jumps into a second one that saves the first, and
        comes back out of the image: message by message, with its memory and its disk beside it.
        Stop it anywhere, pull the plug anywhere.</p>
      <p><button type="button" class="primary" data-action="start"
        @click=${() => context.update({ dialog: "start" })}>${icon("plus")} Start a run</button></p>
    </section>
    <section aria-labelledby="all-runs">
      <h2 id="all-runs">Runs <span class="quiet">${runs.length}</span></h2>
      ${runs.length === 0
        ? html`<p class="quiet">None yet.</p>`
        : html`<ul class="run-list">${
          repeat(runs, ({ run }) => run, (run) => runOf(context, run))
        }</ul>`}
    </section>
  `;
}

function runOf(context: AppContext, run: RunSummary): TemplateResult {
  return html`<li><button type="button" class="run" data-run=${run.run}
    @click=${() => context.open(run.run)}>
      <span class="run-title">${run.title || run.scenario}</span>
      <span class=${`status s-${run.status}`}>${run.status}</span>
      <span class="quiet">${run.profile} · seed ${run.seed} · ${grouped(run.events)} events ·
        ${span(run.vt)}${
    run.parent === undefined ? nothing : html`
      · forked at
            ${grouped(run.parent.seq)}
    `
  }</span>
      ${verdictOf(run)}
    </button></li>`;
}
