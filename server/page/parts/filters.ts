/**
 * What is shown and what is looked for.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { EVENT_KINDS, type EventKind } from "../../../machine/trace/event.ts";
import type { AppContext } from "../app_context.ts";
import { grouped } from "../values.ts";
import { icon } from "./icons.ts";

/** Kinds that are shown or hidden together. */
const GROUPS: readonly (readonly [name: string, kinds: readonly EventKind[], title: string])[] = [
  ["messages", ["send", "deliver", "defer", "ignore", "drop"], "Messages between actors"],
  ["facts", ["note"], "What kernels and devices did that is no message"],
  ["states", ["state", "start", "end"], "Actors come, change their state, go"],
  ["faults", ["fault", "signal", "timer"], "Faults, what they did, timers"],
];

/** The row of filters. */
export function filtersOf(context: AppContext): TemplateResult {
  const { state } = context;
  return html`
    <div class="kinds" role="group"
      aria-label="Kinds of events">${GROUPS.map(([name, kinds, title]) => {
        const on = kinds.some((kind) => state.filter.kinds?.has(kind) ?? true);
        return html`
          <button type="button" class="chip" aria-pressed=${on} title=${title}
            data-filter=${name} @click=${() => toggle(context, kinds, on)}>${name}</button>
        `;
      })}<button type="button" class="chip" data-filter="collapse" aria-pressed=${context.collapsed}
      title="Steps of one actor, one behind the other, share a row"
      @click=${() => context.collapse(!context.collapsed)}>fold steps</button>
      <button type="button" class="chip" data-filter="time" aria-pressed=${context.byTime}
      title="The overview runs in virtual time, not in events"
      @click=${() => context.scaleByTime(!context.byTime)}>by time</button></div>
    ${rangeChip(context)}
    <label class="field"><span class="sr">Type of message</span>
      <input data-filter="type" placeholder="type, as disk.write" .value=${state.filter.type}
        autocomplete="off" spellcheck="false" list="types"
        @input=${(event: Event) => context.filter({ type: valueOf(event) })} />
      <datalist id="types">${context.trace.types.slice(0, 200).map((type) =>
        html`<option value=${type}></option>`
      )}</datalist></label>
    ${searchOf(context)}
  `;
}

function toggle(context: AppContext, kinds: readonly EventKind[], on: boolean): void {
  const wanted = new Set(context.state.filter.kinds ?? EVENT_KINDS);
  for (const kind of kinds) {
    if (on) wanted.delete(kind);
    else wanted.add(kind);
  }
  context.filter({ kinds: wanted.size === EVENT_KINDS.length ? undefined : wanted });
}

function rangeChip(context: AppContext): TemplateResult | typeof nothing {
  const { range } = context.state;
  if (range === undefined) return nothing;
  return html`
    <button type="button" class="chip on" data-filter="range"
      title="Show the whole run again" @click=${() => context.update({ range: undefined })}
    >events ${grouped(range.from)} – ${grouped(range.to)} ×</button>
  `;
}

function searchOf(context: AppContext): TemplateResult {
  const { filter, cursor } = context.state;
  const { hits } = context;
  const at = hits.findLastIndex((seq) => seq <= cursor) + 1;
  return html`<form class="field search" role="search" @submit=${(event: Event) => {
    event.preventDefault();
    context.walk("hit");
  }}>
    ${icon("search")}
    <label><span class="sr">Search</span><input type="search" data-filter="query"
      placeholder="search  /" .value=${filter.query} autocomplete="off" spellcheck="false"
      @input=${(event: Event) => context.search(valueOf(event))} /></label>
    ${
    filter.query === "" ? nothing : html`
      <span class="hits" data-part="hits"
      >${hits.length === 0 ? "none" : `${at}/${grouped(hits.length)}`}</span>
      <button type="button" class="small" aria-label="Hit before" title="Hit before (N)"
        ?disabled=${hits.length === 0} @click=${() => context.walk("hit_back")}>‹</button>
      <button type="submit" class="small" aria-label="Next hit" title="Next hit (n)"
        ?disabled=${hits.length === 0}>›</button>
    `
  }</form>`;
}

function valueOf(event: Event): string {
  return event.target instanceof HTMLInputElement ? event.target.value.trim() : "";
}
