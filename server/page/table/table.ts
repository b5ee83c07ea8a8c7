/**
 * The events as a table: the accessible twin of the diagram. Only the rows that are seen exist;
 * how many there are and which they are is said by `aria-rowcount` and `aria-rowindex`.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, render, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { AppContext } from "../app_context.ts";
import { familyOf } from "../family.ts";
import { inputWords, isInput } from "../input_words.ts";
import { RowScroller } from "../row_scroller.ts";
import { grouped, seconds, summaryLine } from "../values.ts";

const ROW_PIXELS = 24;
const HEAD_PIXELS = 28;
const SUMMARY_CHARACTERS = 160;
/** Moves of the keys in rows. */
const KEYS: ReadonlyMap<string, number> = new Map([
  ["ArrowDown", 1],
  ["ArrowUp", -1],
  ["PageDown", 8],
  ["PageUp", -8],
]);

/** See the module's header. */
export class EventTable {
  readonly element: HTMLElement;
  readonly #scroller: RowScroller;
  readonly #changed: () => void;
  #context: AppContext | undefined;
  #height = 200;
  #cursor = -1;
  #run: string | undefined;
  #focusing = false;

  /** @param changed asks to be drawn again. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.element = document.createElement("div");
    this.element.className = "table";
    this.element.dataset["part"] = "table";
    this.#scroller = new RowScroller(this.element, ROW_PIXELS, changed);
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
    new ResizeObserver(() => {
      this.#height = this.element.clientHeight;
      this.#changed();
    }).observe(this.element);
  }

  /** Draws what is to be seen now; that is always something to do. */
  draw(context: AppContext): true {
    this.#context = context;
    const { rows, state } = context;
    const view = Math.max(ROW_PIXELS, this.#height - HEAD_PIXELS);
    this.#scroller.size(rows.shown, view);
    if (this.#run !== state.run) {
      this.#run = state.run;
      this.#cursor = -1;
      this.#scroller.rewind();
    }
    if (this.#cursor !== state.cursor && state.cursor < context.trace.count) {
      this.#cursor = state.cursor;
      this.#scroller.reveal(Math.max(0, rows.indexOf(state.cursor)));
    }
    this.#scroller.stay();
    const first = Math.floor(this.#scroller.top);
    const last = Math.min(rows.shown, Math.ceil(this.#scroller.top + view / ROW_PIXELS));
    const seqs: number[] = [];
    for (let index = first; index < last; index++) seqs.push(rows.shownAt(index));
    const here = rows.indexOf(state.cursor);
    render(tableOf(context, seqs, first, here), this.element);
    this.#place(view);
    return true;
  }

  #place(view: number): void {
    const table = this.element.querySelector("table");
    const box = this.element.querySelector<HTMLElement>(".table-rest");
    if (table === null || box === null) return;
    table.style.height = `${view + HEAD_PIXELS}px`;
    const body = table.tBodies[0];
    if (body !== undefined) {
      body.style.transform = `translateY(${-(this.#scroller.top % 1) * ROW_PIXELS}px)`;
    }
    this.#scroller.place(box);
    if (!this.#focusing) return;
    this.#focusing = false;
    this.element.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus({ preventScroll: true });
  }

  #pressed(event: KeyboardEvent): void {
    const context = this.#context;
    if (context === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, state } = context;
    const here = rows.indexOf(state.cursor);
    const step = KEYS.get(event.key);
    let wanted: number;
    if (step !== undefined) wanted = here + step;
    else if (event.key === "Home") wanted = 0;
    else if (event.key === "End") wanted = rows.shown - 1;
    else return;
    event.preventDefault();
    event.stopPropagation();
    const seq = rows.shownAt(Math.min(rows.shown - 1, Math.max(0, wanted)));
    if (seq < 0) return;
    this.#focusing = true;
    context.go(seq);
  }
}

function tableOf(
  context: AppContext,
  seqs: readonly number[],
  first: number,
  here: number,
): TemplateResult {
  const tabbed = here >= first && here < first + seqs.length ? here : first;
  return html`
    <table role="table" aria-label="Events" aria-rowcount=${context.rows.shown + 1}>
      <thead role="rowgroup">
        <tr role="row" aria-rowindex="1">
          <th role="columnheader" scope="col" class="number">#</th>
          <th role="columnheader" scope="col" class="number">time / s</th>
          <th role="columnheader" scope="col">kind</th>
          <th role="columnheader" scope="col">actor</th>
          <th role="columnheader" scope="col">with</th>
          <th role="columnheader" scope="col">type</th>
          <th role="columnheader" scope="col" class="wide">what</th>
        </tr>
      </thead>
      <tbody role="rowgroup">${repeat(
        seqs,
        (seq) => seq,
        (seq, at) => rowOf(context, seq, first + at, tabbed),
      )}</tbody>
    </table>
    <div class="table-rest"></div>
  `;
}

function rowOf(context: AppContext, seq: number, index: number, tabbed: number): TemplateResult {
  const event = context.trace.event(seq);
  const isHere = seq === context.state.cursor;
  const isPerson = isInput(event);
  const classes = ["event", `k-${isPerson ? "input" : event.kind}`];
  if (isHere) classes.push("cursor");
  if (context.past.has(seq)) classes.push("past");
  if (context.future.has(seq)) classes.push("future");
  if (context.violations.includes(seq)) classes.push("broken");
  if (context.hits.includes(seq)) classes.push("hit");
  const partner = event.kind === "send"
    ? `→ ${event.target ?? ""}`
    : event.source === undefined
    ? ""
    : `← ${event.source}`;
  const { colour, letter } = familyOf(event.type ?? "");
  const what = isPerson
    ? inputWords(event)
    : event.state ?? summaryLine(event.summary, SUMMARY_CHARACTERS);
  return html`
    <tr role="row" class=${classes.join(" ")} aria-rowindex=${index + 2} data-seq=${seq}
      tabindex=${index === tabbed ? 0 : -1} aria-current=${isHere ? "true" : nothing}
      @click=${() => context.go(seq)}>
      <td role="cell" class="number">${grouped(seq)}</td>
      <td role="cell" class="number">${seconds(event.vt)}</td>
      <td role="cell">${event.kind}</td>
      <td role="cell">${event.actor}</td>
      <td role="cell">${partner}</td>
      <td role="cell">${colour < 0
        ? nothing
        : html`<i class=${`badge f${colour}`} aria-hidden="true">${letter}</i>`}${(event.type ?? "")
        .replace("fact.", "")}</td>
      <td role="cell" class="wide">${what}</td>
    </tr>
  `;
}
