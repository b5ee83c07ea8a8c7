/**
 * Who owns which page: the machine's memory at the cursor as a picture, in words and as a table.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, svg, type TemplateResult } from "lit-html";
import type { FrameClass, MemoryMap } from "../../api/shapes/machine.ts";
import type { PartContext, TraceView } from "../model.ts";
import { cachesOf } from "./caches.ts";
import { exchangeSentence, lastExchange } from "./exchange.ts";
import {
  AXIS_UNITS,
  framesPath,
  ROW_UNITS,
  runAtPoint,
  runBeyond,
  shapesOf,
} from "./memory_picture.ts";
import {
  changedFrames,
  CLASS_NAMES,
  CLASS_WORDS,
  type FrameTotal,
  memorySentence,
  ownerText,
  runAt,
  runText,
  totalsOf,
} from "./memory_words.ts";
import { hint, momentLine, momentNote, obstacleTo, tableTwin } from "./parts.ts";
import { CELLS_UNITS, hasHatch, hatches, picture } from "./picture.ts";
import { sizeOf, type Span } from "./spans.ts";
import { countText, framesText, hexText, plural, sizeText } from "./words.ts";

const CLASSES = Object.keys(CLASS_WORDS);
/** Addresses stand beside so many rows at most. */
const AXIS_LABELS = 9;
const TABLE_ROWS = 1_000;

/** The frame that was chosen last: it stays chosen from moment to moment. */
const chosen = { pfn: 0 };

/** The class of an owner's colour. */
function ownerClass(owner: string): string {
  if (owner === "") return "owner-none";
  return /^[ABC]$/.test(owner) ? `owner-${owner}` : "owner-other";
}

function frames(owner: string, what: FrameClass, path: string): TemplateResult {
  return svg`<path class=${`frames ${ownerClass(owner)} is-${what}`} d=${path} />${
    hasHatch(what) ? svg`<path d=${path} fill=${`url(#memory-${what})`} />` : nothing
  }`;
}

function axis(map: MemoryMap, inRow: number, rows: number): readonly TemplateResult[] {
  const step = Math.max(1, Math.ceil(rows / AXIS_LABELS));
  const labels: TemplateResult[] = [];
  for (let row = 0; row < rows; row += step) {
    labels.push(svg`
      <text class="axis" x=${AXIS_UNITS - 6} y=${row * ROW_UNITS + 8}
        text-anchor="end">${hexText(row * inRow * map.pageBytes)}</text>
    `);
  }
  return labels;
}

function contentOf(map: MemoryMap, changed: readonly Span[], index: number): TemplateResult {
  const { inRow, rows, shapes, letters } = shapesOf(map);
  const run = map.runs[index];
  return svg`${hatches("memory", CLASSES)}${axis(map, inRow, rows)}
    ${shapes.map(({ owner, class: what, path }) => frames(owner, what, path))}
    ${letters.map(({ x, y, text }) => svg`<text class="letter" x=${x} y=${y}>${text}</text>`)}
    ${
    changed.length === 0 ? nothing : svg`<path class="changed" d=${framesPath(changed, inRow)} />`
  }
    ${
    run === undefined ? nothing : svg`
      <path class="chosen"
        d=${framesPath([{ from: run.pfn, to: run.pfn + run.count }], inRow)} />
    `
  }`;
}

function legend(map: MemoryMap): TemplateResult {
  const sleepers = new Set(
    map.kernels.filter(({ status }) => status === "asleep").map(({ name }) => name),
  );
  const item = ({ owner, class: what, frames: count }: FrameTotal) => {
    const name = owner === ""
      ? nothing
      : html`<strong>${owner}</strong> ${sleepers.has(owner) ? "(asleep) " : nothing}`;
    return html`<li>${swatch(owner, what)}<span>${name}${CLASS_NAMES[what]}</span>
      <span class="quiet">${plural(count, "page")}, ${sizeText(count * map.pageBytes)}</span></li>`;
  };
  return html`<ul class="legend" data-part="memory-legend">${totalsOf(map).map(item)}</ul>`;
}

function swatch(owner: string, what: FrameClass): TemplateResult {
  const letter = owner === ""
    ? nothing
    : svg`<text class="letter" x="3" y="13">${owner.slice(0, 2)}</text>`;
  return html`
    <svg class="swatch" viewBox="0 0 28 18" width="28" height="18"
      aria-hidden="true">${frames(owner, what, "M0 0h28v18h-28z")}${letter}</svg>
  `;
}

function twin(map: MemoryMap): TemplateResult {
  return tableTwin(
    "Memory",
    ["Page frames", "From address", "Pages", "Owner", "What"],
    map.runs.map(({ pfn, count, owner, class: what }) => [
      framesText(pfn, count),
      hexText(pfn * map.pageBytes),
      countText(count),
      ownerText(owner),
      CLASS_WORDS[what],
    ]),
    TABLE_ROWS,
  );
}

/** What was looked for last: a picture is drawn many times. */
let looked: { trace: TraceView | undefined; at: number; text: string } = {
  trace: undefined,
  at: -1,
  text: "",
};

function exchangeOf({ trace }: PartContext, moment: number): string {
  // Of a run that comes in, what is there up to now: it is looked for again when there is more.
  const at = Math.min(moment, trace.count - 1);
  if (looked.trace !== trace || looked.at !== at) {
    const exchange = lastExchange(trace, at);
    const text = exchange === undefined ? "" : ` ${exchangeSentence(exchange)}`;
    looked = { trace, at, text };
  }
  return looked.text;
}

function changesText(changed: readonly Span[]): TemplateResult | typeof nothing {
  const count = sizeOf(changed);
  return count === 0 ? nothing : html`<p class="note" data-part="memory-changes">
    <span class="changed-mark" aria-hidden="true"></span>${plural(count, "page")} in
    ${plural(changed.length, "place")} changed hands or class since the moment shown before
    (outlined).</p>`;
}

function mapOf(
  context: PartContext,
  map: MemoryMap,
  earlier: MemoryMap | undefined,
): TemplateResult {
  const index = runAt(map, Math.min(chosen.pfn, map.frames - 1));
  const { inRow, rows } = shapesOf(map);
  const changed = earlier === undefined ? [] : changedFrames(earlier, map);
  const text = runText(map, index);
  return html`
    <p class="lead" data-part="memory-sentence">${memorySentence(map)}${exchangeOf(
      context,
      map.at,
    )}</p>
    ${momentLine(map)}
    ${picture({
      name: "Page frames by owner",
      width: AXIS_UNITS + CELLS_UNITS + 1,
      height: rows * ROW_UNITS + 1,
      content: contentOf(map, changed, index),
      count: map.runs.length,
      chosen: index,
      text,
      at: (x, y) => runAtPoint(map, x, y),
      leap: (from, way) => runBeyond(map, from, way),
      choose: (to) => {
        chosen.pfn = map.runs[to]?.pfn ?? 0;
        context.refresh();
      },
    })}
    <p class="readout" data-part="memory-readout">${text}</p>
    <p class="quiet">A row is ${plural(inRow, "page")}, ${sizeText(inRow * map.pageBytes)}.</p>
    ${changesText(changed)}${legend(map)}${twin(map)}
  `;
}

/** The pane. */
export function memoryPane(context: PartContext): TemplateResult {
  const obstacle = obstacleTo(context, "the memory");
  const { state, source } = context;
  if (obstacle !== "" || state.run === undefined) return hint(obstacle);
  const { memory } = cachesOf(source);
  const shown = memory.want(state.run, state.cursor, context.refresh);
  return html`<div class="memory-pane" aria-busy=${shown.waiting}>
    <h2 class="sr">Who owns which page</h2>
    ${momentNote(shown, state.cursor, memory)}
    ${shown.value === undefined ? nothing : mapOf(context, shown.value, shown.earlier)}
  </div>`;
}
