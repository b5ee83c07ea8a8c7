/**
 * The sequence diagram: time runs down, one row an event, a life line for each actor. Only the rows
 * that are seen exist; the picture stays where it is, and what it shows moves.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, render, svg, type SVGTemplateResult } from "lit-html";
import type { AppContext } from "../app_context.ts";
import { RowScroller } from "../row_scroller.ts";
import { grouped, seconds } from "../values.ts";
import { headsOf } from "./heads.ts";
import { GUTTER_PIXELS, HEAD_PIXELS, lanesOf, lanesWidth } from "./lanes.ts";
import { arrowMark, rowMark, stateColour } from "./marks.ts";
import { type Lane, ROW_PIXELS, type Scene, sceneOf, type SceneRow } from "./scene.ts";

/** See the module's header. */
export class Diagram {
  readonly element: HTMLElement;
  readonly #scroller: RowScroller;
  readonly #changed: () => void;
  #context: AppContext | undefined;
  #shown = { cursor: -1, run: "" };
  #aside = false;
  #isBegun = false;
  #sizes = "";
  #width = 800;
  #height = 400;

  /** @param changed asks to be drawn again. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.element = document.createElement("div");
    this.element.className = "diagram";
    this.element.dataset["part"] = "diagram";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Sequence diagram; the table below has the same");
    this.#scroller = new RowScroller(this.element, ROW_PIXELS, changed);
    this.element.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => {
      this.#width = this.element.clientWidth;
      this.#height = this.element.clientHeight;
      this.#changed();
    }).observe(this.element);
  }

  /** First and last event that are seen. */
  get seen(): { readonly from: number; readonly to: number } {
    const rows = this.#context?.rows;
    if (rows === undefined || rows.count === 0) return { from: -1, to: -1 };
    const last = Math.min(
      rows.count - 1,
      Math.floor(this.#scroller.top + this.#viewHeight / ROW_PIXELS),
    );
    return { from: rows.seqOf(Math.floor(this.#scroller.top)), to: rows.lastOf(last) };
  }

  get #viewHeight(): number {
    return Math.max(ROW_PIXELS, this.#height - HEAD_PIXELS);
  }

  /** Draws life lines and rows, and what stands in them later: the first time that is much. */
  begin(context: AppContext): boolean {
    if (this.#isBegun) return false;
    return this.#draw(context);
  }

  /** Draws what is to be seen now; that is always something to do. */
  draw(context: AppContext): true {
    this.#isBegun = true;
    return this.#draw(context);
  }

  #draw(context: AppContext): true {
    this.#context = context;
    const { rows } = context;
    const lanes = lanesOf(context, this.#width);
    const width = lanesWidth(lanes, this.#width);
    this.#scroller.size(rows.count, this.#viewHeight);
    this.#reveal(context);
    this.#scroller.stay();
    const window = { top: this.#scroller.top, height: this.#viewHeight, width };
    const scene = sceneOf(context.trace, rows, lanes, window);
    render(
      html`
        <div class="diagram-heads" data-part="lanes">${headsOf(context, lanes)}</div>
        <div class="diagram-view">
          <svg role="img" aria-label="Messages between actors, time runs down"
            width=${width} height=${this.#viewHeight}>
            ${this.#picture(context, scene, lanes)}
          </svg>
        </div>
        <div class="diagram-box"></div>
      `,
      this.element,
    );
    this.#place(lanes, width);
    this.#revealLane(context, lanes);
    return true;
  }

  /** Sizes by script: markup may not set styles. */
  #place(lanes: readonly Lane[], width: number): void {
    const lane = lanes[0] === undefined ? 80 : (lanes[0].x - GUTTER_PIXELS) * 2;
    const sizes = `${lane} ${width} ${this.#viewHeight}`;
    if (sizes !== this.#sizes) {
      this.#sizes = sizes;
      const { style } = this.element;
      style.setProperty("--lane", `${lane}px`);
      style.setProperty("--width", `${width}px`);
      style.setProperty("--view", `${this.#viewHeight}px`);
    }
    this.#scroller.place(this.element.querySelector<HTMLElement>(".diagram-box"));
  }

  /** Moves so that a cursor that has moved is seen, once its event is there. */
  #reveal({ rows, state, trace }: AppContext): void {
    const run = state.run ?? "";
    if (this.#shown.run !== run) {
      this.#scroller.rewind();
      this.#shown = { cursor: -1, run };
    }
    if (this.#shown.cursor === state.cursor || state.cursor >= trace.count) return;
    const row = rows.rowOf(state.cursor);
    if (row >= 0) this.#scroller.reveal(row);
    this.#shown = { cursor: state.cursor, run };
    this.#aside = true;
  }

  /** Moves sideways so that the life line of the cursor is seen. */
  #revealLane({ trace, state }: AppContext, lanes: readonly Lane[]): void {
    if (!this.#aside) return;
    this.#aside = false;
    if (lanesWidth(lanes, 0) <= this.#width) return;
    const actor = trace.actor(state.cursor);
    const lane = lanes.find((one) => one.actor === actor);
    if (lane === undefined) return;
    const { element } = this;
    const margin = 80;
    if (lane.x < element.scrollLeft + margin) element.scrollLeft = Math.max(0, lane.x - margin);
    else if (lane.x > element.scrollLeft + this.#width - margin) {
      element.scrollLeft = lane.x - this.#width + margin;
    }
  }

  #clicked(event: MouseEvent): void {
    const { target } = event;
    const row = target instanceof Element ? target.closest("[data-seq]") : null;
    if (row !== null) this.#context?.go(Number(row.getAttribute("data-seq")));
  }

  #picture(context: AppContext, scene: Scene, lanes: readonly Lane[]): SVGTemplateResult {
    const height = this.#viewHeight;
    const marked = this.#isBegun ? scene : { arrows: [], rows: [] };
    return svg`
      <g class="bands">${scene.rows.map((row) => this.#band(context, row))}</g>
      <g class="lanes">${lanes.map((lane) =>
        svg`<line class="lane" x1=${lane.x} x2=${lane.x} y1="0" y2=${height} />`
      )}${scene.bars.map(({ x, y1, y2, state }) =>
        svg`
          <rect class=${`bar s${stateColour(state)}`} x=${x - 4} y=${y1} width="8"
            height=${Math.max(0, y2 - y1)}>
            <title>${state}</title>
          </rect>
        `
      )}</g>
      <g class="arrows">${marked.arrows.map((arrow) => arrowMark(context, arrow))}</g>
      ${marked.rows.map((row) => rowMark(context, row, lanesWidth(lanes, this.#width)))}
    `;
  }

  /** What lies under a row: cursor, past or future, number and time. */
  #band(context: AppContext, row: SceneRow): SVGTemplateResult {
    const { cursor } = context.state;
    const isHere = cursor >= row.seq && cursor <= row.last;
    const cone = isHere
      ? ""
      : isIn(context.past, row)
      ? "past"
      : isIn(context.future, row)
      ? "future"
      : "";
    const y = row.y - ROW_PIXELS / 2;
    return svg`
      <rect class=${isHere ? "band cursor" : "band"} data-seq=${row.seq} x="0" y=${y} width="100%"
        height=${ROW_PIXELS}></rect>
      ${cone === "" ? nothing : svg`
        <rect class=${`cone ${cone}`} x="0" y=${y}
          width=${GUTTER_PIXELS - 4} height=${ROW_PIXELS} />
        <path class="cone-mark" d=${cone === "past"
          ? `M4 ${row.y + 2}l3 -5l3 5z`
          : `M4 ${row.y - 2}l3 5l3 -5z`}>
          <title>${cone === "past" ? "causal past" : "causal future"}</title>
        </path>
      `}
      <text class="seq" x="48" y=${row.y + 4}>${grouped(row.seq)}</text>
      <text class="time" x=${GUTTER_PIXELS - 12} y=${row.y + 4}>${seconds(row.vt)}</text>
    `;
  }
}

function isIn(cone: ReadonlySet<number>, { seq, last }: SceneRow): boolean {
  if (cone.size === 0) return false;
  for (let at = seq; at <= last; at++) if (cone.has(at)) return true;
  return false;
}
