/**
 * Heads of the life lines: they stay in sight, and each is a menu by which its line is moved or
 * hidden. With the keyboard: arrow keys on a head move its line, Delete hides it.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { AppContext } from "../app_context.ts";
import { laneOrder } from "./lanes.ts";
import { stateColour } from "./marks.ts";
import type { Lane } from "./scene.ts";

/** The heads. */
export function headsOf(context: AppContext, lanes: readonly Lane[]): TemplateResult {
  const hidden = laneOrder(context.trace.actors, context.state.lanes)
    .filter((name) => context.state.filter.hiddenActors.has(name));
  return html`
    <div class="gutter-head">${hidden.length === 0
      ? html`<span class="quiet">event</span><span class="quiet">time</span>`
      : html`
        <button type="button" class="chip" title=${`Hidden: ${hidden.join(", ")}`}
          @click=${() => context.filter({ hiddenActors: new Set() })}>show ${hidden.length} hidden
        </button>
      `}</div>
    ${repeat(lanes, (lane) => lane.name, (lane) => headOf(context, lane))}
  `;
}

function headOf(context: AppContext, lane: Lane): TemplateResult {
  const { state } = context.trace.stateAt(lane.actor, context.state.cursor);
  const label = `${lane.name}, ${state === "" ? "not there" : state}. ` +
    "Arrow keys move the line, Delete hides it";
  return html`
    <div class=${`head${state === "" ? " absent" : ""}`} data-actor=${lane.name}>
      <button type="button" class="head-name" draggable="true" aria-label=${label} title=${label}
        @keydown=${(event: KeyboardEvent) => pressed(context, lane, event)}
        @dragstart=${(event: DragEvent) => event.dataTransfer?.setData("text/plain", lane.name)}
        @dragover=${(event: DragEvent) => event.preventDefault()}
        @drop=${(event: DragEvent) => dropped(context, lane, event)}>
        <span class="name">${lane.name}</span>
        <span class="state"><i class=${`dot s${
          stateColour(state)
        }`}></i><span class="state-name">${state || nothing}</span></span>
      </button>
      <button type="button" class="hide" aria-label=${`Hide ${lane.name}`}
        title=${`Hide ${lane.name}`} @click=${() => hide(context, lane.name)}>×</button>
    </div>
  `;
}

function hide(context: AppContext, name: string): void {
  context.filter({ hiddenActors: new Set([...context.state.filter.hiddenActors, name]) });
}

function pressed(context: AppContext, lane: Lane, event: KeyboardEvent): void {
  const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  if (event.key === "Delete" || event.key === "Backspace") hide(context, lane.name);
  else if (step !== 0) move(context, lane.name, step);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Moves a life line by so many places among those that are shown. */
function move(context: AppContext, name: string, step: number): void {
  const { hiddenActors } = context.state.filter;
  const order = laneOrder(context.trace.actors, context.state.lanes);
  const from = order.indexOf(name);
  let to = from + step;
  while (to > 0 && to < order.length - 1 && hiddenActors.has(order[to] ?? "")) to += step;
  if (to < 0 || to >= order.length) return;
  order.splice(from, 1);
  order.splice(to, 0, name);
  context.update({ lanes: order });
}

function dropped(context: AppContext, lane: Lane, event: DragEvent): void {
  event.preventDefault();
  const name = event.dataTransfer?.getData("text/plain") ?? "";
  const order = laneOrder(context.trace.actors, context.state.lanes);
  const from = order.indexOf(name);
  const to = order.indexOf(lane.name);
  if (from < 0 || to < 0) return;
  order.splice(from, 1);
  order.splice(to, 0, name);
  context.update({ lanes: order });
}
