/**
 * The whole run in one strip: its phases by name, how many messages of which kind, faults and
 * broken rules as marks, the cursor and what the diagram shows. A click goes there; dragging
 * chooses a range.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, render } from "lit-html";
import type { AppContext } from "../app_context.ts";
import { FAMILY_COLOURS } from "../family.ts";
import type { PhaseBand } from "../model.ts";
import { grouped, span } from "../values.ts";
import { BIN_COLOURS, BIN_PIXELS, type Bins, binsOf, Scale } from "./bins.ts";

const STRIP_PIXELS = 52;
/** Dragging less than that is a click. */
const DRAG_PIXELS = 4;
/** Bands narrower than that have no button: a list beside them has all. */
const BUTTON_PIXELS = 24;
/** Bands narrower than that are not drawn. */
const BAND_PIXELS = 2;

/** See the module's header. */
export class Overview {
  readonly element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #changed: () => void;
  #context: AppContext | undefined;
  #width = 0;
  #seen = { from: -1, to: -1 };
  #bins: { readonly key: string; readonly bins: Bins } | undefined;
  #drag: { readonly from: number; to: number } | undefined;
  #known: StripColours | undefined;

  /** @param changed asks to be drawn again. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.element = document.createElement("section");
    this.element.className = "overview";
    this.element.setAttribute("aria-label", "The whole run");
    this.element.dataset["part"] = "overview";
    this.#canvas = document.createElement("canvas");
    this.#canvas.className = "strip";
    this.#canvas.setAttribute("role", "img");
    const strip = this.#canvas;
    strip.addEventListener("pointerdown", (event) => this.#down(event));
    strip.addEventListener("pointermove", (event) => this.#move(event));
    strip.addEventListener("pointerup", () => this.#up());
    strip.addEventListener("pointercancel", () => this.#drag = undefined);
    new ResizeObserver(() => {
      this.#width = this.element.clientWidth;
      changed();
    }).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#known = undefined;
      changed();
    });
  }

  /** Draws what is there now. */
  draw(context: AppContext, seen: { readonly from: number; readonly to: number }): void {
    this.#context = context;
    this.#seen = seen;
    const scale = new Scale(context.trace, this.#width, context.byTime);
    const wide = context.phases.filter((band) =>
      scale.x(band.to + 1) - scale.x(band.from) >= BAND_PIXELS
    );
    render(
      html`
        <div class="bands" data-part="phases">${wide.map((band) => bandOf(context, band))}</div>
        ${this.#canvas}
      `,
      this.element,
    );
    if (this.#width === 0) return;
    this.#place(wide, scale);
    this.#paint(context, scale);
  }

  #place(phases: readonly PhaseBand[], scale: Scale): void {
    const bands = this.element.querySelectorAll<HTMLElement>(".band");
    phases.forEach((band, index) => {
      const element = bands[index];
      if (element === undefined) return;
      const from = scale.x(band.from);
      const width = Math.max(1, scale.x(band.to + 1) - from);
      element.style.left = `${from}px`;
      element.style.width = `${width}px`;
      const isSmall = width < BUTTON_PIXELS;
      element.classList.toggle("small", isSmall);
      element.tabIndex = isSmall ? -1 : 0;
    });
  }

  #paint(context: AppContext, scale: Scale): void {
    const ratio = devicePixelRatio;
    const { width } = scale;
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(STRIP_PIXELS * ratio);
    }
    const paint = canvas.getContext("2d");
    if (paint === null) return;
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, STRIP_PIXELS);
    this.#bars(paint, this.#binned(context, scale), context.byTime);
    this.#marks(paint, context, scale);
    const { count } = context.trace;
    canvas.setAttribute(
      "aria-label",
      `Overview of ${count} events: ${context.trace.faults.length} faults, ` +
        `${context.violations.length} broken rules`,
    );
  }

  /** Bins are counted anew only when they would differ. */
  #binned({ trace, byTime, state }: AppContext, scale: Scale): Bins {
    const key = `${state.run} ${trace.count} ${scale.width} ${byTime}`;
    if (this.#bins?.key !== key) this.#bins = { key, bins: binsOf(trace, scale) };
    return this.#bins.bins;
  }

  #bars(paint: CanvasRenderingContext2D, bins: Bins, byTime: boolean): void {
    const { count, counts, most } = bins;
    const { bins: colours } = this.#colours();
    const height = STRIP_PIXELS - 10;
    const largest = Math.log1p(most);
    for (let bin = 0; bin < count; bin++) {
      let sum = 0;
      for (let colour = 0; colour < BIN_COLOURS; colour++) {
        sum += counts[bin * BIN_COLOURS + colour] ?? 0;
      }
      if (sum === 0) continue;
      // By events all bins hold as many; only what they are differs.
      const unit = height * (byTime ? Math.log1p(sum) / largest : 1) / sum;
      let y = STRIP_PIXELS - 4;
      for (let colour = 0; colour < BIN_COLOURS; colour++) {
        const part = (counts[bin * BIN_COLOURS + colour] ?? 0) * unit;
        if (part === 0) continue;
        paint.fillStyle = colours[colour] ?? "gray";
        paint.fillRect(bin * BIN_PIXELS, y - part, BIN_PIXELS, part);
        y -= part;
      }
    }
  }

  #marks(paint: CanvasRenderingContext2D, context: AppContext, scale: Scale): void {
    const { text, bad, fault, range, seen } = this.#colours();
    const { state } = context;
    const chosen = this.#drag ?? rangeOf(state.range, scale);
    if (chosen !== undefined) {
      paint.fillStyle = range;
      const from = Math.min(chosen.from, chosen.to);
      paint.fillRect(from, 0, Math.max(2, Math.abs(chosen.to - chosen.from)), STRIP_PIXELS);
    }
    paint.strokeStyle = seen;
    paint.lineWidth = 1.5;
    if (this.#seen.from >= 0) {
      const from = scale.x(this.#seen.from);
      paint.strokeRect(from, 2, Math.max(3, scale.x(this.#seen.to) - from), STRIP_PIXELS - 4);
    }
    paint.fillStyle = fault;
    for (const seq of context.trace.faults) {
      const x = scale.x(seq);
      paint.fillRect(x - 0.75, 0, 1.5, STRIP_PIXELS);
      paint.fillRect(x - 4, 0, 8, 3);
    }
    paint.fillStyle = bad;
    for (const seq of context.violations) triangle(paint, scale.x(seq));
    if (state.cursor >= 0) {
      paint.fillStyle = text;
      paint.fillRect(scale.x(state.cursor) - 0.75, 0, 1.5, STRIP_PIXELS);
    }
  }

  /** Asked once: asking has the browser work out all styles. */
  #colours(): StripColours {
    return this.#known ??= coloursOf(this.element);
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { from: event.offsetX, to: event.offsetX };
  }

  #move(event: PointerEvent): void {
    if (this.#drag === undefined) return;
    this.#drag.to = event.offsetX;
    this.#changed();
  }

  #up(): void {
    const drag = this.#drag;
    const context = this.#context;
    this.#drag = undefined;
    if (drag === undefined || context === undefined || context.trace.count === 0) return;
    const scale = new Scale(context.trace, this.#width, context.byTime);
    const from = scale.seq(Math.min(drag.from, drag.to));
    const to = scale.seq(Math.max(drag.from, drag.to));
    if (Math.abs(drag.to - drag.from) < DRAG_PIXELS) return context.go(from);
    context.update({ range: { from, to } });
    context.go(from);
  }
}

function bandOf(context: AppContext, band: PhaseBand): unknown {
  const { cursor } = context.state;
  const isHere = cursor >= band.from && cursor <= band.to;
  const title = `${band.name}: ${grouped(band.to - band.from + 1)} events, ` +
    span(band.vtTo - band.vtFrom);
  return html`
    <button type="button" class=${`band${isHere ? " here" : ""}`} title=${title}
      aria-current=${isHere ? "step" : nothing} @click=${() => context.go(band.from)}
    >${band.name}</button>
  `;
}

function rangeOf(range: AppContext["state"]["range"], scale: Scale) {
  return range === undefined ? undefined : { from: scale.x(range.from), to: scale.x(range.to) };
}

function triangle(paint: CanvasRenderingContext2D, x: number): void {
  paint.beginPath();
  paint.moveTo(x - 4.5, 0);
  paint.lineTo(x + 4.5, 0);
  paint.lineTo(x, 8);
  paint.fill();
}

/** The style sheet's colours as the canvas wants them. */
interface StripColours {
  readonly bins: readonly string[];
  readonly text: string;
  readonly bad: string;
  readonly fault: string;
  readonly range: string;
  readonly seen: string;
}

function coloursOf(element: HTMLElement): StripColours {
  const style = getComputedStyle(element);
  const bins: string[] = [];
  for (let colour = 0; colour < FAMILY_COLOURS; colour++) {
    bins.push(style.getPropertyValue(`--f${colour}`));
  }
  bins.push(style.getPropertyValue("--fact"));
  return {
    bins,
    text: style.color,
    bad: style.getPropertyValue("--bad"),
    fault: style.getPropertyValue("--fault"),
    range: style.getPropertyValue("--range"),
    seen: style.getPropertyValue("--seen"),
  };
}
