/**
 * How rows and arrows are drawn.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { nothing, svg, type SVGTemplateResult } from "lit-html";
import type { AppContext } from "../app_context.ts";
import type { Family } from "../family.ts";
import { GUTTER_PIXELS } from "./lanes.ts";
import { ROW_PIXELS, type SceneArrow, type SceneRow } from "./scene.ts";

const STATE_COLOURS = 6;
/** States that say that an actor does nothing. */
const CALM: ReadonlySet<string> = new Set(["ready", "idle", "attending", "ended", "off", "asleep"]);

/** Colour of a state: 0 for one of rest, else one of a few by its name. */
export function stateColour(state: string): number {
  if (CALM.has(state)) return 0;
  let sum = 7;
  for (const letter of state) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return 1 + sum % (STATE_COLOURS - 1);
}

function colourOf(family: Family): string {
  return family.colour < 0 ? "fact" : `f${family.colour}`;
}

/** An arrow from the row of a send to the row of what became of it. */
export function arrowMark(context: AppContext, arrow: SceneArrow): SVGTemplateResult {
  const { x1, y1, y2, family, lost, open } = arrow;
  const isRight = arrow.x2 > x1;
  const isSelf = arrow.x2 === x1;
  const x2 = arrow.x2 + (isSelf ? 0 : isRight ? -5 : 5);
  const chosen = context.trace.msg(context.state.cursor) === arrow.msg ? " chosen" : "";
  const classes = `arrow ${colourOf(family)}${chosen}${open ? " open" : ""}`;
  const path = isSelf
    ? `M${x1} ${y1} C${x1 + 34} ${y1} ${x1 + 34} ${y2} ${x1 + 5} ${y2}`
    : `M${x1} ${y1}L${x2} ${y2}`;
  return svg`
    <path class=${classes} d=${path} stroke-dasharray=${family.dash || nothing} />
    ${lost ? cross(arrow.x2 + (isRight ? -14 : 14), y2) : open ? nothing : head(arrow, classes)}
  `;
}

function head(arrow: SceneArrow, classes: string): SVGTemplateResult {
  const { x1, x2, y1, y2 } = arrow;
  if (x1 === x2) {
    return svg`<path class=${`${classes} head`} d=${`M${x2 + 4} ${y2}l7 -4v8z`} />`;
  }
  const turn = Math.atan2(y2 - y1, x2 - x1) * 180 / Math.PI;
  const tip = x2 + (x2 > x1 ? -4 : 4);
  return svg`
    <path class=${`${classes} head`} d="M0 0l-8 -3.6v7.2z"
      transform=${`translate(${tip} ${y2}) rotate(${turn})`} />
  `;
}

function cross(x: number, y: number): SVGTemplateResult {
  return svg`<path class="lost" d=${`M${x - 5} ${y - 5}l10 10m0 -10l-10 10`} />`;
}

/** What stands in a row: the mark on its life line and its label. */
export function rowMark(context: AppContext, row: SceneRow, width: number): SVGTemplateResult {
  const broken = context.violations.some((seq) => seq >= row.seq && seq <= row.last);
  const hit = context.hits.length > 0 && isHit(context.hits, row.seq, row.last);
  return svg`<g class=${`row k-${row.input ? "input" : row.kind}${
    hit ? " hit" : ""
  }`} data-seq=${row.seq}>
    ${row.kind === "fault" ? rule(row, width) : nothing}
    ${row.lane === undefined ? nothing : mark(row, row.lane.x)}
    ${
    row.label === "" ? nothing : svg`
      <text class="label" x=${row.labelX} y=${row.y - (row.kind === "send" ? 2 : -4)}
        text-anchor=${row.labelEnd ? "end" : "start"}>${row.label}</text>
    `
  }
    ${broken ? flag(row) : nothing}
  </g>`;
}

/** Hits are many; whether one is in a row is looked up by halving. */
function isHit(hits: readonly number[], from: number, to: number): boolean {
  let low = 0;
  let high = hits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((hits[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return (hits[low] ?? Infinity) <= to;
}

function rule(row: SceneRow, width: number): SVGTemplateResult {
  return svg`<line class="fault-rule" x1=${
    GUTTER_PIXELS - 4
  } x2=${width} y1=${row.y} y2=${row.y} />`;
}

function flag(row: SceneRow): SVGTemplateResult {
  return svg`
    <path class="broken" d=${`M4 ${row.y - 7}h5l4 7l-4 7h-5z`}>
      <title>A rule is broken here</title>
    </path>
  `;
}

/** Head and shoulders. */
function person(x: number, y: number): SVGTemplateResult {
  return svg`
    <circle class="person" cx=${x} cy=${y - 3.5} r="3.2" />
    <path class="person" d=${`M${x - 6} ${y + 7}c0 -8 12 -8 12 0z`} />
  `;
}

function mark(row: SceneRow, x: number): SVGTemplateResult {
  const { y, family, kind, size } = row;
  if (size > 1) {
    return svg`
      <rect class="steps" x=${x - 7} y=${y - 8} width="14" height="16" rx="4" />
      <text class="count" x=${x} y=${y + 3.5}>${size}</text>
    `;
  }
  switch (kind) {
    case "send":
      return svg`
        <circle class=${`send ${colourOf(family)}`} cx=${x} cy=${y} r="6.5" />
        <text class="letter" x=${x} y=${y + 3.2}>${family.letter}</text>
      `;
    case "deliver":
      return svg`<circle class=${`deliver ${colourOf(family)}`} cx=${x} cy=${y} r="3.5" />`;
    case "drop":
    case "ignore":
      return svg`<path class="lost" d=${`M${x - 4} ${y - 4}l8 8m0 -8l-8 8`} />`;
    case "fault":
    case "signal":
      if (row.input) return person(x, y);
      return svg`<path class="bolt" d=${`M${x + 2} ${y - 9}l-7 10h5l-2 8l7 -10h-5z`} />`;
    case "start":
      return svg`<path class="life" d=${`M${x - 6} ${y - ROW_PIXELS / 4}h12l-6 8z`} />`;
    case "end":
      return svg`<path class="life" d=${`M${x - 7} ${y - 1}h14v3h-14z`} />`;
    case "state":
      return svg`<rect class="step" x=${x - 5.5} y=${y - 5.5} width="11" height="11" rx="2" />`;
    default:
      return svg`<path class="step" d=${`M${x} ${y - 6}l6 6l-6 6l-6 -6z`} />`;
  }
}
