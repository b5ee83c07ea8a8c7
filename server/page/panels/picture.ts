/**
 * A picture that can be read without seeing it: one control over many parts, of which one is
 * chosen. The pointer and the arrow keys choose; what is chosen is read out.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, svg, type TemplateResult } from "lit-html";

/** The cells' width in units of the picture; its height follows. */
export const CELLS_UNITS = 264;

/** What a picture is made of. */
export interface PictureParts {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** SVG content. */
  readonly content: TemplateResult;
  /** Number of parts, and which one is chosen. */
  readonly count: number;
  readonly chosen: number;
  /** What the chosen part is, in words. */
  readonly text: string;
  /** Part at a point in units of the picture; -1 where there is none. */
  at(x: number, y: number): number;
  /** Part above (-1) or below (1) another; the same where there is none. */
  leap(index: number, way: -1 | 1): number;
  choose(index: number): void;
}

const STEPS: ReadonlyMap<string, -1 | 1> = new Map([["ArrowLeft", -1], ["ArrowRight", 1]]);
const LEAPS: ReadonlyMap<string, -1 | 1> = new Map([
  ["ArrowUp", -1],
  ["ArrowDown", 1],
  ["PageUp", -1],
  ["PageDown", 1],
]);

function pressed(parts: PictureParts, event: KeyboardEvent): void {
  const { count, chosen } = parts;
  const step = STEPS.get(event.key);
  const leap = LEAPS.get(event.key);
  const to = event.key === "Home"
    ? 0
    : event.key === "End"
    ? count - 1
    : step !== undefined
    ? chosen + step
    : leap !== undefined
    ? parts.leap(Math.max(0, chosen), leap)
    : undefined;
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  parts.choose(Math.min(count - 1, Math.max(0, to)));
}

function pointed(parts: PictureParts, event: PointerEvent): void {
  const { currentTarget } = event;
  if (!(currentTarget instanceof Element)) return;
  const picture = currentTarget.querySelector("svg");
  if (picture === null) return;
  const box = picture.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return;
  const x = (event.clientX - box.left) / box.width * parts.width;
  const y = (event.clientY - box.top) / box.height * parts.height;
  const index = parts.at(x, y);
  if (index >= 0 && index !== parts.chosen) parts.choose(index);
}

/** The picture. */
export function picture(parts: PictureParts): TemplateResult {
  const { name, width, height, content, count, chosen, text } = parts;
  return html`
    <div class="picture" role="slider" tabindex="0" aria-label=${name}
      aria-valuemin="1" aria-valuemax=${Math.max(1, count)} aria-valuenow=${Math.max(1, chosen + 1)}
      aria-valuetext=${text === "" ? "nothing chosen" : text} title=${text === "" ? nothing : text}
      @keydown=${(event: KeyboardEvent) => pressed(parts, event)}
      @pointermove=${(event: PointerEvent) => pointed(parts, event)}
      @pointerdown=${(event: PointerEvent) => pointed(parts, event)}
    >
      <svg viewBox=${`0 0 ${width} ${height}`} aria-hidden="true" focusable="false"
      >${content}</svg>
    </div>
  `;
}

/** The path of a box. */
export function box(x: number, y: number, width: number, height: number): string {
  return `M${rounded(x)} ${rounded(y)}h${rounded(width)}v${rounded(height)}h${rounded(-width)}z`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Hatches by name: strokes on a square of 6 units, which CSS colours. */
const HATCHES: { readonly [name: string]: string } = {
  user: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
  cache: "M1.500 1.500h.010M4.500 4.500h.010",
  window: "M1.500 0v6M4.500 0v6",
  source: "M0 0L6 6M6 0L0 6",
  image: "M0 1.500h6M0 4.500h6",
  kimage: "M0 3h6M3 0v6",
  reserved: "M-1 -1L7 7M-1 5L1 7M5 -1L7 1",
  firmware: "M1 3h4M3 1v4",
  unknown: "M3 2.990v.010",
  cached: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
  torn: "M1 1L5 5M5 1L1 5",
};

/** The hatches that a picture's paths refer to, under names of this picture's own. */
export function hatches(prefix: string, names: readonly string[]): TemplateResult {
  return svg`<defs>${
    names.filter((name) => HATCHES[name] !== undefined).map((name) =>
      svg`
        <pattern id=${`${prefix}-${name}`} width="6" height="6" patternUnits="userSpaceOnUse">
          <path class=${`hatch hatch-${name}`} d=${HATCHES[name]} />
        </pattern>
      `
    )
  }</defs>`;
}

/** Whether there is a hatch of that name. */
export function hasHatch(name: string): boolean {
  return HATCHES[name] !== undefined;
}
