/**
 * Two runs side by side: what became of each, and their events in rows of two, in which the first
 * difference is marked.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, svg, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { RunSummary } from "../../api/shapes/run.ts";
import type { PartContext, TraceView } from "../model.ts";
import { countText, eventWords } from "../panels/words.ts";
import { VirtualScroll } from "../virtual_scroll.ts";
import { type Comparison, comparisonSentence } from "./first_difference.ts";
import { OtherRun } from "./other_run.ts";
import { lengthText, outcomeSentence } from "./outcome_words.ts";

const ROW_PIXELS = 26;
const LIST_ID = "beside-list";
/** Rows above a row that is brought into sight. */
const ROWS_ABOVE = 5;

/** What is beside, and where its list stands. */
const beside: {
  other: OtherRun | undefined;
  scroll: number;
  view: number;
  /** Cursor and first difference that were brought into sight last. */
  cursor: number;
  first: number;
} = { other: undefined, scroll: 0, view: 600, cursor: -1, first: -1 };
const virtual = new VirtualScroll(ROW_PIXELS);

function otherOf({ source, state }: PartContext, run: string): OtherRun {
  if (beside.other?.run === run && !beside.other.closed) return beside.other;
  beside.other?.close();
  beside.other = new OtherRun(source, run, () => document.getElementById(LIST_ID) !== null);
  Object.assign(beside, { scroll: 0, first: -1, cursor: state.cursor });
  return beside.other;
}

/** Brings a row into sight, behind the rendering that is going on. */
function bring(row: number): void {
  queueMicrotask(() => {
    const list = document.getElementById(LIST_ID);
    if (list !== null) list.scrollTop = virtual.scrollOf(Math.max(0, row - ROWS_ABOVE));
  });
}

/** The list follows the cursor, and goes to the first difference when that is found. */
function follow(context: PartContext, first: number): void {
  const { cursor } = context.state;
  if (first !== beside.first) {
    beside.first = first;
    beside.cursor = cursor;
    if (first >= 0) bring(first);
    return;
  }
  if (cursor === beside.cursor) return;
  beside.cursor = cursor;
  if (cursor < 0) return;
  const top = virtual.topOf(beside.scroll);
  const seen = beside.view / ROW_PIXELS;
  if (cursor < top + 1 || cursor > top + seen - 2) bring(cursor);
}

function runCard(
  name: string,
  summary: RunSummary | undefined,
  part: string,
  action: TemplateResult | typeof nothing,
): TemplateResult {
  if (summary === undefined) {
    return html`
      <section class="card">
        <h3>${name}</h3>
        <p>…</p>
      </section>
    `;
  }
  return html`
    <section class="card" data-part=${part}>
      <h3>${name}
        <span class=${`status s-${summary.status}`}>${summary.status}</span></h3>
      <p class="card-title">${summary.title || summary.scenario} ${action}</p>
      <p class="outcome">${outcomeSentence(summary)}</p>
      <p class="quiet">${lengthText(summary)}</p>
    </section>
  `;
}

function cell(context: PartContext, trace: TraceView, seq: number, go: boolean): TemplateResult {
  if (seq >= trace.count) return html`<span class="none" role="cell">—</span>`;
  const words = eventWords(trace.event(seq));
  return html`<span role="cell">${
    go
      ? html`
        <button type="button" class="cell-go" title=${words} @click=${() => context.go(seq)}
        >${words}</button>
      `
      : html`<span class="words" title=${words}>${words}</span>`
  }</span>`;
}

function row(
  context: PartContext,
  other: OtherRun,
  seq: number,
  first: number,
): TemplateResult {
  const isFirst = seq === first;
  const isPast = first >= 0 && seq > first;
  const names = [
    "pair",
    ...(isFirst ? ["first"] : []),
    ...(isPast ? ["apart"] : []),
    ...(seq === context.state.cursor ? ["cursor"] : []),
  ];
  const mark = isFirst ? "≠" : isPast ? "" : "=";
  return html`
    <div class=${names.join(" ")} role="row" aria-rowindex=${seq + 2}
      data-seq=${seq}><span class="number" role="rowheader">${countText(seq)}<span class="same"
        aria-hidden="true">${mark}</span>${isFirst
          ? html`<span class="sr">first difference</span>`
          : nothing}</span>${cell(context, context.trace, seq, true)}${cell(
            context,
            other.trace,
            seq,
            false,
          )}</div>
  `;
}

function spacer(pixels: number): TemplateResult {
  const high = Math.max(0, Math.round(pixels));
  return html`<svg class="spacer" width="1" height=${high} aria-hidden="true">${svg``}</svg>`;
}

function listOf(context: PartContext, other: OtherRun, first: number): TemplateResult {
  const count = Math.max(context.trace.count, other.trace.count);
  virtual.size(count, beside.view);
  const top = Math.floor(virtual.topOf(beside.scroll));
  const shown = Math.ceil(beside.view / ROW_PIXELS) + 2;
  const from = Math.max(0, Math.min(top, count - 1));
  const to = Math.min(count, from + shown);
  const before = virtual.scaled ? beside.scroll : from * ROW_PIXELS;
  const rows = Array.from({ length: to - from }, (_, index) => from + index);
  const scrolled = (event: Event) => {
    const { currentTarget } = event;
    if (!(currentTarget instanceof HTMLElement)) return;
    beside.scroll = currentTarget.scrollTop;
    beside.view = currentTarget.clientHeight;
    context.refresh();
  };
  return html`
    <div class="pairs" id=${LIST_ID} role="table" tabindex="0" @scroll=${scrolled}
      aria-label="Events of both runs" aria-rowcount=${count + 1}>
        <div class="pair head" role="row" aria-rowindex="1"><span role="columnheader">event</span>
          <span role="columnheader">this run</span><span role="columnheader">beside</span></div>
        ${spacer(before)}
        ${repeat(rows, (seq) => seq, (seq) => row(context, other, seq, first))}
        ${spacer(virtual.boxPixels - before - (to - from) * ROW_PIXELS)}</div>
  `;
}

function buttons(context: PartContext, { first }: Comparison): TemplateResult {
  const away = () => {
    beside.other?.close();
    beside.other = undefined;
    context.update({ beside: undefined });
  };
  return html`<p class="beside-buttons">
    <button type="button" class="tool" data-action="first-difference" ?disabled=${first < 0}
      @click=${() => {
    bring(first);
    context.go(Math.min(first, context.trace.count - 1));
  }}>Go to the first difference</button>
    <button type="button" class="tool" data-action="close-beside"
      @click=${away}>Close</button></p>`;
}

/** The runs side by side. */
export function besideOf(context: PartContext): TemplateResult {
  const { state } = context;
  if (state.beside === undefined || state.run === undefined) return html``;
  const other = otherOf(context, state.beside);
  const comparison = other.compare(context);
  const ended = other.ended(context);
  follow(context, comparison.first);
  const open = html`
    <button type="button" class="small" data-action="open-beside"
      @click=${() => {
        context.update({ beside: undefined });
        context.open(other.run);
      }}>Open it</button>
  `;
  return html`<div class="beside-pane" data-first=${comparison.first}>
    <h2 class="sr">Two runs side by side</h2>
    <div class="cards">${runCard("This run", state.summary, "outcome-this", nothing)}
      ${runCard("Beside", other.summary, "outcome-beside", open)}</div>
    ${other.problem === "" ? nothing : html`<p class="problem" role="alert">${other.problem}</p>`}
    <p class="comparison" role="status" data-part="comparison">${
    comparisonSentence(comparison, ended, other.shared)
  }</p>
    ${buttons(context, comparison)}
    ${listOf(context, other, comparison.first)}</div>`;
}
