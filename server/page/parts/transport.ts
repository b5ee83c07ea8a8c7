/**
 * Moving through the run: first, back, play, step, last; next fault, next broken rule; following.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { AppContext, Way } from "../app_context.ts";
import { hasEnded } from "../follow_run.ts";
import type { PhaseBand } from "../model.ts";
import { grouped, seconds } from "../values.ts";
import { icon } from "./icons.ts";

/** Entries of the list of phases. */
const PHASES_MAX = 200;
const SPEEDS = [5, 20, 100, 500, 2000];

/** The buttons and where the cursor stands. */
export function transportOf(context: AppContext): TemplateResult {
  const { state, trace } = context;
  const none = trace.count === 0;
  const isEnded = state.summary === undefined || hasEnded(state.summary);
  return html`
    <div class="buttons" role="group" aria-label="Move through the run">
      ${button(context, "first", "First event (Home)", "first", none)}
      ${button(context, "back", "Step back (k)", "back", none)}
      <button type="button" class="round" data-action="play" ?disabled=${none}
        aria-label=${state.playing ? "Pause" : "Play"} aria-pressed=${state.playing}
        title=${state.playing ? "Pause (space)" : "Play (space)"}
        @click=${() => context.update({ playing: !state.playing, following: false })}
        >${icon(state.playing ? "pause" : "play")}</button>
      ${button(context, "next", "Step (j)", "next", none)}
      ${button(context, "last", "Last event (End)", "last", none)}
    </div>
    <div class="buttons" role="group" aria-label="Jump">
      <button type="button" class="tool" data-action="fault" title="Next fault (f)"
        ?disabled=${trace.faults.length === 0} @click=${() => context.walk("fault")}
      >${icon("bolt")}<span>Fault</span></button>
      <button type="button" class="tool" data-action="violation" title="Next broken rule (v)"
        ?disabled=${context.violations.length === 0} @click=${() => context.walk("violation")}
      >${icon("flag")}<span>Violation</span></button>
      <button type="button" class="tool" data-action="follow" aria-pressed=${state.following}
        title="Stay at the end while the run goes on" ?hidden=${isEnded}
        @click=${() => context.update({ following: !state.following, playing: false })}
      >${icon("follow")}<span>Follow</span></button>
      <label class="speed" title="Events a second while playing"><span class="sr">Speed</span>
        <select data-action="speed" @change=${(event: Event) => speed(context, event)}>
          ${SPEEDS.map((value) =>
            html`<option value=${value} ?selected=${value === state.speed}>${value}/s</option>`
          )}
        </select></label>
    </div>
    <div class="position" title="Number of the event (g)">
      <input data-action="seq" aria-label="Event number" inputmode="numeric" autocomplete="off"
        spellcheck="false" .value=${state.cursor < 0 ? "" : String(state.cursor)}
        ?disabled=${none} @change=${(event: Event) => goTo(context, event)} />
      <span class="of">of ${grouped(trace.count)}</span>
      <span class="clock">${state.cursor < 0
        ? nothing
        : `${seconds(trace.vt(state.cursor))} s`}</span>
    </div>
    ${phaseList(context)}
  `;
}

function button(
  context: AppContext,
  way: Way & Parameters<typeof icon>[0],
  title: string,
  picture: Parameters<typeof icon>[0],
  disabled: boolean,
): TemplateResult {
  return html`
    <button type="button" class="round" data-action=${way} aria-label=${title}
      title=${title} ?disabled=${disabled} @click=${() => context.walk(way)}>${icon(
        picture,
      )}</button>
  `;
}

function speed(context: AppContext, event: Event): void {
  if (event.target instanceof HTMLSelectElement) {
    context.update({ speed: Number(event.target.value) });
  }
}

function goTo(context: AppContext, event: Event): void {
  if (!(event.target instanceof HTMLInputElement)) return;
  const seq = Number(event.target.value.replace(/\s/g, ""));
  if (Number.isInteger(seq)) context.go(seq);
}

function phaseList(context: AppContext): TemplateResult {
  const { cursor } = context.state;
  return html`<label class="phase-list" title="Go to a phase"><span class="sr">Phase</span>
    <select data-action="phase" ?disabled=${context.phases.length === 0}
      @change=${(event: Event) => {
    if (event.target instanceof HTMLSelectElement) context.go(Number(event.target.value));
  }}>
      ${cursor < 0 || context.phases.length === 0 ? html`<option>phase …</option>` : nothing}
      ${
    phasesAround(context).map((band) =>
      html`
        <option value=${band.from} ?selected=${cursor >= band.from && cursor <= band.to}
        >${band.name}</option>
      `
    )
  }
    </select></label>`;
}

/** Phases of the list: all, or, of very many, those round the cursor. */
function phasesAround({ phases, state }: AppContext): readonly PhaseBand[] {
  if (phases.length <= PHASES_MAX) return phases;
  const here = phases.findLastIndex((band) => band.from <= state.cursor);
  const first = Math.max(0, Math.min(here - PHASES_MAX / 2, phases.length - PHASES_MAX));
  return phases.slice(first, first + PHASES_MAX);
}
